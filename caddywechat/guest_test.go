package caddywechat

import (
	"context"
	"encoding/json"
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

// badge is a kind of account of somebody else's: a company's own login page, for browsers outside WeChat. It takes a code
// for a badge's number.
type badge struct{}

func init() { caddy.RegisterModule(badge{}) }

func (badge) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.badge", New: func() caddy.Module { return new(badge) }}
}
func (*badge) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (badge) Kind() string                                 { return "badge" }
func (badge) AppID() string                                { return "company" }
func (badge) Person(id identity.Identity) string           { return id.Get("badge_no") }
func (badge) PersonEverywhere(id identity.Identity) string { return "company:" + id.Get("badge_no") }
func (badge) Serves(c visitor.Client) bool                 { return !c.WeChat }
func (badge) HasProfile(identity.Identity) bool            { return false }

func (badge) Consent(profile bool) account.Consent {
	if profile {
		return account.Never
	}
	return account.Direct
}

func (badge) AuthorizeURL(_ visitor.Client, redirectURI, state string, _ bool) string {
	return "https://login.example/?back=" + url.QueryEscape(redirectURI) + "&state=" + state
}

func (badge) Exchange(_ context.Context, code string, _ bool) (account.Grant, error) {
	if code == "stale" {
		return account.Grant{}, account.ErrCodeRefused
	}
	return account.Grant{Identity: identity.Identity{}.With("badge_no", code)}, nil
}

func TestAKindOfAccountOfSomebodyElse(t *testing.T) {
	w := newWorld(t, "badge\nuser_id qualified\nuserinfo /profile\noptional /open")
	b := w.browser(onDesktop)
	back := func(code string) string {
		a := b.open("/page?x=1")
		location, err := url.Parse(a.Header.Get("Location"))
		if err != nil || location.Host != "login.example" {
			t.Fatalf("status %d to %s", a.StatusCode, a.Header.Get("Location"))
		}
		q := location.Query()
		return q.Get("back") + "&code=" + code + "&state=" + q.Get("state")
	}
	if a := b.open(back("stale")); !strings.HasPrefix(a.Header.Get("Location"), "https://login.example/") {
		t.Errorf("a stale code led to %s", a.Header.Get("Location"))
	}
	b.open(back("4711")).wantRedirect(t, "/page?x=1")
	w.received()
	b.open("/page?x=1", "X-Wechat-Badge-No: 1").wantStatus(t, http.StatusOK)
	r := w.received()
	for name, want := range map[string]string{
		"X-Wechat-User": "company:4711", "X-Wechat-Account": "badge", "X-Wechat-Appid": "company", "X-Wechat-Badge-No": "4711", "X-Wechat-Openid": "",
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
	t.Run("a kind that never brings a profile says so", func(t *testing.T) {
		b.send("GET", "/profile").wantJSON(t, http.StatusForbidden, "profile_unavailable")
		b.open("/profile").wantStatus(t, http.StatusForbidden)
		w.browser(onDesktop).open("/_wechat/login?profile=1").wantStatus(t, http.StatusForbidden)
	})
	t.Run("WeChat's visitors still go to WeChat", func(t *testing.T) {
		inside := w.browser(inWeChat)
		inside.follow("/page")
		if got, want := inside.user("/page"), simulator.DemoAppID+":"+person; got != want {
			t.Errorf("user %s, want %s", got, want)
		}
	})
	t.Run("login chooses an account", func(t *testing.T) {
		a := w.browser(inWeChat).open("/_wechat/login?account=badge")
		if !strings.HasPrefix(a.Header.Get("Location"), "https://login.example/") {
			t.Errorf("Location: %s", a.Header.Get("Location"))
		}
	})
	t.Run("a session of a kind that the site does not name is none", func(t *testing.T) {
		w.provisionAccount("", "")
		b.open("/page").wantStatus(t, http.StatusForbidden)
	})
}

func TestSeveralAccountsMustChooseWhatAPersonIs(t *testing.T) {
	ctx, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ctx.LoadModuleByID("http.handlers.wechat_auth",
		json.RawMessage(`{"accounts":[{"kind":"official_account","app_id":"x","app_secret":"0123456789abcdef0123456789abcdef"},{"kind":"badge"}]}`))
	if err == nil || !strings.Contains(err.Error(), "user_id unionid") {
		t.Errorf("got %v", err)
	}
}
