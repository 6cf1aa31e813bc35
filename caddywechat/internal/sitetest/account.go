package sitetest

import (
	"cmp"
	"context"
	"net/url"
	"sync"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Account is an account to which visitors are sent. The zero Account serves WeChat's browser by silent logins, and
// asks for the profile at once; where a function is nil it does as accounts do that have no such method. Its calls are
// counted.
type Account struct {
	Name, ID, Reference string // "": official, wxa, and the app id

	ServesClient func(visitor.Client) bool
	Asks         func(profile bool) account.Consent
	Exchanges    func(code string, profile bool) (account.Grant, error)
	Refreshes    func(token string) (account.Grant, error)
	Lets         func(identity.Identity) bool
	Fallback     func(visitor.Client) bool
	QRCode       func(visitor.Client) bool
	Recommends   func(visitor.Client) bool
	Everywhere   func(identity.Identity) string
	HasAll       func(identity.Identity) bool
	Snapshot     bool // whether visitors of snapshot pages get a session

	mu    sync.Mutex
	calls map[string]int
}

var (
	_ account.Redirector         = (*Account)(nil)
	_ account.ProfileRefresher   = (*Account)(nil)
	_ account.Admitter           = (*Account)(nil)
	_ account.Fallback           = (*Account)(nil)
	_ account.QRCodeLogin        = (*Account)(nil)
	_ account.BrowserRecommender = (*Account)(nil)
	_ account.Snapshots          = (*Account)(nil)
	_ account.SharedAppID        = (*Account)(nil)
)

// Calls returns how often a method was called, such as Exchange.
func (a *Account) Calls(method string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[method]
}

func (a *Account) count(method string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls == nil {
		a.calls = make(map[string]int)
	}
	a.calls[method]++
}

// Kind implements [account.Account].
func (a *Account) Kind() string { return cmp.Or(a.Name, "official") }

// AppID implements [account.Account].
func (a *Account) AppID() string { return cmp.Or(a.ID, "wxa") }

// Ref implements [account.SharedAppID].
func (a *Account) Ref() string { return cmp.Or(a.Reference, a.AppID()) }

// Person implements [account.Account].
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account].
func (a *Account) PersonEverywhere(id identity.Identity) string {
	if a.Everywhere != nil {
		return a.Everywhere(id)
	}
	return id.Get(identity.UnionID)
}

// Serves implements [account.Redirector].
func (a *Account) Serves(c visitor.Client) bool { return ask(a.ServesClient, c, c.WeChat) }

// Consent implements [account.Redirector].
func (a *Account) Consent(profile bool) account.Consent {
	if a.Asks != nil {
		return a.Asks(profile)
	}
	if profile {
		return account.Direct
	}
	return account.Silent
}

// AuthorizeURL implements [account.Redirector].
func (a *Account) AuthorizeURL(_ visitor.Client, redirectURI, state string, profile bool) string {
	u := Platform + "/" + a.Kind() + "?redirect_uri=" + url.QueryEscape(redirectURI) + "&state=" + state
	if profile {
		u += "&scope=profile"
	}
	return u
}

// Exchange implements [account.Redirector].
func (a *Account) Exchange(_ context.Context, code string, profile bool) (account.Grant, error) {
	a.count("Exchange")
	if a.Exchanges != nil {
		return a.Exchanges(code, profile)
	}
	if profile {
		return account.Grant{Identity: Named("o-"+code, identity.Nickname, "Emma", identity.Scope, "profile")}, nil
	}
	return account.Grant{Identity: Named("o-" + code)}, nil
}

// HasProfile implements [account.Redirector].
func (a *Account) HasProfile(id identity.Identity) bool {
	return ask(a.HasAll, id, id.Get(identity.Nickname) != "")
}

// RefreshProfile implements [account.ProfileRefresher].
func (a *Account) RefreshProfile(_ context.Context, token string) (account.Grant, error) {
	a.count("RefreshProfile")
	return a.Refreshes(token)
}

// Admits implements [account.Admitter].
func (a *Account) Admits(id identity.Identity) bool { return ask(a.Lets, id, true) }

// IsFallback implements [account.Fallback].
func (a *Account) IsFallback(c visitor.Client) bool { return ask(a.Fallback, c, false) }

// ShowsQRCode implements [account.QRCodeLogin].
func (a *Account) ShowsQRCode(c visitor.Client) bool { return ask(a.QRCode, c, false) }

// RecommendsBrowser implements [account.BrowserRecommender].
func (a *Account) RecommendsBrowser(c visitor.Client) bool { return ask(a.Recommends, c, true) }

// AllowsSnapshots implements [account.Snapshots].
func (a *Account) AllowsSnapshots() bool { return a.Snapshot }

// ask returns what a function says, or something else where there is none.
func ask[T any](f func(T) bool, of T, otherwise bool) bool {
	if f == nil {
		return otherwise
	}
	return f(of)
}

// Program is an account whose people come by a program.
type Program struct {
	Name, ID string // "": program, wxp
	Logins   func(code string) (account.Grant, error)
	Offers   []account.Endpoint
	Lets     func(identity.Identity) bool
}

var (
	_ account.TokenLogin = (*Program)(nil)
	_ account.Endpoints  = (*Program)(nil)
	_ account.Admitter   = (*Program)(nil)
)

// Kind implements [account.Account].
func (p *Program) Kind() string { return cmp.Or(p.Name, "program") }

// AppID implements [account.Account].
func (p *Program) AppID() string { return cmp.Or(p.ID, "wxp") }

// Person implements [account.Account].
func (*Program) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account].
func (*Program) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

// Admits implements [account.Admitter].
func (p *Program) Admits(id identity.Identity) bool { return ask(p.Lets, id, true) }

// Login implements [account.TokenLogin].
func (p *Program) Login(_ context.Context, code string) (account.Grant, error) {
	if p.Logins != nil {
		return p.Logins(code)
	}
	return account.Grant{Identity: Named("o-" + code), SessionSecret: "secret of " + code}, nil
}

// Endpoints implements [account.Endpoints].
func (p *Program) Endpoints() []account.Endpoint { return p.Offers }
