package caddywechat

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestAPageWhoseAddressWasNotEncodedIsToldSo(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	const site = "http://" + host
	notEncoded := "encodeURIComponent(location.href.split('#')[0])"
	for name, tt := range map[string]struct{ query, want string }{
		"two parameters":           {"url=" + site + "/p?status=1&from=singlemessage", notEncoded},
		"three":                    {"url=" + site + "/p?a=1&from=timeline&isappinstalled=0", notEncoded},
		"a url of its own":         {"url=" + site + "/p?a=1&url=/x", notEncoded},
		"another account's":        {"url=" + url.QueryEscape(site+"/") + "&account=official_account&account=x", notEncoded},
		"an app of its own":        {"url=" + site + "/p?a=1&app=shop", notEncoded},
		"a semicolon":              {"url=" + site + "/p;jsessionid=1", notEncoded},
		"a lone percent":           {"url=" + site + "/100%", notEncoded},
		"Chinese, encoded once":    {"url=" + site + "/%E5%BC%A0", notEncoded},
		"a plus":                   {"url=" + site + "/p?q=a+b", "blank"},
		"a blank":                  {"url=" + url.QueryEscape(site+"/a b"), "blank"},
		"a blank at the end":       {"url=" + url.QueryEscape(site+"/a "), "blank"},
		"a line break":             {"url=" + url.QueryEscape(site+"/a\n"), "blank"},
		"Chinese, decoded before":  {"url=" + url.QueryEscape(site+"/张"), "decoded before"},
		"quotes":                   {"url=" + url.QueryEscape(site+`/"a"`), notEncoded},
		"as HTML writes it":        {"url=" + url.QueryEscape(site+"/p?a=1&amp;b=2"), "&amp;"},
		"as HTML, and not encoded": {"url=" + site + "/p?a=1&amp;b=2", notEncoded},
		"encoded twice":            {"url=" + url.QueryEscape(url.QueryEscape(site+"/p?a=1&b=2")), "twice"},
		"no url":                   {"_=1", "url is missing"},
		"an empty one":             {"url=", "url is missing"},
		"another site's":           {"url=" + url.QueryEscape("https://evil.example/"), "no page of this site, which visitors know as " + host},
		"a path":                   {"url=%2Fp", "no page of this site"},
		"a page behind a hash":     {"url=" + url.QueryEscape("#/p"), "no page of this site"},
		"an unknown app":           {"url=" + url.QueryEscape(site+"/") + "&app=config", "app is agent"},
		"an unknown account":       {"url=" + url.QueryEscape(site+"/") + "&account=wx1", "account names none"},
	} {
		if got := b.send("GET", "/_wechat/jssdk?"+tt.query).wantJSON(t, http.StatusBadRequest, "bad_request"); !strings.Contains(got["message"], tt.want) {
			t.Errorf("%s: %q", name, got["message"])
		}
	}
	if calls := w.sim.Calls(stableToken); calls != 0 {
		t.Errorf("%d calls to WeChat", calls)
	}
	for name, query := range map[string]string{
		"encoded":             "url=" + url.QueryEscape(site+"/p?status=1&from=singlemessage"),
		"jQuery's":            "url=" + url.QueryEscape(site+"/p?a=1&b=2") + "&_=1712345678",
		"one parameter":       "url=" + site + "/p?status=1",
		"encoded Chinese":     "url=" + url.QueryEscape(site+"/%E5%BC%A0?q=%20%2B"),
		"other characters":    "url=" + url.QueryEscape(site+"/a;b?q={'x'}|[1]~!$*()@:"),
		"a route with blanks": "url=" + url.QueryEscape(site+"/#/a b 张&amp;"),
		"by kind":             "url=" + url.QueryEscape(site+"/") + "&account=official_account",
		"by app id":           "url=" + url.QueryEscape(site+"/") + "&account=" + simulator.DemoAppID,
	} {
		if a := b.send("GET", "/_wechat/jssdk?"+query); a.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d: %s", name, a.StatusCode, a.body)
		}
	}
}

