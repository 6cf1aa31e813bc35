// Package official is the official account (公众号, a service account): pages inside WeChat.
//
// Only the host's list of modules imports it; everybody else knows it by the interfaces of package account.
package official

import (
	"context"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Kind names this kind of account.
const Kind = "official_account"

func init() { caddy.RegisterModule(new(Account)) }

// Account logs in visitors inside WeChat through an official account (服务号, a verified service account). Its domain for
// web authorization (网页授权域名) must be the site's host.
type Account struct {
	// The account's app id: "wx" and 16 hex digits. Placeholders are resolved when the configuration is loaded.
	AppIDRaw string `json:"app_id,omitempty"`

	// The account's app secret. Write a placeholder, such as {env.WECHAT_APP_SECRET} or {file./run/secrets/wechat}, so
	// that it does not stand in the configuration.
	AppSecretRaw config.Secret `json:"app_secret,omitzero"`

	// What every login asks for: "snsapi_base", which is silent and gives the openid, or "snsapi_userinfo", which asks
	// the visitor and gives nickname and avatar too. With snsapi_base, pages under a rule `userinfo` ask for more.
	// Default: "snsapi_base".
	Scope string `json:"scope,omitempty"`

	// How a visitor is asked for the profile: "ask", by a page with one button before WeChat's popup, or "direct".
	// WeChat shows visitors who were sent there without having tapped anything a snapshot page. Default: "ask".
	ConsentMode string `json:"consent,omitempty"`

	// What becomes of a visitor of a snapshot page, whom WeChat gives made-up ids: "reject" shows a page that points to
	// WeChat's bar below it, "allow" makes a session of at most an hour that has no profile. Default: "reject".
	SnapshotMode string `json:"snapshot,omitempty"`

	oauth  account.OAuth
	token  func() *weixin.ServerToken
	ticket func() *weixin.Ticket
}

// CaddyModule returns the Caddy module information.
func (*Account) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wechat.accounts." + Kind,
		New: func() caddy.Module { return new(Account) },
	}
}

// UnmarshalCaddyfile reads
//
//	official_account <app_id> <app_secret> {
//		scope    snsapi_base|snsapi_userinfo
//		consent  ask|direct
//		snapshot reject|allow
//	}
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := config.App(d, &a.AppIDRaw, &a.AppSecretRaw); err != nil {
		return err
	}
	for d.NextBlock(0) {
		switch option := d.Val(); option {
		case "scope":
			if err := config.Single(d, &a.Scope, scopes); err != nil {
				return err
			}
		case "consent":
			if err := config.Single(d, &a.ConsentMode, consents); err != nil {
				return err
			}
		case "snapshot":
			if err := config.Single(d, &a.SnapshotMode, snapshots); err != nil {
				return err
			}
		default:
			return d.Errf("official_account has no option %q: it takes scope, consent, snapshot", option)
		}
	}
	return nil
}

// Provision resolves and checks the configuration.
func (a *Account) Provision(ctx caddy.Context) (err error) {
	if a.oauth.App, err = config.ResolveApp(ctx.Logger(), a.AppIDRaw, a.AppSecretRaw); err != nil {
		return err
	}
	if a.Scope, err = config.ResolveOr(scopeBase, "scope", a.Scope, scopes); err != nil {
		return err
	}
	if a.ConsentMode, err = config.ResolveOr(consentAsk, "consent", a.ConsentMode, consents); err != nil {
		return err
	}
	a.SnapshotMode, err = config.ResolveOr(snapshotReject, "snapshot", a.SnapshotMode, snapshots)
	return err
}

// What the options can be.
const (
	scopeBase      = "snsapi_base"
	scopeUserinfo  = weixin.ScopeUserinfo
	consentAsk     = "ask"
	consentDirect  = "direct"
	snapshotReject = "reject"
	snapshotAllow  = "allow"
)

var (
	scopes    = config.OneOf(scopeBase, scopeUserinfo)
	consents  = config.OneOf(consentAsk, consentDirect)
	snapshots = config.OneOf(snapshotReject, snapshotAllow)
)

// Kind implements [account.Account].
func (*Account) Kind() string { return Kind }

// AppID implements [account.Account].
func (a *Account) AppID() string { return a.oauth.App.ID }

