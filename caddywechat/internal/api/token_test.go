package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestTokenLogin_GivesATokenForACode(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.client()
	body := post(b, w.login, `{"code":"emma"}`).Want(t, http.StatusOK).JSON(t)
	b.Token, _ = body["token"].(string)
	s := b.Session()
	if s == nil || body["user"] != "o-emma" || body["openid"] != "o-emma" ||
		body["expires_in"] != sitetest.Lifetime.Seconds() {
		t.Fatalf("got %v, %v", body, s)
	}
	all := w.Events.Take()
	if len(all) != 1 || all[0].Outcome != event.LoggedIn || all[0].Subject != event.TokenLogin ||
		all[0].UserID != "o-emma" ||
		all[0].Account != "program" || all[0].AppID != "wxp" || all[0].Session != s.ID.String() {
		t.Errorf("got %+v", all)
	}
}

func TestTokenLogin_RefusesBodies(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	for name, tt := range map[string]struct {
		body   string
		lines  []string
		status int
		word   string
		says   string
	}{
		"a form":       {"code=emma", nil, 400, "bad_request", "a form is not read"},
		"no code":      {`{"code":""}`, nil, 400, "bad_request", "as JSON"},
		"nothing":      {"", nil, 400, "bad_request", "as JSON"},
		"another type": {`{"code":7}`, nil, 400, "bad_request", "as JSON"},
		"no code of WeChat's": {
			`{"code":"` + strings.Repeat("x", 1025) + `"}`, nil, 400, "bad_request", "too long",
		},
		"a long one":      {`{"code":"` + strings.Repeat("x", 64<<10) + `"}`, nil, 413, "too_large", ""},
		"the longest one": {`{"code":"emma"}` + strings.Repeat(" ", 64<<10-len(`{"code":"emma"}`)), nil, 200, "", ""},
		"a form of another site": {
			`{"code":"emma"}`,
			[]string{sitetest.CrossSite, "Content-Type: text/plain"},
			400, "bad_request",
			"another origin",
		},
		"JSON of another origin":  {`{"code":"emma"}`, []string{"Origin: https://servicewechat.com"}, 200, "", ""},
		"no type, of this origin": {`{"code":"emma"}`, []string{"Content-Type: text/plain"}, 200, "", ""},
	} {
		a := post(w.client(), w.login, tt.body, tt.lines...)
		if tt.word == "" {
			a.Want(t, tt.status)
			continue
		}
		body := a.WantWord(t, tt.status, tt.word)
		if text, _ := body["message"].(string); !strings.Contains(text, tt.says) {
			t.Errorf("%s: %v", name, body)
		}
	}
}

// brokenBody is one that breaks off behind what looks whole.
type brokenBody struct{}

func (brokenBody) Read(p []byte) (int, error) { return copy(p, `{"code":"emma"}`), io.ErrUnexpectedEOF }
func (brokenBody) Close() error               { return nil }

func TestTokenLogin_RefusesWhatCannotBeRead(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.client()
	r := b.Request("POST", "/", sitetest.Fetch)
	r.Body = brokenBody{}
	b.Do(w.login, r).WantWord(t, http.StatusBadRequest, "bad_request")
	r = b.Request("POST", "/", sitetest.Fetch, "", `{"code":"emma"}`)
	r.Origin = visitor.Origin{Scheme: "https"}
	b.Do(w.login, r).WantWord(t, http.StatusBadRequest, "bad_request")
}

func TestTokenLogin_SaysWhyThereIsNoToken(t *testing.T) {
	for name, tt := range map[string]struct {
		err      error
		status   int
		word     string
		outcome  event.Outcome
		byClient bool
		cure     bool
	}{
		"refused":   {account.ErrCodeRefused, 409, "code_used", event.Failed, true, false},
		"no member": {account.ErrNotAMember, 403, "not_a_member", event.NotAMember, true, false},
		"told": {
			&account.Problem{Status: 403, Word: "declined", Message: "no"}, 403, "declined", event.Failed, true, false,
		},
		"WeChat":       {errors.New("strange"), 502, "wechat_error", event.Failed, false, false},
		"a quota":      {&weixin.Error{Code: 45011}, 503, "wechat_busy", event.Failed, false, true},
		"wrong secret": {&weixin.Error{Code: 40125}, 502, "wechat_error", event.Failed, false, true},
	} {
		w := newWorld(t, sitetest.Options{})
		w.program.Logins = func(string) (account.Grant, error) { return account.Grant{}, tt.err }
		post(w.client(), w.login, `{"code":"emma"}`).WantWord(t, tt.status, tt.word)
		all := w.Events.Take()
		if len(all) != 1 || all[0].Outcome != tt.outcome || all[0].ByClient != tt.byClient ||
			!errors.Is(all[0].Err, tt.err) ||
			(all[0].Cure != "") != tt.cure || all[0].AppID != "wxp" || all[0].Account != "program" {
			t.Errorf("%s: %+v", name, all)
		}
	}
	w := newWorld(t, sitetest.Options{})
	w.program.Lets = func(identity.Identity) bool { return false }
	post(w.client(), w.login, `{"code":"emma"}`).WantWord(t, http.StatusForbidden, "not_a_member")
}

func TestTokenLogin_OfWhoLeftAnswersNothing(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	w.program.Logins = func(string) (account.Grant, error) {
		cancel()
		return account.Grant{}, account.ErrCodeRefused
	}
	b := w.client()
	r := b.Request("POST", "/", sitetest.Fetch, "", `{"code":"emma"}`)
	r.Request = r.WithContext(ctx)
	if a := b.Do(w.login, r); a.Body != "" || len(a.Header) != 0 || len(w.Events.Take()) != 0 {
		t.Errorf("got %v, %s", a.Header, a.Body)
	}
}