// signatureOf returns the signature that a page's script asks for.
func signatureOf(t *testing.T, a answer) (got struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"`
	Nonce     string `json:"nonceStr"`
	Signature string `json:"signature"`
	CorpID    string `json:"corpid"`
	AgentID   string `json:"agentid"`
},
) {
	t.Helper()
	a.wantStatus(t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return got
}

func TestAPageIsSignedByTheAccountThatItAsksFor(t *testing.T) {
	w := newWorldWith(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host}},
		WeCom: []simulator.WeComApp{{
			CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
		}},
	})
	w.swap(w.accounts(officialLine, weComLine, websiteLine))
	weCom := w.callAPI("GET", "/cgi-bin/gettoken?corpid="+simulator.DemoCorpID+"&corpsecret="+simulator.DemoWeComSecret, "")["access_token"].(string)
	official := w.callAPI("POST", stableToken,
		`{"grant_type":"client_credential","appid":"`+simulator.DemoAppID+`","secret":"`+simulator.DemoSecret+`"}`)["access_token"].(string)
	tickets := map[string]string{
		"official":  getTicket + "?type=jsapi&access_token=" + official,
		"corp":      "/cgi-bin/get_jsapi_ticket?access_token=" + weCom,
		"corp, app": "/cgi-bin/ticket/get?type=agent_config&access_token=" + weCom,
	}
	ref := fmt.Sprintf("%s/%d", simulator.DemoCorpID, simulator.DemoAgentID)
	page := "http://" + host + "/orders?id=5&from=singlemessage"
	for _, tt := range []struct{ agent, more, ticket string }{
		{inWeChat, "", "official"},
		{inWeCom, "", "corp"},
		{onDesktop, "", "corp"},
		{inWeCom, "&app=agent", "corp, app"},
		{inWeChat, "&app=agent", "corp, app"},
		{inWeChat, "&account=wecom", "corp"},
		{inWeChat, "&account=" + simulator.DemoCorpID, "corp"},
		{inWeChat, "&account=" + url.QueryEscape(ref), "corp"},
		{inWeCom, "&account=official_account", "official"},
		{inWeCom, "&account=" + simulator.DemoAppID, "official"},
		{onDesktop, "&app=agent&account=wecom", "corp, app"},
	} {
		got := signatureOf(t, w.browser(tt.agent).send("GET", "/_wechat/jssdk?url="+url.QueryEscape(page)+tt.more))
		ticket := w.callAPI("GET", tickets[tt.ticket], "")["ticket"]
		sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.Nonce, got.Timestamp, page))
		appID, corpID, agentID := simulator.DemoCorpID, "", ""
		switch tt.ticket {
		case "official":
			appID = simulator.DemoAppID
		case "corp, app":
			corpID, agentID = simulator.DemoCorpID, fmt.Sprint(simulator.DemoAgentID)
		}
		if got.Signature != hex.EncodeToString(sum[:]) || got.AppID != appID || got.CorpID != corpID || got.AgentID != agentID {
			t.Errorf("%s %s: not signed by %s: %+v", tt.agent, tt.more, tt.ticket, got)
		}
	}
	for more, want := range map[string]string{
		"&account=website":                    "this account signs no pages",
		"&app=agent&account=official_account": "app=agent is for an account of WeCom",
		"&account=mini_program":               "account names none of this site's accounts",
	} {
		a := w.browser(inWeCom).send("GET", "/_wechat/jssdk?url="+url.QueryEscape(page)+more)
		if got := a.wantJSON(t, http.StatusBadRequest, "bad_request"); !strings.Contains(got["message"], want) {
			t.Errorf("%s: %q", more, got["message"])
		}
	}
}

func TestASiteThatCannotSignSaysSo(t *testing.T) {
	w := newWorld(t, "")
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	b := w.browser(inWeChat)
	if got := b.send("GET", target+"&app=agent").wantJSON(t, http.StatusNotFound, "not_found"); !strings.Contains(got["message"], "WeCom, of which this site has none") {
		t.Errorf("got %q", got["message"])
	}
	w.swap(w.accounts(websiteLine))
	if got := b.send("GET", target).wantJSON(t, http.StatusNotFound, "not_found"); !strings.Contains(got["message"], "no account of this site signs pages") {
		t.Errorf("got %q", got["message"])
	}
}

func TestWhatKeepsAnAgentTicketAwayIsTold(t *testing.T) {
	w := newWeComWorld(t, "")
	w.faultOf(t, simulator.Fault{Path: "/cgi-bin/ticket/get", Kind: simulator.FaultErrcode, Errcode: 60020})
	target := "/_wechat/jssdk?app=agent&url=" + url.QueryEscape("http://"+host+"/")
	w.browser(inWeCom).send("GET", target).wantJSON(t, http.StatusBadGateway, "wechat_error")
	lines := w.logs.FilterMessageSnippet("JS-SDK").All()
	if len(lines) != 1 || lines[0].ContextMap()["app_id"] != fmt.Sprintf("%s/%d", simulator.DemoCorpID, simulator.DemoAgentID) || lines[0].ContextMap()["cure"] == nil {
		t.Errorf("logged %v", lines)
	}
}
