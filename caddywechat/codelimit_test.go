package caddywechat

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// Limits of one client: refused codes in a minute, and codes that wait for others.
const (
	maxRefused = 10
	maxWaiting = 64
)

// A client that sends X-Forwarded-For itself neither evades the limit nor has it applied to another address.
func TestCodeLimit_CountsTheClientBehindAProxy(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	w.server = newServer(t, trustingPrivate)
	const victim, attacker = "192.0.2.1", "203.0.113.5"
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, fmt.Sprintf("X-Forwarded-For: %s, %s", victim, attacker)).
			wantJSON(t, http.StatusConflict, "code_used")
	}
	for i := range 5 { // with any address of its own choice
		forwarded := fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, %s", i, attacker)
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, forwarded).
			wantJSON(t, http.StatusTooManyRequests, "too_many")
	}
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: "+victim).wantStatus(t, http.StatusOK)
}

func TestCodeLimit_CountsAnIPv6NetworkAsOneClient(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	w.server = newServer(t, trustingPrivate)
	for i := range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, fmt.Sprintf("X-Forwarded-For: 2001:db8::%d", i+1)).
			wantJSON(t, http.StatusConflict, "code_used")
	}
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 2001:db8::ffff:1").
		wantJSON(t, http.StatusTooManyRequests, "too_many")
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 2001:db8:0:1::1").wantStatus(t, http.StatusOK)
}

func TestCodeLimit_HintsOnceAtAnUntrustedProxy(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	hints := func() int { return w.logs.FilterMessageSnippet("trusted_proxies").Len() }
	b.post("/_wechat/kiosk/login", `{"code":"7"}`)
	if hints() != 0 {
		t.Error("a hint at a proxy that nobody saw")
	}
	for range 3 {
		b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 203.0.113.5")
	}
	if hints() != 1 {
		t.Errorf("%d hints", hints())
	}
	// An untrusted proxy without the header is hinted at where the limit applies.
	for range 2 * maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`)
	}
	lines := w.logs.FilterMessageSnippet("too many codes").All()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["cure"]), "trusted_proxies") {
		t.Errorf("got %v", lines)
	}

	w, b = newKioskSite(t, "")
	w.server = newServer(t, trustingPrivate)
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 203.0.113.5")
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, "X-Forwarded-For: 203.0.113.5")
	}
	if n := w.logs.FilterMessageSnippet("trusted_proxies").Len(); n != 0 {
		t.Errorf("%d hints at a proxy that is trusted", n)
	}
	if lines := w.logs.FilterMessageSnippet("too many codes").All(); len(lines) != 1 ||
		lines[0].ContextMap()["cure"] != nil {
		t.Errorf("got %v", lines)
	}
}

func TestCodeLimit_HoldsForSimultaneousCodes(t *testing.T) {
	t.Parallel()
	w, b := newMiniProgramSite(t, "")
	w.fault(simulator.Fault{Path: jscode2sessionPath, Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond})
	got := atOnce(w, 240, func(b *browser, i int) response {
		return b.post("/_wechat/mini_program/login", fmt.Sprintf(`{"code":"%032d"}`, i))
	})
	if got[http.StatusConflict] != maxRefused || got[http.StatusTooManyRequests] != 240-maxRefused {
		t.Errorf("got %v", got)
	}
	if n := w.sim.Calls(jscode2sessionPath); n != maxRefused {
		t.Errorf("WeChat was asked %d times", n)
	}
	a := b.post("/_wechat/mini_program/login", `{"code":"x"}`)
	message := a.wantJSON(t, http.StatusTooManyRequests, "too_many")["message"]
	if strings.Contains(message, "circles") || !strings.Contains(message, "refused") {
		t.Errorf("it says %q", message)
	}
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
		t.Errorf("it says when to come again: %q", a.Header.Get("Retry-After"))
	}
	a = b.post("/_wechat/mini_program/login", `{"code":"x"}`, "Accept: text/html", "Accept-Language: en")
	if a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "from your network") {
		t.Errorf("as a page: %d %.300s", a.StatusCode, a.body)
	}
	w.advance(time.Minute)
	w.sim.ClearFaults()
	code := w.miniProgramCode("")
	b.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`).wantStatus(t, http.StatusOK)
}

// An abandoned request has cost WeChat a call all the same.
func TestCodeLimit_CountsAbandonedRequests(t *testing.T) {
	t.Parallel()
	w, b := newMiniProgramSite(t, "")
	w.fault(simulator.Fault{Path: jscode2sessionPath, Kind: simulator.FaultDelay, Delay: 500 * time.Millisecond})
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range maxRefused {
		program := w.browser("a program").client
		all.Go(func() {
			body := strings.NewReader(fmt.Sprintf(`{"code":"%032d"}`, i))
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.site("/_wechat/mini_program/login"), body)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			if res, err := program.Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	waitFor(t, "WeChat gets every code", func() bool { return w.sim.Calls(jscode2sessionPath) >= maxRefused })

	leave()
	all.Wait()
	b.post("/_wechat/mini_program/login", `{"code":"x"}`).wantJSON(t, http.StatusTooManyRequests, "too_many")
	if n := w.sim.Calls(jscode2sessionPath); n != maxRefused {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// Many people share the address of a carrier, and the limit on refused codes is not meant for them.
func TestCodeLimit_AllowsManyValidCodes(t *testing.T) {
	t.Parallel()
	w, _ := newMiniProgramSite(t, "")
	w.fault(simulator.Fault{Path: jscode2sessionPath, Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond})
	const people = maxRefused + maxWaiting
	codes := make([]string, people)
	for i := range codes {
		codes[i] = w.miniProgramCode("")
	}
	if got := atOnce(w, people, func(b *browser, i int) response {
		return b.post("/_wechat/mini_program/login", `{"code":"`+codes[i]+`"}`)
	}); got[http.StatusOK] != people {
		t.Errorf("got %v", got)
	}
}

func TestCodeLimit_StopsGuessing(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`).wantJSON(t, http.StatusConflict, "code_used")
	}
	if a := b.post("/_wechat/kiosk/login", `{"code":"7"}`); a.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	} else {
		a.wantJSON(t, http.StatusTooManyRequests, "too_many")
	}
	w.advance(time.Minute)
	b.token("7")
}

func TestCodeLimit_IgnoresCrossSitePosts(t *testing.T) {
	t.Parallel()
	_, b := newKioskSite(t, "")
	for range 2 * maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain").
			wantJSON(t, http.StatusBadRequest, "bad_request")
	}
	b.token("7")
	// A mini-program on a computer sends JSON and Sec-Fetch-Site: cross-site.
	b.post("/_wechat/kiosk/login", `{"code":"8"}`, "Sec-Fetch-Site: cross-site").wantStatus(t, http.StatusOK)
}
