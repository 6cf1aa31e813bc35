// Package website is the website app (网站应用) of the Open Platform: login by QR code in browsers outside WeChat.
//
// Only the host's list of modules imports it; everybody else knows it by the interfaces of package account.
package website

import (
	"context"

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
const Kind = "website"

// scopeLogin is the one scope that a website app has. It always brings the profile.
const scopeLogin = "snsapi_login"

func init() { caddy.RegisterModule(new(Account)) }

// Account logs in visitors of browsers outside WeChat: WeChat's page shows a QR code, which they scan with their phone.
// The website app's callback domain (授权回调域) must be the site's host.
type Account struct {
	// The website app's app id: "wx" and 16 hex digits, not that of an official account. Placeholders are resolved when
	// the configuration is loaded.
	AppIDRaw string `json:"app_id,omitempty"`

	// The website app's app secret. Write a placeholder, such as {env.WECHAT_WEBSITE_SECRET} or
	// {file./run/secrets/website}, so that it does not stand in the configuration.
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
//	website <app_id> <app_secret>
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := config.App(d, &a.AppIDRaw, &a.AppSecretRaw); err != nil {
		return err
	}
	if d.NextBlock(0) {
		return d.Errf("website has no option %q: it takes none", d.Val())
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

// Person implements [account.Account]: the openid, which is the same person's in this website app only.
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account]: the unionid. Every website app belongs to an Open Platform account.
func (*Account) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

// UseWeChat implements [account.WeChatCaller].
func (a *Account) UseWeChat(c *weixin.Client, _ weixin.TokenCache) { a.oauth.Client = c }

// Serves implements [account.Redirector]: neither WeChat's browser nor WeCom's shows the page.
func (*Account) Serves(c visitor.Client) bool { return !c.WeChat && !c.WeCom }

// DomainHint implements [account.DomainHinter].
func (*Account) DomainHint() string {
	return "enter the host as 授权回调域 of the website app at open.weixin.qq.com, 管理中心 → 网站应用"
}

// ShowsQRCode implements [account.QRCodeLogin].
func (*Account) ShowsQRCode(visitor.Client) bool { return true }

// Label implements [account.Labeler].
func (*Account) Label(language string) string {
	switch language {
	case "zh-TW":
		return "用微信掃描登入"
	case "en":
		return "Scan with WeChat"
	default:
		return "微信扫码登录"
	}
}

// Consent implements [account.Redirector]: scanning is the consent.
func (*Account) Consent(bool) account.Consent { return account.Direct }

// AuthorizeURL implements [account.Redirector].
func (a *Account) AuthorizeURL(_ visitor.Client, redirectURI, state string, _ bool) string {
	return a.oauth.Client.Hosts.QRConnectURL(weixin.Authorization{
		AppID: a.oauth.App.ID, RedirectURI: redirectURI, Scope: scopeLogin, State: state,
	})
}

// Exchange implements [account.Redirector]. Every token gives the profile.
func (a *Account) Exchange(ctx context.Context, code string, _ bool) (account.Grant, error) {
	return a.oauth.Exchange(ctx, code, func(weixin.Token) bool { return true })
}

// RefreshProfile implements [account.ProfileRefresher].
func (a *Account) RefreshProfile(ctx context.Context, refreshToken string) (account.Grant, error) {
	return a.oauth.RefreshProfile(ctx, refreshToken)
}

// HasProfile implements [account.Redirector]: what counts is what the visitor granted, for a nickname can be empty.
func (*Account) HasProfile(id identity.Identity) bool {
	return weixin.HasScope(id.Get(identity.Scope), scopeLogin)
}

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_id", a.AppIDRaw)
	enc.AddString("app_secret", "REDACTED")
	return nil
}

// Interface guards
var (
	_ account.ProfileRefresher = (*Account)(nil)
	_ account.DomainHinter     = (*Account)(nil)
	_ account.QRCodeLogin      = (*Account)(nil)
	_ account.Labeler          = (*Account)(nil)
	_ account.WeChatCaller     = (*Account)(nil)
	_ caddy.Provisioner        = (*Account)(nil)
	_ caddyfile.Unmarshaler    = (*Account)(nil)
	_ zapcore.ObjectMarshaler  = (*Account)(nil)
)
