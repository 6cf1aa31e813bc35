// Package official is the official account (公众号, a service account): pages inside WeChat.
package official

import (
	"context"
	"errors"
	"fmt"

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
	AppSecretRaw string `json:"app_secret,omitempty"`

	// What visitors are asked for. Default and, for now, the only one: "snsapi_base", which asks nothing and gives the
	// openid.
	Scope string `json:"scope,omitempty"`

	appID, appSecret string
	wechat           *weixin.Client
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
//		scope snsapi_base
//	}
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the kind
	if !d.AllArgs(&a.AppIDRaw, &a.AppSecretRaw) {
		return d.Errf("official_account takes an app id and an app secret: official_account <app_id> <app_secret>")
	}
	if err := config.Literal(d, "app_id", a.AppIDRaw, config.AppID); err != nil {
		return err
	}
	if err := config.Literal(d, "app_secret", a.AppSecretRaw, config.AppSecret); err != nil {
		return err
	}
	for d.NextBlock(0) {
		switch option := d.Val(); option {
		case "scope":
			if err := config.Single(d, &a.Scope, scopes); err != nil {
				return err
			}
		default:
			return d.Errf("official_account has no option %q: it takes scope", option)
		}
	}
	return nil
}

// Provision resolves and checks the configuration.
func (a *Account) Provision(caddy.Context) (err error) {
	if a.appID, err = config.Resolve("app_id", a.AppIDRaw, config.AppID); err != nil {
		return err
	}
	if a.appSecret, err = config.Resolve("app_secret", a.AppSecretRaw, config.AppSecret); err != nil {
		return err
	}
	if a.Scope == "" {
		a.Scope = scopeBase
	}
	a.Scope, err = config.Resolve("scope", a.Scope, scopes)
	return err
}

const scopeBase = "snsapi_base"

// scopes judges a scope.
var scopes = config.OneOf(scopeBase)

// Kind implements [account.Account].
func (*Account) Kind() string { return Kind }

// AppID implements [account.Account].
func (a *Account) AppID() string { return a.appID }

// Person implements [account.Account]: the openid, which is the same person's in this official account only.
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// UseWeChat implements [account.WeChatUser].
func (a *Account) UseWeChat(c *weixin.Client) { a.wechat = c }

// Serves implements [account.Redirector].
func (*Account) Serves(c visitor.Client) bool { return c.WeChat }

// AuthorizeURL implements [account.Redirector].
func (a *Account) AuthorizeURL(redirectURI, state string) string {
	return a.wechat.Hosts.AuthorizeURL(weixin.Authorization{
		AppID: a.appID, RedirectURI: redirectURI, Scope: a.Scope, State: state,
	})
}

// Exchange implements [account.Redirector].
func (a *Account) Exchange(ctx context.Context, code string) (identity.Identity, error) {
	token, err := a.wechat.ExchangeCode(ctx, a.appID, a.appSecret, code)
	if err != nil {
		if apiErr, ok := errors.AsType[*weixin.Error](err); ok && apiErr.RefusesCode() {
			return nil, fmt.Errorf("%w: %w", account.ErrCodeRefused, err)
		}
		return nil, err
	}
	snapshot := ""
	if token.Snapshot {
		snapshot = "1"
	}
	return identity.Identity{}.
		With(identity.Account, Kind).
		With(identity.AppID, a.appID).
		With(identity.OpenID, token.OpenID).
		With(identity.UnionID, token.UnionID).
		With(identity.Scope, token.Scope).
		With(identity.Snapshot, snapshot), nil
}

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_id", a.AppIDRaw)
	enc.AddString("app_secret", "REDACTED")
	enc.AddString("scope", a.Scope)
	return nil
}

// Interface guards
var (
	_ account.Redirector      = (*Account)(nil)
	_ account.WeChatUser      = (*Account)(nil)
	_ caddy.Provisioner       = (*Account)(nil)
	_ caddyfile.Unmarshaler   = (*Account)(nil)
	_ zapcore.ObjectMarshaler = (*Account)(nil)
)
