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
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// badge is an account kind of a third party: a company's own login page for browsers outside WeChat. Its code is the
// number of a badge.
type badge struct{}

func init() { caddy.RegisterModule(badge{}) }

func (badge) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.badge", New: func() caddy.Module { return new(badge) }}
}

func (*badge) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (badge) Kind() string { return "badge" }

func (badge) AppID() string { return "company" }

func (badge) Person(id identity.Identity) string { return id.Get("badge_no") }

func (badge) PersonEverywhere(id identity.Identity) string { return "company:" + id.Get("badge_no") }

func (badge) Serves(c visitor.Client) bool { return !c.WeChat }

func (badge) HasProfile(identity.Identity) bool { return false }

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

// badgeCallback returns the callback URL with a code for an authorize URL of a badge or a fob.
func badgeCallback(t *testing.T, authorize, code string) string {
	t.Helper()
	u, err := url.Parse(authorize)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("back") + "&code=" + code + "&state=" + u.Query().Get("state")
}

// locker is an account kind of a third party, whose code is the number of a locker and, behind a dash, its owner.
type locker struct{}

func init() { caddy.RegisterModule(locker{}) }

func (locker) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.locker", New: func() caddy.Module { return new(locker) }}
}

func (*locker) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (locker) Kind() string { return "locker" }

func (locker) AppID() string { return "gym" }

func (locker) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

func (locker) PersonEverywhere(identity.Identity) string { return "" }

func (locker) Serves(visitor.Client) bool { return true }

func (locker) HasProfile(id identity.Identity) bool { return id.Get(identity.Nickname) != "" }

func (locker) Consent(bool) account.Consent { return account.Silent }

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

// kiosk is an account kind of a third party: programs log in with a code, and it has an endpoint.
type kiosk struct{}

func init() { caddy.RegisterModule(kiosk{}) }

func (kiosk) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.kiosk", New: func() caddy.Module { return new(kiosk) }}
}

func (*kiosk) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (kiosk) Kind() string { return "kiosk" }

func (kiosk) AppID() string { return "mall" }

func (kiosk) Person(id identity.Identity) string { return id.Get("kiosk_no") }

func (kiosk) PersonEverywhere(id identity.Identity) string { return "mall:" + id.Get("kiosk_no") }

func (kiosk) Admits(id identity.Identity) bool { return id.Get("kiosk_no") != "closed" }

func (kiosk) Login(_ context.Context, code string) (account.Grant, error) {
	switch code {
	case "stale":
		return account.Grant{}, account.ErrCodeRefused
	case "blocked":
		return account.Grant{}, &account.Problem{Status: http.StatusForbidden, Word: "declined", Message: "blocked"}
	case "down":
		return account.Grant{}, weixin.ErrTimeout
	case "busy":
		return account.Grant{}, &weixin.Error{Code: 45011}
	}
	return account.Grant{Identity: identity.Identity{}.With("kiosk_no", code), SessionSecret: "secret of " + code}, nil
}

func (kiosk) Endpoints() []account.Endpoint {
	return []account.Endpoint{{Name: "echo", Serve: func(_ context.Context, c account.Call) (any, error) {
		if string(c.Body) == "null" {
			return nil, &account.Problem{
				Status: http.StatusConflict, Word: "session_key_expired",
				Message: "log in again",
			}
		}
		no := c.Identity.Get("kiosk_no")
		return map[string]string{"body": string(c.Body), "secret": c.SessionSecret, "no": no}, nil
	}}}
}

// fob is a second kind for browsers outside WeChat, with a QR code.
type fob struct{ badge }

func init() { caddy.RegisterModule(fob{}) }

func (fob) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.fob", New: func() caddy.Module { return new(fob) }}
}

func (fob) Kind() string { return "fob" }

func (fob) AppID() string { return "tower" }

func (fob) ShowsQRCode(visitor.Client) bool { return true }

func (fob) Label(language string) string { return "Fob in " + language }

func (fob) AuthorizeURL(client visitor.Client, redirectURI, state string, profile bool) string {
	return strings.Replace(badge{}.AuthorizeURL(client, redirectURI, state, profile), "login.example", "fob.example", 1)
}
