package api

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// longestPageURL bounds, in bytes, what somebody can have signed.
const longestPageURL = 4096

// signing is what a page asks to have signed.
type signing struct {
	url     string
	agent   bool   // for wx.agentConfig, not wx.config
	account string // a kind or an app id; "" for the account that serves the browser
}

// JSSDK signs a page of this site for WeChat's JS-SDK.
func (a *API) JSSDK(w http.ResponseWriter, r *visitor.Request) error {
	ask, fault := readSigning(r.URL.RawQuery, r.Origin)
	if fault != "" {
		return a.refuseSigning(w, r, problem.BadRequest, fault)
	}
	signer, p, fault := a.signerFor(r, ask)
	if fault != "" {
		return a.refuseSigning(w, r, p, fault)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*a.Timeout+time.Second) // a token and a ticket may be needed first
	defer cancel()
	signature, err := sign(weixin.WithRequestID(ctx, r.ID()), signer, ask)
	if err != nil {
		if r.Context().Err() != nil {
			return nil // nobody is there any more
		}
		a.jssdkHint.Do(a.Now(), func() {
			a.Logger.Error("a page could not be signed for the JS-SDK", event.RequestFields(r,
				zap.String("account", signer.Kind()), zap.String("app_id", account.Ref(signer)), zap.Error(err),
				problem.CureField(err))...)
		})
		return a.Answers.Problem(w, r, problem.Of(err), page.Data{})
	}
	return a.Answers.JSON(w, http.StatusOK, signature)
}

// refuseSigning tells whoever writes the page what is wrong.
func (a *API) refuseSigning(w http.ResponseWriter, r *visitor.Request, p problem.Problem, message string) error {
	return a.Answers.Problem(w, r, p.With(message), page.Data{Action: "/"})
}

func sign(ctx context.Context, signer account.PageSigner, ask signing) (any, error) {
	if agent, ok := signer.(account.AgentSigner); ok && ask.agent {
		return agent.SignAgentPage(ctx, ask.url)
	}
	return signer.SignPage(ctx, ask.url)
}

// encoding is how a page writes its address.
const encoding = "write '…/jssdk?url=' + encodeURIComponent(location.href.split('#')[0])"

// readSigning reads what a page asks for, or returns what is wrong with it. What is signed must be the address that the
// browser shows, byte by byte: of one that was not encoded the rest would be lost, and WeChat would refuse the
// signature without a word about why.
func readSigning(query string, o visitor.Origin) (ask signing, fault string) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ask, "the page's address was not encoded: " + encoding
	}
	for name, given := range values {
		if name != "_" && (!slices.Contains([]string{"url", "app", "account"}, name) || len(given) > 1) {
			return ask, "jssdk takes url, app and account, each once: the page's address was not encoded: " + encoding
		}
	}
	ask = signing{url: values.Get("url"), agent: values.Get("app") == "agent", account: values.Get("account")}
	if app, ok := values["app"]; ok && app[0] != "agent" {
		return ask, "app is agent, for WeCom's wx.agentConfig, or is left out; " +
			"if it is the page's own, that was not encoded: " + encoding
	}
	return ask, faultOfPage(ask.url, o)
}

// faultOfPage returns what is wrong with the address of a page, "" where it is one of the site at o.
func faultOfPage(text string, o visitor.Origin) string {
	shown, _, _ := strings.Cut(text, "#") // the rest is not signed
	switch {
	case text == "":
		return "url is missing: " + encoding
	case strings.Contains(shown, "&amp;"):
		return "url holds &amp;, as HTML writes an &: take the address from the browser, and " + encoding
	case strings.ContainsFunc(shown, isNeverShown):
		return "url holds a blank or another character that browsers show encoded only: " +
			"it was not encoded, or decoded before: " + encoding
	case encodedTwice.MatchString(text):
		return "url was encoded twice: " + encoding
	case !isPageOf(o, text):
		return "url is no page of this site, which visitors know as " + o.Host
	}
	return ""
}

// isNeverShown reports whether a character stands in no address as browsers show it, before the #.
func isNeverShown(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>`, r) }

var encodedTwice = regexp.MustCompile(`(?i)^https?%3a`)

// signerFor returns the account that signs a page for a visitor: the one that is named, else the one that serves the
// browser, else any that can. Where there is none it says why.
func (a *API) signerFor(r *visitor.Request, ask signing) (signer account.PageSigner, p problem.Problem, fault string) {
	var found []account.Account
	for _, one := range a.Accounts.For(r.Client(), r.Origin.Hostname()) {
		found = append(found, one)
	}
	found = append(found, a.Accounts.At(r.Origin.Hostname())...)
	if ask.account != "" {
		found = slices.DeleteFunc(found, func(a account.Account) bool { return !account.IsCalled(a, ask.account) })
		if len(found) == 0 {
			return nil, problem.BadRequest, "account names none of this site's accounts: " +
				"write a kind, such as official_account, or an app id"
		}
	}
	for _, one := range found {
		signer, ok := one.(account.PageSigner)
		if _, isAgent := one.(account.AgentSigner); ok && (isAgent || !ask.agent) {
			return signer, problem.Problem{}, ""
		}
	}
	switch {
	case ask.agent && ask.account != "":
		return nil, problem.BadRequest, "app=agent is for an account of WeCom, which this one is not"
	case ask.agent:
		return nil, problem.NotFound, "app=agent is for an account of WeCom, of which this site has none"
	case ask.account != "":
		return nil, problem.BadRequest, "this account signs no pages for the JS-SDK"
	default:
		return nil, problem.NotFound, "no account of this site signs pages for the JS-SDK"
	}
}

// isPageOf reports whether text is the address of a page of the site at o. The scheme is left out: behind a balancer
// that is not trusted we do not know it.
func isPageOf(o visitor.Origin, text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= longestPageURL && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		o.Host != "" && visitor.CanonicalHost(o.Scheme, u.Host) == o.Host
}
