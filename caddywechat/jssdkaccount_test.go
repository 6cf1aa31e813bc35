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

// serverToken returns the official account's server token.
func (w *world) serverToken() string {
	w.t.Helper()
	body := fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":%q}`,
		simulator.DemoAppID, simulator.DemoSecret)
	return w.callAPI("POST", serverTokenPath, body)["access_token"].(string)
}

// signatureOf returns what a page's script gets.
func signatureOf(t *testing.T, a response) (got struct {
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

func TestJSSDK_SignsForTheRequestedAccount(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host}},
		WeCom: []simulator.WeComApp{{
			CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret,
			Domain: host,
		}},
	})
	w.swap(w.accounts(officialAccount, weComAccount, websiteAccount))
	getToken := "/cgi-bin/gettoken?corpid=" + simulator.DemoCorpID + "&corpsecret=" + simulator.DemoWeComSecret
	weCom := w.callAPI("GET", getToken, "")["access_token"].(string)
	official := w.serverToken()
	tickets := map[string]string{
		"official":  ticketPath + "?type=jsapi&access_token=" + official,
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
		sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.Nonce,
			got.Timestamp, page))
		appID, corpID, agentID := simulator.DemoCorpID, "", ""
		switch tt.ticket {
		case "official":
			appID = simulator.DemoAppID
		case "corp, app":
			corpID, agentID = simulator.DemoCorpID, fmt.Sprint(simulator.DemoAgentID)
		}
		if got.Signature != hex.EncodeToString(sum[:]) || got.AppID != appID || got.CorpID != corpID ||
			got.AgentID != agentID {
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

func TestJSSDK_SaysThatNoAccountSigns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	b := w.browser(inWeChat)
	got := b.send("GET", target+"&app=agent").wantJSON(t, http.StatusNotFound, "not_found")
	if !strings.Contains(got["message"], "WeCom, of which this site has none") {
		t.Errorf("got %q", got["message"])
	}
	w.swap(w.accounts(websiteAccount))
	got = b.send("GET", target).wantJSON(t, http.StatusNotFound, "not_found")
	if !strings.Contains(got["message"], "no account of this site signs pages") {
		t.Errorf("got %q", got["message"])
	}
}

func TestJSSDK_LogsWhyThereIsNoAgentTicket(t *testing.T) {
	t.Parallel()
	w := newWeComWorld(t, "")
	w.fault(simulator.Fault{Path: "/cgi-bin/ticket/get", Kind: simulator.FaultErrcode, Errcode: 60020})
	target := "/_wechat/jssdk?app=agent&url=" + url.QueryEscape("http://"+host+"/")
	w.browser(inWeCom).send("GET", target).wantJSON(t, http.StatusBadGateway, "wechat_error")
	lines := w.logs.FilterMessageSnippet("JS-SDK").All()
	ref := fmt.Sprintf("%s/%d", simulator.DemoCorpID, simulator.DemoAgentID)
	if len(lines) != 1 || lines[0].ContextMap()["app_id"] != ref || lines[0].ContextMap()["cure"] == nil {
		t.Errorf("logged %v", lines)
	}
}
