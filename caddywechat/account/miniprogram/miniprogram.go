// Package miniprogram is the mini-program (小程序): people come by a program inside WeChat.
//
// Only the host's list of modules imports it; everybody else knows it by the interfaces of package account.
package miniprogram

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Kind names this kind of account.
const Kind = "mini_program"

func init() { caddy.RegisterModule(new(Account)) }

// Account logs in people of a mini-program, which posts the code of wx.login and gets a token for its requests. The
// site's host must be one of the mini-program's server domains (request 合法域名). With the token the mini-program may also
// have encrypted user data decrypted and get the phone number that the person agreed to give.
type Account struct {
	// The mini-program's app id: "wx" and 16 hex digits. Placeholders are resolved when the configuration is loaded.
	AppIDRaw string `json:"app_id,omitempty"`

	// The mini-program's app secret. Write a placeholder, such as {env.WECHAT_MINI_PROGRAM_SECRET} or
	// {file./run/secrets/wechat}, so that it does not stand in the configuration.
	AppSecretRaw config.Secret `json:"app_secret,omitzero"`

	app      weixin.App
	wechat   *weixin.Client
	token    *weixin.ServerToken
	sessions *weixin.SessionChecks
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
//	mini_program <app_id> <app_secret>
func (a *Account) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := config.App(d, &a.AppIDRaw, &a.AppSecretRaw); err != nil {
		return err
	}
	if d.NextBlock(0) {
		return d.Errf("mini_program has no option %q: it takes none", d.Val())
	}
	return nil
}

// Provision resolves and checks the configuration.
func (a *Account) Provision(ctx caddy.Context) (err error) {
	a.app, err = config.ResolveApp(ctx.Logger(), a.AppIDRaw, a.AppSecretRaw)
	return err
}

// Kind implements [account.Account].
func (*Account) Kind() string { return Kind }

// AppID implements [account.Account].
func (a *Account) AppID() string { return a.app.ID }

// Person implements [account.Account]: the openid, which is the same person's in this mini-program only.
func (*Account) Person(id identity.Identity) string { return id.Get(identity.OpenID) }

// PersonEverywhere implements [account.Account]: the unionid, which only mini-programs have that are bound to an Open
// Platform account.
func (*Account) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

// UseWeChat implements [account.WeChatCaller].
func (a *Account) UseWeChat(c *weixin.Client, cache weixin.TokenCache) {
	a.wechat = c
	a.token = c.ServerToken(cache, a.app)
	a.sessions = a.token.SessionChecks()
}

// CodeHint implements [account.CodeHinter].
func (*Account) CodeHint() string { return "call wx.login" }

// Login implements [account.TokenLogin]. The grant's SessionSecret is the session key.
func (a *Account) Login(ctx context.Context, code string) (account.Grant, error) {
	session, err := a.wechat.ExchangeMiniProgramCode(ctx, a.app, code)
	if apiErr, ok := errors.AsType[*weixin.Error](err); ok && apiErr.DeclinesPerson() {
		return account.Grant{}, &account.Problem{
			Status: http.StatusForbidden, Word: "declined",
			Message: "WeChat takes this person for a risk and does not let them log in",
		}
	}
	if err != nil {
		return account.Grant{}, account.CodeError(err)
	}
	a.sessions.Confirm(session.OpenID, session.Key)
	return account.Grant{
		Identity: identity.Identity{}.
			With(identity.OpenID, session.OpenID).
			With(identity.UnionID, session.UnionID),
		SessionSecret: string(session.Key),
	}, nil
}

// Endpoints implements [account.Endpoints].
func (a *Account) Endpoints() []account.Endpoint {
	return []account.Endpoint{
		{Name: "decrypt", Serve: a.decrypt},
		{Name: "phone", Serve: a.phone},
	}
}

// MarshalLogObject keeps the secret out of logs.
func (a *Account) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("app_id", a.AppIDRaw)
	enc.AddString("app_secret", "REDACTED")
	return nil
}

// Interface guards
var (
	_ account.TokenLogin      = (*Account)(nil)
	_ account.CodeHinter      = (*Account)(nil)
	_ account.Endpoints       = (*Account)(nil)
	_ account.WeChatCaller    = (*Account)(nil)
	_ caddy.Provisioner       = (*Account)(nil)
	_ caddyfile.Unmarshaler   = (*Account)(nil)
	_ zapcore.ObjectMarshaler = (*Account)(nil)
)
