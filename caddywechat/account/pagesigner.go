package account

import (
	"context"

	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// PageSigner is an account that lets the site's pages use WeChat's JS-SDK.
type PageSigner interface {
	Account
	// SignPage returns what a page hands to wx.config. page is its address, without a fragment; the caller has made
	// sure that it is one of the site's.
	SignPage(ctx context.Context, page string) (weixin.Signature, error)
}

// AgentSigner is a [PageSigner] that is one of several apps of a company: beside what the company may, it lets the
// site's pages use what the app may.
type AgentSigner interface {
	PageSigner
	// SignAgentPage returns what a page hands to wx.agentConfig, for the same addresses as SignPage.
	SignAgentPage(ctx context.Context, page string) (AgentSignature, error)
}

// AgentSignature is what a page hands to wx.agentConfig.
type AgentSignature struct {
	weixin.Signature
	CorpID  string `json:"corpid"`
	AgentID string `json:"agentid"`
}
