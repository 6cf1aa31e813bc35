package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const tooMany = "too many codes of an address were refused"

// refusing lets every code be refused but emma.
func refusing(code string) (account.Grant, error) {
	if code != "emma" {
		return account.Grant{}, account.ErrCodeRefused
	}
	return account.Grant{Identity: sitetest.Named("o-emma")}, nil
}

func TestTokenLogin_WhoTriesCodesIsSlow(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.program.Logins = refusing
	b := w.client()
	for range 10 {
		post(b, w.login, `{"code":"guess"}`).WantWord(t, http.StatusConflict, "code_used")
		post(b, w.login, `{"code":"emma"}`)
	}
	a := post(b, w.login, `{"code":"emma"}`)
	if a.WantWord(t, http.StatusTooManyRequests, "too_many"); a.Header.Get("Retry-After") != "60" {
		t.Errorf("got %v", a.Header)
	}
	line := w.WantLines(tooMany, 1)[0]
	if line["network"] != "192.0.2.1/32" || line["account"] != "wxp" || line["cure"] != nil {
		t.Errorf("got %v", line)
	}
	other := w.client()
	other.Server.Address = netip.MustParseAddr("192.0.2.2")
	post(other, w.login, `{"code":"emma"}`).Want(t, http.StatusOK)
	w.Clock.Pass(time.Minute)
	post(b, w.login, `{"code":"emma"}`).Want(t, http.StatusOK)
}

func TestTokenLogin_TellsOfAProxyThatMayBeBehindIt(t *testing.T) {
	for address, want := range map[string]bool{"10.0.0.1": true, "127.0.0.1": true, "192.0.2.1": false} {
		w := newWorld(t, sitetest.Options{})
		w.program.Logins = refusing
		b := w.client()
		b.Server.Address = netip.MustParseAddr(address)
		for range 10 {
			post(b, w.login, `{"code":"guess"}`)
		}
		line := w.WantLines(tooMany, 1)[0]
		if text, _ := line["cure"].(string); strings.Contains(text, "trusted_proxies") != want {
			t.Errorf("%s: %v", address, line)
		}
	}
}

func TestServe_WhoTriesCodesIsSlow(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	refused := error(&account.Problem{Status: 409, Word: "expired", Message: "no", Refused: true})
	serve := func(rw http.ResponseWriter, r *visitor.Request) error {
		return w.Serve(rw, r, w.program, echo(&refused))
	}
	b := w.client()
	b.UseToken(w.Session(w.program, "o-emma"))
	for range 10 {
		post(b, serve, "{}").WantWord(t, http.StatusConflict, "expired")
	}
	if a := post(b, serve, "{}"); a.Header.Get("Retry-After") == "" {
		t.Errorf("got %v", a.Header)
	} else {
		a.WantWord(t, http.StatusTooManyRequests, "too_many")
	}
}

func TestTokenLogin_WaitsForOthersOfTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		answer := make(chan struct{})
		w.program.Logins = func(code string) (account.Grant, error) {
			<-answer
			return account.Grant{Identity: sitetest.Named("o-" + code)}, nil
		}
		for range 10 {
			go post(w.client(), w.login, `{"code":"emma"}`)
		}
		synctest.Wait()
		begun := time.Now()
		post(w.client(), w.login, `{"code":"li"}`).WantWord(t, http.StatusServiceUnavailable, "wechat_busy")
		if took := time.Since(begun); took != 2*timeout {
			t.Errorf("waited %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := w.client()
		r := b.Request("POST", "/", sitetest.Fetch, "", `{"code":"li"}`)
		r.Request = r.WithContext(ctx)
		w.Events.Take()
		if a := b.Do(w.login, r); a.Body != "" || len(w.Events.Take()) != 0 {
			t.Errorf("who left is answered: %s", a.Body)
		}
		// As many as wait, and no more.
		var answers [64]*sitetest.Answer
		done := make(chan struct{})
		for i := range answers {
			go func() {
				answers[i] = post(w.client(), w.login, `{"code":"li"}`)
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		a := post(w.client(), w.login, `{"code":"li"}`)
		if a.WantWord(t, http.StatusTooManyRequests, "too_many"); a.Header.Get("Retry-After") != "1" {
			t.Errorf("got %v", a.Header)
		}
		close(answer)
		for range answers {
			<-done
		}
		for _, a := range answers {
			a.Want(t, http.StatusOK)
		}
	})
}

func TestTokenLogin_WhoLeavesIsCountedAllTheSame(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		w.program.Logins = func(string) (account.Grant, error) {
			cancel()
			return account.Grant{}, account.ErrCodeRefused
		}
		b := w.client()
		r := b.Request("POST", "/", sitetest.Fetch, "", `{"code":"guess"}`)
		r.Request = r.WithContext(ctx)
		b.Do(w.login, r)
	}
	post(w.client(), w.login, `{"code":"emma"}`).WantWord(t, http.StatusTooManyRequests, "too_many")
}
