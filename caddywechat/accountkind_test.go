package caddywechat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestAccountKind_OfAThirdParty(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "badge\nuser_id qualified\nuserinfo /profile\noptional /open")
	b := w.browser(onDesktop)
	callback := func(code string) string {
		a := b.open("/page?x=1")
		if !strings.HasPrefix(a.location(), "https://login.example/") {
			t.Fatalf("status %d to %s", a.StatusCode, a.location())
		}
		return badgeCallback(t, a.location(), code)
	}
	if a := b.open(callback("stale")); !strings.HasPrefix(a.location(), "https://login.example/") {
		t.Errorf("a stale code is answered by a redirect to %s", a.location())
	}
	b.open(callback("4711")).wantRedirect(t, "/page?x=1")
	w.received()
	b.open("/page?x=1", "X-Wechat-Badge-No: 1").wantStatus(t, http.StatusOK)
	r := w.received()
	for name, want := range map[string]string{
		"X-Wechat-User": "company:4711", "X-Wechat-Account": "badge", "X-Wechat-Appid": "company",
		"X-Wechat-Badge-No": "4711", "X-Wechat-Openid": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if got := repl.ReplaceKnown("{http.auth.user.badge_no}", ""); got != "4711" {
		t.Errorf("placeholder: %q", got)
	}
	if got := b.send("GET", "/_wechat/me").json(t); got["badge_no"] != "4711" || got["id"] != "company:4711" {
		t.Errorf("me: %v", got)
	}
	t.Run("a kind without profiles says so", func(t *testing.T) {
		b.send("GET", "/profile").wantJSON(t, http.StatusForbidden, "profile_unavailable")
		b.open("/profile").wantStatus(t, http.StatusForbidden)
		w.browser(onDesktop).open("/_wechat/login?profile=1").wantStatus(t, http.StatusForbidden)
	})
	t.Run("WeChat's visitors still go to WeChat", func(t *testing.T) {
		inside := w.browser(inWeChat)
		inside.follow("/page")
		if got, want := inside.userAt("/page"), simulator.DemoAppID+":"+person; got != want {
			t.Errorf("user %s, want %s", got, want)
		}
	})
	t.Run("login chooses an account", func(t *testing.T) {
		a := w.browser(inWeChat).open("/_wechat/login?account=badge")
		if !strings.HasPrefix(a.location(), "https://login.example/") {
			t.Errorf("Location: %s", a.location())
		}
	})
	t.Run("a session of a kind that is not configured does not open", func(t *testing.T) {
		w.provisionAccount("", "")
		b.open("/page").wantStatus(t, http.StatusForbidden)
	})
}

func TestUserID_MustBeChosenForSeveralAccounts(t *testing.T) {
	err := provisionError(t, strings.Replace("{"+accountJSON+"}", "}]", `},{"kind":"badge"}]`, 1))
	wantError(t, err, "user_id unionid")
}

func TestAccountKind_ServesItsEndpoints(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	token := b.token("7")
	bearer := "Authorization: Bearer " + token
	got := b.post("/_wechat/kiosk/echo", `{"a":1}`, bearer).wantStatus(t, http.StatusOK).json(t)
	if got["body"] != `{"a":1}` || got["secret"] != "secret of 7" || got["no"] != "7" {
		t.Errorf("got %v", got)
	}
	if found := w.inStorage("secret of 7"); found != "" {
		t.Errorf("a secret is readable in %s", found)
	}
	b.post("/_wechat/kiosk/echo", "null", bearer).wantJSON(t, http.StatusConflict, "session_key_expired")
	b.post("/_wechat/kiosk/echo", "{}").wantJSON(t, http.StatusUnauthorized, "login_required")
	b.post("/_wechat/kiosk/echo", strings.Repeat("x", 64<<10+1), bearer).
		wantJSON(t, http.StatusRequestEntityTooLarge, "too_large")
	inside := w.browser(inWeChat)
	inside.follow("/")
	inside.post("/_wechat/kiosk/echo", "{}").wantJSON(t, http.StatusUnauthorized, "login_required")

	b.send("POST", "/_wechat/logout", bearer)
	another := "Authorization: Bearer " + b.token("8")
	if got := b.post("/_wechat/kiosk/echo", "{}", another).json(t); got["secret"] != "secret of 8" {
		t.Errorf("got %v", got)
	}
}

func TestAccountKind_DecidesWhomItAdmits(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	a := w.handler.login.Accounts.All()[len(w.handler.login.Accounts.All())-1]
	if account.Admits(a, identity.Identity{}.With("kiosk_no", "closed")) ||
		!account.Admits(a, identity.Identity{}.With("kiosk_no", "7")) {
		t.Error("the account is not asked")
	}
	b.token("7")
}
