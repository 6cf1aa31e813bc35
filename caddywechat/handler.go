// Package caddywechat puts WeChat login in front of a web application: the Caddy handlers wechat_auth and
// wechat_verify.
package caddywechat

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/profile"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
)

func init() { caddy.RegisterModule(new(Handler)) }

// Handler lets requests through to the app behind it with the identity of the person who logged in with WeChat, and
// sends those without one to WeChat first. It answers the paths under its prefix itself.
//
// It sets these placeholders, each empty where there is no identity or WeChat gave no value:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | The person; also stands in access logs as user_id
// `{http.auth.user.account}` | The kind of account that vouches, such as official_account
// `{http.auth.user.app_id}` | The account's app id
// `{http.auth.user.openid}` | The person's openid in that account
// `{http.auth.user.unionid}` | The person's id over all of a company's apps
// `{http.auth.user.scope}` | What the visitor granted
// `{http.auth.user.nickname}` | The nickname, as WeChat gave it: a stranger's text
// `{http.auth.user.avatar}` | The avatar's URL
// `{http.auth.user.snapshot}` | 1 for a visitor of a snapshot page
//
// and, in the same way, every other field that an account brings. The same stand in `{http.wechat.*}`, which no other
// module writes: basic_auth overwrites `{http.auth.user.id}`.
type Handler struct {
	// The requests that the rules are about. Others pass without an identity; headers that a client forged are removed
	// from them all the same. Default: all.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// Who vouches for visitors. At least one; several of a kind where hosts tells them apart.
	AccountsRaw []json.RawMessage `json:"accounts,omitempty" caddy:"namespace=wechat.accounts inline_key=kind"`

	// The hosts of the site that an account serves, by its app id, in WeCom by corp id or by corp id, slash and agent
	// id: names, or with a * in place of the first label, as in *.example.com. An exact name goes before a *. Of each
	// kind one account may have none, and takes the hosts that are left. A session counts where its account serves the
	// host. It needs a user_id "unionid" or "qualified". Default: each account serves every host.
	Hosts account.Hosts `json:"hosts,omitempty"`

	// What to ask of a request. The first rule that matches decides; where none does, a login is required.
	Rules []*Rule `json:"rules,omitempty"`

	// What a visitor gets whose browser no account serves: "page", which says where to open it instead (status 403), or
	// "pass", which lets them through without an identity. Default: "page".
	OutsideWeChat string `json:"outside_wechat,omitempty"`

	// The rules stop nobody: what they would stop goes on without an identity, unless the session is what they ask for,
	// and the log tells of it, each path once an hour. For a site that has users already, to see what rules would do.
	Observe bool `json:"observe,omitempty"`

	// Keep what stands behind # in a page's address across the login, for single-page apps that route by it: a small
	// page with a script comes before WeChat.
	KeepFragment bool `json:"keep_fragment,omitempty"`

	// How long and with which keys visitors stay logged in.
	Session *SessionConfig `json:"session,omitempty"`

	// Where the server keeps the little that it must remember: "caddy" (Caddy's own storage: a folder, or what the
	// storage option names), "memory" (this process's, until it ends) or "redis". Several instances that serve one site
	// need the same. Default: "caddy".
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=wechat.stores inline_key=module"`

	// What identifies a person to the app: "openid" (the openid in this account), "unionid" (one id over all of a
	// company's accounts; visitors whose unionid a silent login does not bring are asked for consent, once), or
	// "qualified" (app id and openid with a colon between them). It must not change once the app knows people. Default:
	// "openid".
	UserID string `json:"user_id,omitempty"`

	// What the app gets. Default: the preset "default".
	Headers *HeadersConfig `json:"headers,omitempty"`

	// The origin that visitors see, such as https://h5.example.com. Default: what the request says, or a proxy that
	// the server's trusted_proxies name.
	PublicURL string `json:"public_url,omitempty"`

	// The path below which the module answers itself. Default: /_wechat
	Prefix string `json:"prefix,omitempty"`

	// A directory with templates of the site's own for the pages that visitors see. Default: the built-in pages.
	Pages string `json:"pages,omitempty"`

	// How long one call to one of WeChat's hosts may take. Default: 5s
	Timeout string `json:"timeout,omitempty"`

	// The base URL of a simulator that stands for all of WeChat's hosts. It receives the app secret.
	Platform string `json:"platform,omitempty"`

	// The base URL of a second one, which stands for the host that WeChat offers where its usual one cannot be reached.
	// Default: none.
	PlatformFallback string `json:"platform_fallback,omitempty"`

	site         *site.Site
	sessions     *session.Manager
	gate         *gate.Gate
	login        *login.Flow
	profiles     *profile.Refresher
	answers      *problem.Writer
	headers      *identity.Headers
	reserved     identity.Reserved
	verification *verification
	lease        *lease
}