func TestTokenLogin_WithoutKeysAsksNobody(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	asked := false
	w.program.Logins = func(string) (account.Grant, error) {
		asked = true
		return account.Grant{}, nil
	}
	keys := w.switchKeys()
	keys.off = store.ErrStore
	post(w.client(), w.login, `{"code":"emma"}`).WantWord(t, http.StatusServiceUnavailable, "store_unavailable")
	if asked {
		t.Error("a code is spent of which nothing can come")
	}
}

func TestTokenLogin_RevokedAtThatMomentGivesNoToken(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	isAsked := false
	w.program.Logins = func(code string) (account.Grant, error) {
		isAsked = true
		return account.Grant{Identity: sitetest.Named("o-" + code)}, nil
	}
	w.config.Now = func() time.Time { // asked for once more between the session and the answer
		if isAsked {
			if err := w.Parts.Revoked.EndPerson(t.Context(), "o-emma"); err != nil {
				t.Error(err)
			}
		}
		return w.Clock.Now()
	}
	w.API = api.New(w.config)
	body := post(w.client(), w.login, `{"code":"emma"}`).WantWord(t, http.StatusUnauthorized, "login_required")
	if text, _ := body["message"].(string); !strings.Contains(text, "/_wechat/program/login") ||
		len(w.Events.Take()) != 0 {
		t.Errorf("got %v", body)
	}
}

// echo is an endpoint that tells what it got.
func echo(fails *error) account.Endpoint {
	return account.Endpoint{Name: "echo", Serve: func(_ context.Context, c account.Call) (any, error) {
		if *fails != nil {
			return nil, *fails
		}
		return map[string]string{
			"body": string(c.Body), "secret": c.SessionSecret, "openid": c.Identity.Get(identity.OpenID),
		}, nil
	}}
}

func TestServe_AnswersPeopleOfTheAccountAlone(t *testing.T) {
	var fails error
	other := &sitetest.Program{Name: "other", ID: "wxo"}
	mine := new(sitetest.Program)
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{mine, other}})
	serve := func(rw http.ResponseWriter, r *visitor.Request) error { return w.Serve(rw, r, mine, echo(&fails)) }
	b := w.client()
	b.LogIn(w.Session(mine, "o-emma"))
	body := post(b, serve, "{}").WantWord(t, http.StatusUnauthorized, "login_required") // a cookie does not do
	if text, _ := body["message"].(string); !strings.Contains(text, "/_wechat/program/login") ||
		strings.Contains(text, "/other/") {
		t.Errorf("got %v", body)
	}
	for name, token := range map[string]*sitetest.Program{"of another account": other, "that is none": nil} {
		b := w.client()
		b.Token = "wx1.x"
		if token != nil {
			b.UseToken(w.Session(token, "o-emma"))
		}
		if post(b, serve, "{}").StatusCode != http.StatusUnauthorized {
			t.Errorf("a token %s does", name)
		}
	}
	g := account.Grant{SessionSecret: "secret"}
	w.Parts.Grants.Keep(t.Context(), mine, sitetest.Identity(mine, "o-emma"), g)
	b.UseToken(w.Session(mine, "o-emma"))
	got := post(b, serve, `{"x":1}`).Want(t, http.StatusOK).JSON(t)
	if got["body"] != `{"x":1}` || got["secret"] != "secret" || got["openid"] != "o-emma" {
		t.Errorf("got %v", got)
	}
	post(b, serve, strings.Repeat("x", 64<<10+1)).WantWord(t, http.StatusRequestEntityTooLarge, "too_large")
	w.Store.Fail("Get")
	post(b, serve, "{}").WantWord(t, http.StatusServiceUnavailable, "store_unavailable")
	w.Store.Before(nil)
	keys := w.switchKeys()
	keys.off = store.ErrStore
	post(b, serve, "{}").WantWord(t, http.StatusServiceUnavailable, "store_unavailable")
}

func TestServe_LogsWhatOperatorsCanMend(t *testing.T) {
	var fails error
	w := newWorld(t, sitetest.Options{})
	serve := func(rw http.ResponseWriter, r *visitor.Request) error { return w.Serve(rw, r, w.program, echo(&fails)) }
	b := w.client()
	b.UseToken(w.Session(w.program, "o-emma"))
	fails = &account.Problem{Status: 409, Word: "session_key_expired", Message: "again"}
	post(b, serve, "{}").WantWord(t, http.StatusConflict, "session_key_expired")
	w.WantLines("endpoint failed", 0)
	fails = &weixin.Error{Code: 40125}
	post(b, serve, "{}").WantWord(t, http.StatusBadGateway, "wechat_error")
	line := w.WantLines("endpoint failed", 1)[0]
	if line["endpoint"] != "echo" || line["app_id"] != "wxp" || line["cure"] == nil ||
		line["request_id"] != "request-1" {
		t.Errorf("got %v", line)
	}
	ctx, cancel := context.WithCancel(t.Context())
	leave := func(context.Context, account.Call) (any, error) {
		cancel()
		return nil, fails
	}
	leaving := func(rw http.ResponseWriter, r *visitor.Request) error {
		return w.Serve(rw, r, w.program, account.Endpoint{Name: "x", Serve: leave})
	}
	r := b.Request("POST", "/", sitetest.Fetch)
	r.Request = r.WithContext(ctx)
	b.Do(leaving, r)
	w.WantLines("endpoint failed", 1)
}
