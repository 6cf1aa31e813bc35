package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// signer is an account that signs pages.
type signer struct {
	*sitetest.Account
	fails func(context.Context) error
}

func (s signer) SignPage(ctx context.Context, page string) (weixin.Signature, error) {
	if s.fails != nil {
		if err := s.fails(ctx); err != nil {
			return weixin.Signature{}, err
		}
	}
	return weixin.Signature{AppID: s.AppID(), Signature: "of " + page}, nil
}

// agent is one that signs for wx.agentConfig as well.
type agent struct{ signer }

func (a agent) SignAgentPage(_ context.Context, page string) (account.AgentSignature, error) {
	signature := weixin.Signature{Signature: "of " + page}
	return account.AgentSignature{CorpID: a.AppID(), AgentID: "1", Signature: signature}, nil
}

// signers are an account for WeChat, and one for WeCom.
func signers() (official signer, wecom agent) {
	company := &sitetest.Account{Name: "wecom", ID: "ww1", ServesClient: func(c visitor.Client) bool { return c.WeCom }}
	return signer{Account: new(sitetest.Account)}, agent{signer{Account: company}}
}

const (
	host = "https%3A%2F%2F" + sitetest.Host
	page = "url=" + host + "%2Fpage"
)

func TestJSSDK_SignsForWhomItIsAsked(t *testing.T) {
	official, wecom := signers()
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{new(sitetest.Program), wecom, official}})
	for name, tt := range map[string]struct {
		query, agent string
		want         map[string]string
	}{
		"the account that serves": {page, sitetest.InWeChat, map[string]string{"appId": "wxa"}},
		"or in WeCom":             {page + "&_=1&_=2", sitetest.InWeCom, map[string]string{"appId": "ww1"}},
		"else any":                {page, sitetest.OnDesktop, map[string]string{"appId": "ww1"}},
		"by kind":                 {page + "&account=official", sitetest.InWeCom, map[string]string{"appId": "wxa"}},
		"by app id":               {page + "&account=wxa", sitetest.OnDesktop, map[string]string{"appId": "wxa"}},
		"an agent": {
			page + "&app=agent", sitetest.InWeChat, map[string]string{"corpid": "ww1", "agentid": "1"},
		},
		"an agent by name": {
			page + "&app=agent&account=ww1", sitetest.OnDesktop, map[string]string{"corpid": "ww1"},
		},
	} {
		b := w.Browser()
		b.Agent = tt.agent
		body := b.Open(w.JSSDK, "/_wechat/jssdk?"+tt.query, sitetest.Fetch).Want(t, http.StatusOK).JSON(t)
		for field, want := range tt.want {
			if body[field] != want {
				t.Errorf("%s: %s is %v, want %s", name, field, body[field], want)
			}
		}
		if body["signature"] != "of https://"+sitetest.Host+"/page" {
			t.Errorf("%s: %v", name, body)
		}
	}
}

func TestJSSDK_SaysWhoCannotSign(t *testing.T) {
	official, wecom := signers()
	both := []account.Account{new(sitetest.Program), official, wecom}
	none := []account.Account{new(sitetest.Program), new(sitetest.Account)}
	for name, tt := range map[string]struct {
		accounts []account.Account
		query    string
		status   int
		says     string
	}{
		"an account that is none":       {both, page + "&account=x", 400, "names none of this site's accounts"},
		"one that signs nothing":        {both, page + "&account=program", 400, "this account signs no pages"},
		"nobody":                        {none, page, 404, "no account of this site signs pages"},
		"one that is no agent":          {both, page + "&account=wxa&app=agent", 400, "which this one is not"},
		"no agent":                      {both[:2], page + "&app=agent", 404, "of which this site has none"},
		"no url":                        {both, "", 400, "url is missing"},
		"broken":                        {both, "url=%zz", 400, "was not encoded"},
		"not encoded":                   {both, page + "&x=1", 400, "was not encoded"},
		"twice":                         {both, page + "&account=wxa&account=wxa", 400, "each once"},
		"another app":                   {both, page + "&app=x", 400, "app is agent"},
		"an empty app":                  {both, page + "&app=", 400, "app is agent"},
		"HTML":                          {both, page + "%3Fa%26amp%3Bb", 400, "&amp;"},
		"a blank":                       {both, page + "+x", 400, "was not encoded, or decoded before"},
		"a tag":                         {both, page + "%3Cx", 400, "was not encoded, or decoded before"},
		"a letter":                      {both, page + "%E5%BC%A0", 400, "was not encoded, or decoded before"},
		"a control byte":                {both, page + "%7F", 400, "was not encoded, or decoded before"},
		"encoded twice":                 {both, "url=https%253A%252F%252Fh5.example.com", 400, "was encoded twice"},
		"another site":                  {both, "url=https%3A%2F%2Fevil.example.net%2F", 400, "no page of this site"},
		"another scheme":                {both, "url=ftp%3A%2F%2Fh5.example.com%2F", 400, "no page of this site"},
		"with a user":                   {both, "url=https%3A%2F%2Fx%40h5.example.com%2F", 400, "no page of this site"},
		"no address":                    {both, "url=https%3A%2F%2F%5B", 400, "no page of this site"},
		"a long one":                    {both, page + strings.Repeat("x", 4096), 400, "no page of this site"},
		"the port of another":           {both, "url=" + host + "%3A8443%2F", 400, "no page of this site"},
		"only HTML's & behind a #":      {both, page + "%23a%26amp%3Bb", 200, ""},
		"what is not shown behind a #":  {both, page + "%23%E5%BC%A0", 200, ""},
		"http, by a balancer it may be": {both, "url=http%3A%2F%2F" + sitetest.Host + "%2F", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{Accounts: tt.accounts})
			a := w.Browser().Open(w.JSSDK, "/_wechat/jssdk?"+tt.query, sitetest.Fetch).Want(t, tt.status)
			if text, _ := a.JSON(t)["message"].(string); !strings.Contains(text, tt.says) {
				t.Errorf("got %s", a.Body)
			}
		})
	}
}

func TestJSSDK_WithoutAHostNobodyKnowsWhosePageItIs(t *testing.T) {
	official, wecom := signers()
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{official, wecom}})
	b := w.Browser()
	r := b.Request("GET", "/_wechat/jssdk?url=https%3A%2F%2F%2Fpage", sitetest.Fetch)
	r.Origin = visitor.Origin{Scheme: "https"}
	b.Do(w.JSSDK, r).WantWord(t, http.StatusBadRequest, "bad_request")
}

func TestJSSDK_LogsWhatOperatorsCanMendOnceASecond(t *testing.T) {
	official, wecom := signers()
	official.fails = func(context.Context) error { return &weixin.Error{Code: 40164} }
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{official, wecom}})
	for range 2 {
		w.Browser().Open(w.JSSDK, "/_wechat/jssdk?"+page, sitetest.Fetch).
			WantWord(t, http.StatusBadGateway, "wechat_error")
	}
	line := w.WantLines("could not be signed", 1)[0]
	if line["account"] != "official" || line["app_id"] != "wxa" || line["cure"] == nil ||
		line["request_id"] != "request-1" {
		t.Errorf("got %v", line)
	}
	w.Clock.Pass(time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // whoever left is told nothing
	b := w.Browser()
	r := b.Request("GET", "/_wechat/jssdk?"+page, sitetest.Fetch)
	r.Request = r.WithContext(ctx)
	if a := b.Do(w.JSSDK, r); a.Body != "" {
		t.Errorf("got %s", a.Body)
	}
	w.WantLines("could not be signed", 1)
}
