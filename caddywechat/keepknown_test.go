package caddywechat

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// silently logs in once more in a browser that has a session, as a second tab does, and returns what me says then.
func (b *browser) silently(holding string) map[string]string {
	b.t.Helper()
	if err := b.sim.Hold(holding); err != nil {
		b.t.Fatal(err)
	}
	b.follow("/_wechat/login?account=official_account&return_to=/page")
	return b.send("GET", "/_wechat/me").wantStatus(b.t, http.StatusOK).json(b.t)
}

func TestASilentLoginKeepsWhatWasKnownOfTheSamePersonOnly(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.open(b.agree(consentPage(t, b.open("/profile/me")), "allow")).wantRedirect(t, "/profile/me")
	first := b.send("GET", "/_wechat/me").json(t)

	again := b.silently("xiaoming")
	for _, field := range []string{"openid", "unionid", "nickname", "avatar", "scope"} {
		if first[field] == "" || again[field] != first[field] {
			t.Errorf("the same person's %s: %q, then %q", field, first[field], again[field])
		}
	}
	b.open("/profile/me").wantStatus(t, http.StatusOK)

	other := b.silently("afang")
	if other["openid"] == first["openid"] {
		t.Fatal("it is the same person")
	}
	for _, field := range []string{"unionid", "nickname", "avatar"} {
		if other[field] != "" {
			t.Errorf("somebody else gets the %s %q", field, other[field])
		}
	}
	if other["scope"] != "snsapi_base" {
		t.Errorf("scope %q", other["scope"])
	}
	consentPage(t, b.open("/profile/me"))
}

// locker is a kind of account of somebody else's, whose code is a locker's number and, behind a dash, whose it is.
type locker struct{}

func init() { caddy.RegisterModule(locker{}) }

func (locker) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.locker", New: func() caddy.Module { return new(locker) }}
}
func (*locker) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (locker) Kind() string                              { return "locker" }
func (locker) AppID() string                             { return "gym" }
func (locker) Person(id identity.Identity) string        { return id.Get(identity.OpenID) }
func (locker) PersonEverywhere(identity.Identity) string { return "" }
func (locker) Serves(visitor.Client) bool                { return true }
func (locker) HasProfile(id identity.Identity) bool      { return id.Get(identity.Nickname) != "" }
func (locker) Consent(bool) account.Consent              { return account.Silent }

func (locker) AuthorizeURL(_ visitor.Client, redirectURI, state string, _ bool) string {
	return redirectURI + "&state=" + state
}

func (locker) Exchange(_ context.Context, code string, _ bool) (account.Grant, error) {
	no, name, _ := strings.Cut(code, "-")
	return account.Grant{Identity: identity.Identity{}.
		With(identity.OpenID, no).
		With(identity.UnionID, name).
		With(identity.Nickname, name)}, nil
}

func TestWhoIsTheSamePersonTheAccountSaysWhateverItsKind(t *testing.T) {
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.provision("wechat_auth {\nlocker\nplatform " + w.simURL + "\n}")
	b := w.browser(onDesktop)
	login := func(code string) map[string]string {
		t.Helper()
		back := b.open("/_wechat/login?account=locker&return_to=/page").Header.Get("Location")
		b.open(back+"&code="+url.QueryEscape(code)).wantRedirect(t, "/page")
		return b.send("GET", "/_wechat/me").wantStatus(t, http.StatusOK).json(t)
	}
	login("7-Anna")
	if got := login("7"); got["nickname"] != "Anna" {
		t.Errorf("the same person: %v", got)
	}
	if got := login("8"); got["nickname"] != "" || got["id"] != "8" {
		t.Errorf("somebody else: %v", got)
	}
}

func TestTwoAccountsPeopleOfOneNameAreNotTheSame(t *testing.T) {
	w := newWorld(t, "locker\nuser_id qualified")
	b := w.browser(inWeChat)
	back := b.open("/_wechat/login?account=locker&return_to=/page").Header.Get("Location")
	b.open(back+"&code="+person+url.QueryEscape("-Anna")).wantRedirect(t, "/page")
	if got := b.silently("xiaoming"); got["openid"] != person || got["unionid"]+got["nickname"] != "" {
		t.Errorf("got %v", got)
	}
}
