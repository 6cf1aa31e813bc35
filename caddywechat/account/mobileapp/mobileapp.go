// Package mobileapp is the mobile app (移动应用): people come by an app on their phone that asks WeChat's app.
//
// Only the host's list of modules imports it; everybody else knows it by the interfaces of package account.
package mobileapp

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Kind names this kind of account.
const Kind = "mobile_app"

func init() { caddy.RegisterModule(new(Account)) }

// Account logs in people of a mobile app of the Open Platform, which posts the code of WeChat's SDK (sendAuth) and gets
// a token for its requests.
type Account struct {
	// The mobile app's app id: "wx" and 16 hex digits. Placeholders are resolved when the configuration is loaded.
	AppIDRaw string `json:"app_id,omitempty"`

	// The mobile app's app secret. Write a placeholder, such as {env.WECHAT_MOBILE_APP_SECRET} or
	// {file./run/secrets/wechat}, so that it does not stand in the configuration.
	AppSecretRaw config.Secret `json:"app_secret,omitzero"`

	oauth account.OAuth
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
//	mobile_app <app_id> <app_secret>
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := config.App(d, &a.AppIDRaw, &a.AppSecretRaw); err != nil {
		return err
	}
	if d.NextBlock(0) {
		return d.Errf("mobile_app has no option %q: it takes none", d.Val())
	}
	return nil
}

// Provision resolves and checks the configuration.
func (a *Account) Provision(ctx caddy.Context) (err error) {
	a.oauth.App, err = config.ResolveApp(ctx.Logger(), a.AppIDRaw, a.AppSecretRaw)
	return err
}

// Kind implements [account.Account].
func (*Account) Kind() string { return Kind }

// AppID implements [account.Account].
func (a *Account) AppID() string { return a.oauth.App.ID }

// Person implements [account.Account]: the openid, which is the same person's in this mobile app only.
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account]: the unionid, which all apps of one Open Platform account share.
func (*Account) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

// UseWeChat implements [account.WeChatCaller].
func (a *Account) UseWeChat(c *weixin.Client, _ weixin.TokenCache) { a.oauth.Client = c }

// CodeHint implements [account.CodeHinter].
func (*Account) CodeHint() string { return "call sendAuth of WeChat's SDK" }

// Login implements [account.TokenLogin], with the profile if the person granted it.
func (a *Account) Login(ctx context.Context, code string) (account.Grant, error) {
	return a.oauth.Exchange(ctx, code, func(token weixin.Token) bool {
		return weixin.HasScope(token.Scope, weixin.ScopeUserinfo)
	})
}

// RefreshProfile implements [account.ProfileRefresher].
func (a *Account) RefreshProfile(ctx context.Context, refreshToken string) (account.Grant, error) {
	return a.oauth.RefreshProfile(ctx, refreshToken)
}

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_id", a.AppIDRaw)
	enc.AddString("app_secret", "REDACTED")
	return nil
}

// Interface guards
var (
	_ account.TokenLogin       = (*Account)(nil)
	_ account.CodeHinter       = (*Account)(nil)
	_ account.ProfileRefresher = (*Account)(nil)
	_ account.WeChatCaller     = (*Account)(nil)
	_ caddy.Provisioner        = (*Account)(nil)
	_ caddyfile.Unmarshaler    = (*Account)(nil)
	_ zapcore.ObjectMarshaler  = (*Account)(nil)
)
