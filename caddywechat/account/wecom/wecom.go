// Package wecom is an app of a company's own in WeCom (企业微信自建应用): its people log in inside WeCom and WeChat, and its
// members elsewhere by scanning a QR code.
//
// Only the host's list of modules imports it; everybody else knows it by the interfaces of package account.
package wecom

import (
	"context"
	"errors"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Kind names this kind of account.
const Kind = "wecom"

func init() { caddy.RegisterModule(new(Account)) }

// Account logs in the people of a company through an app of its own in WeCom. The app's trusted domain (可信域名) must be
// the site's host, with the port if it has one, and so must be the callback domain of its web login (企业微信授权登录);
// this server's address must be among its trusted IPs (企业可信IP). Names and departments are those of members in the
// app's visible range (可见范围).
type Account struct {
	// The company's id (企业ID): "ww" and 16 hex digits. Placeholders are resolved when the configuration is loaded.
	CorpIDRaw string `json:"corp_id,omitempty"`

	// The app's secret. Write a placeholder, such as {env.WECOM_SECRET} or {file./run/secrets/wecom}, so that it does
	// not stand in the configuration.
	SecretRaw config.Secret `json:"secret,omitzero"`

	// The app's number within the company (AgentId), such as "1000002". Required.
	AgentIDRaw string `json:"agent_id,omitempty"`

	// What every login inside WeCom or WeChat asks for: "snsapi_base", which is silent, or "snsapi_privateinfo", which
	// asks the member and gives the avatar too. With snsapi_base, pages under a rule `userinfo` ask for more. Default:
	// "snsapi_base".
	Scope string `json:"scope,omitempty"`

	// Whether people are let in who are not members of the company, such as its customers, who come by WeChat. Default:
	// they are refused.
	AllowExternal bool `json:"allow_external,omitempty"`

	app                 weixin.App // whose id is the corp id
	agentID, ref        string
	wechat              *weixin.Client
	token               *weixin.ServerToken
	ticket, agentTicket *weixin.Ticket
}

// CaddyModule returns the Caddy module information.
func (*Account) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wechat.accounts." + Kind,
		New: func() caddy.Module { return new(Account) },
	}
}

// Provision resolves and checks the configuration.
func (a *Account) Provision(ctx caddy.Context) (err error) {
	if a.app, err = config.ResolveCorp(ctx.Logger(), a.CorpIDRaw, a.SecretRaw); err != nil {
		return err
	}
	if a.AgentIDRaw == "" {
		return errNoAgentID
	}
	if a.agentID, err = config.Resolve("agent_id", a.AgentIDRaw, config.AgentID); err != nil {
		return err
	}
	a.ref = a.app.ID + "/" + a.agentID
	a.Scope, err = config.ResolveOr(scopeBase, "scope", a.Scope, scopes)
	return err
}

// What scope can be.
const (
	scopeBase        = "snsapi_base"
	scopePrivateInfo = "snsapi_privateinfo"
)

var (
	scopes       = config.OneOf(scopeBase, scopePrivateInfo)
	errNoAgentID = errors.New("agent_id is not set: write the app's number (AgentId), such as agent_id 1000002")
)

// Kind implements [account.Account].
func (*Account) Kind() string { return Kind }

// AppID implements [account.Account]: it is the company's id.
func (a *Account) AppID() string { return a.app.ID }

// Ref implements [account.SharedAppID]: a company has many apps, and whom one of them lets in is none of another's
// business.
func (a *Account) Ref() string { return a.ref }

// UseWeChat implements [account.WeChatCaller].
func (a *Account) UseWeChat(c *weixin.Client, cache weixin.TokenCache) {
	a.wechat = c
	a.token = c.WeComToken(cache, a.app)
	a.ticket, a.agentTicket = a.token.PageTicket(), a.token.AgentTicket()
}

// SignPage implements [account.PageSigner].
func (a *Account) SignPage(ctx context.Context, page string) (weixin.Signature, error) {
	return a.ticket.Sign(ctx, page)
}

// SignAgentPage implements [account.AgentSigner].
func (a *Account) SignAgentPage(ctx context.Context, page string) (account.AgentSignature, error) {
	signature, err := a.agentTicket.Sign(ctx, page)
	return account.AgentSignature{Signature: signature, CorpID: a.app.ID, AgentID: a.agentID}, err
}

// Serves implements [account.Redirector]: WeCom's browser and WeChat's, which opens the same page, and others by a QR
// code.
func (*Account) Serves(visitor.Client) bool { return true }

// IsFallback implements [account.Fallback]: people in WeChat are an official account's first.
func (*Account) IsFallback(c visitor.Client) bool { return c.WeChat }

// RecommendsBrowser implements [account.BrowserRecommender]: members have WeCom, in which everybody of them is known.
// Who else may come has WeChat.
func (a *Account) RecommendsBrowser(c visitor.Client) bool { return !c.WeChat || a.AllowExternal }

// DomainHint implements [account.DomainHinter].
func (*Account) DomainHint() string {
	return "enter the host, with its port, as 可信域名 of the app at work.weixin.qq.com, 应用管理 → 网页授权及JS-SDK, " +
		"and as 授权回调域 under 企业微信授权登录"
}

// ShowsQRCode implements [account.QRCodeLogin].
func (*Account) ShowsQRCode(c visitor.Client) bool { return !hasPage(c) }

// hasPage reports whether a browser opens the page that asks the visitor themselves.
func hasPage(c visitor.Client) bool { return c.WeCom || c.WeChat }

// Label implements [account.Labeler].
func (*Account) Label(language string) string {
	switch language {
	case "zh-TW":
		return "用企業微信登入"
	case "en":
		return "Log in with WeCom"
	default:
		return "企业微信登录"
	}
}

// scope returns what a login inside WeCom or WeChat asks for.
func (a *Account) scope(profile bool) string {
	if profile {
		return scopePrivateInfo
	}
	return a.Scope
}

// Consent implements [account.Redirector]. WeCom has no snapshot pages, so members are sent to its page at once.
func (a *Account) Consent(profile bool) account.Consent {
	if a.scope(profile) == scopeBase {
		return account.Silent
	}
	return account.Direct
}

// AuthorizeURL implements [account.Redirector].
func (a *Account) AuthorizeURL(client visitor.Client, redirectURI, state string, profile bool) string {
	ask := weixin.WeComAuthorization{
		CorpID: a.app.ID, AgentID: a.agentID, RedirectURI: redirectURI, State: state, Scope: a.scope(profile),
	}
	if hasPage(client) {
		return a.wechat.Hosts.WeComAuthorizeURL(ask)
	}
	return a.wechat.Hosts.WeComLoginURL(ask)
}

// HasProfile implements [account.Redirector]: only a silent login can bring more the next time. One that asked for more
// has brought all that there is, which is little for those who log in by QR code and for people who are not members.
func (*Account) HasProfile(id identity.Identity) bool { return id.Get(identity.Scope) != scopeBase }

// Interface guards
var (
	_ account.Redirector         = (*Account)(nil)
	_ account.QRCodeLogin        = (*Account)(nil)
	_ account.Fallback           = (*Account)(nil)
	_ account.BrowserRecommender = (*Account)(nil)
	_ account.DomainHinter       = (*Account)(nil)
	_ account.Labeler            = (*Account)(nil)
	_ account.Admitter           = (*Account)(nil)
	_ account.LocalIDs           = (*Account)(nil)
	_ account.SharedAppID        = (*Account)(nil)
	_ account.AgentSigner        = (*Account)(nil)
	_ account.WeChatCaller       = (*Account)(nil)
	_ caddy.Provisioner          = (*Account)(nil)
)