// SessionConfig is how long and with which keys visitors stay logged in.
type SessionConfig struct {
	// Secrets of at least 32 bytes each, any text. The first one seals sessions, all of them open them: to exchange a
	// key, put the new one in front and remove the old one when the lifetime is over. Default: one that is made at
	// first use and kept in the store; Redis is no place for it, there it has to be given.
	Keys []string `json:"key,omitempty"`

	// How long a session lives, counted from the login. Default: 7d
	Lifetime string `json:"lifetime,omitempty"`

	// How long a visitor may go to no page before the session ends. Only navigations count, since only they may bring a
	// new cookie. Default: as long as the lifetime.
	Idle string `json:"idle,omitempty"`

	// How old a profile becomes before it is renewed, in the background: the next navigation after that brings the new
	// nickname and avatar. Who withdrew the consent or changed the password logs in again. For it, WeChat's refresh
	// token is kept in the store, sealed. Default: never renewed.
	Refresh string `json:"refresh,omitempty"`

	// The name of the session's cookie; on https a prefix __Host- or __Secure- is put before it. Default:
	// wechat_session
	Cookie string `json:"cookie,omitempty"`

	// A domain that shares one session among its subdomains, such as example.com. The sites need the same key. Default:
	// each host has its own.
	Domain string `json:"domain,omitempty"`
}

// HeadersConfig says which request headers tell the app who is asking.
type HeadersConfig struct {
	// Sets of headers: "default" (X-Wechat-User and so on), "wxcloud" (X-WX-OPENID and so on, as in WeChat's cloud
	// hosting), "remote_user" (Remote-User and Remote-Name), or "none" alone. Default: "default".
	Presets []string `json:"presets,omitempty"`

	// Further headers: names by field. Fields are called as in the placeholders.
	Fields []HeaderField `json:"fields,omitempty"`
}

// HeaderField is a header of the site's own choice.
type HeaderField struct {
	// The field, such as openid.
	Field string `json:"field"`

	// The header that carries it.
	Header string `json:"header"`
}

// Rule says what to ask of the requests that match.
type Rule struct {
	// The requests that the rule is about.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// What to ask: "public" (never asks, forwards no identity), "optional" (never asks, forwards the identity if there
	// is one), "login" (needs a login), "userinfo" (needs a login with the person's profile: asks a visitor who logged
	// in silently for consent, once).
	Ask gate.Ask `json:"ask,omitempty"`

	// Where the rule was written, such as Caddyfile:12, for errors about it.
	Source string `json:"source,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.wechat_auth",
		New: func() caddy.Module { return new(Handler) },
	}
}

// MarshalLogObject keeps the secrets of accounts and sessions out of logs.
func (h *Handler) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddInt("accounts", len(h.AccountsRaw))
	enc.AddInt("rules", len(h.Rules))
	enc.AddString("prefix", h.Prefix)
	enc.AddString("public_url", h.PublicURL)
	return nil
}

// MarshalLogObject keeps the keys out of logs.
func (c *SessionConfig) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddInt("keys", len(c.Keys))
	enc.AddString("lifetime", c.Lifetime)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ zapcore.ObjectMarshaler     = (*Handler)(nil)
)