// Person implements [account.Account]: the openid, which is the same person's in this official account only.
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account]: the unionid, which only accounts have that are bound to an Open
// Platform account.
func (*Account) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

// UseWeChat implements [account.WeChatCaller].
func (a *Account) UseWeChat(c *weixin.Client, cache weixin.TokenCache) {
	a.oauth.Client = c
	a.token = sync.OnceValue(func() *weixin.ServerToken { return c.ServerToken(cache, a.oauth.App) })
	a.ticket = sync.OnceValue(func() *weixin.Ticket { return a.token().PageTicket() })
}

// SignPage implements [account.PageSigner].
func (a *Account) SignPage(ctx context.Context, page string) (weixin.Signature, error) {
	return a.ticket().Sign(ctx, page)
}

// FindUnionID implements [account.UnionIDFinder]: of followers WeChat tells it.
func (a *Account) FindUnionID(ctx context.Context, openID string) (unionID string, err error) {
	err = a.token().Do(ctx, func(token string) error {
		follower, err := a.oauth.Client.Follower(ctx, token, openID)
		unionID = follower.UnionID
		return err
	})
	return unionID, err
}

// Serves implements [account.Redirector].
func (*Account) Serves(c visitor.Client) bool { return c.WeChat }

// DomainHint implements [account.DomainHinter]. The developer platform (developers.weixin.qq.com) has other domains
// only.
func (*Account) DomainHint() string {
	return "enter the host as 网页授权域名 at mp.weixin.qq.com, 设置与开发 → 功能设置"
}

// Consent implements [account.Redirector].
func (a *Account) Consent(profile bool) account.Consent {
	switch {
	case a.scope(profile) == scopeBase:
		return account.Silent
	case a.ConsentMode == consentDirect:
		return account.Direct
	default:
		return account.AskFirst
	}
}

// scope returns what a login asks WeChat for.
func (a *Account) scope(profile bool) string {
	if profile {
		return scopeUserinfo
	}
	return a.Scope
}

// AuthorizeURL implements [account.Redirector].
func (a *Account) AuthorizeURL(_ visitor.Client, redirectURI, state string, profile bool) string {
	return a.oauth.Client.Hosts.AuthorizeURL(weixin.Authorization{
		AppID: a.oauth.App.ID, RedirectURI: redirectURI, Scope: a.scope(profile), State: state,
	})
}

// Exchange implements [account.Redirector]. A visitor of a snapshot page has no profile.
func (a *Account) Exchange(ctx context.Context, code string, profile bool) (account.Grant, error) {
	return a.oauth.Exchange(ctx, code, func(token weixin.Token) bool {
		return a.scope(profile) == scopeUserinfo && weixin.HasScope(token.Scope, scopeUserinfo) && !token.Snapshot
	})
}

// RefreshProfile implements [account.ProfileRefresher].
func (a *Account) RefreshProfile(ctx context.Context, refreshToken string) (account.Grant, error) {
	return a.oauth.RefreshProfile(ctx, refreshToken)
}

// HasProfile implements [account.Redirector]: what counts is what the visitor granted, for a nickname can be empty.
func (*Account) HasProfile(id identity.Identity) bool {
	return id.Get(identity.Snapshot) == "" && weixin.HasScope(id.Get(identity.Scope), scopeUserinfo)
}

// AllowsSnapshots implements [account.Snapshots].
func (a *Account) AllowsSnapshots() bool { return a.SnapshotMode == snapshotAllow }

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_id", a.AppIDRaw)
	enc.AddString("app_secret", "REDACTED")
	enc.AddString("scope", a.Scope)
	return nil
}

// Interface guards
var (
	_ account.Redirector       = (*Account)(nil)
	_ account.ProfileRefresher = (*Account)(nil)
	_ account.DomainHinter     = (*Account)(nil)
	_ account.Snapshots        = (*Account)(nil)
	_ account.PageSigner       = (*Account)(nil)
	_ account.UnionIDFinder    = (*Account)(nil)
	_ account.WeChatCaller     = (*Account)(nil)
	_ caddy.Provisioner        = (*Account)(nil)
	_ caddyfile.Unmarshaler    = (*Account)(nil)
	_ zapcore.ObjectMarshaler  = (*Account)(nil)
)
