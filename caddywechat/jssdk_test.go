package caddywechat

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	stableToken = "/cgi-bin/stable_token"
	getTicket   = "/cgi-bin/ticket/getticket"
)

// api calls the simulator as somebody else's server does.
func (w *world) callAPI(method, path, body string) (answer map[string]any) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.simURL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(text, &answer) != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	return answer
}

func TestPagesAreSigned(t *testing.T) {
	w := newWorld(t, "")
	page := "http://" + host + "/orders?id=5&from=singlemessage"
	a := w.browser(inWeChat).send("GET", "/_wechat/jssdk?url="+url.QueryEscape(page+"#/part"))
	a.wantStatus(t, http.StatusOK)
	var got struct {
		AppID     string `json:"appId"`
		Timestamp int64  `json:"timestamp"`
		NonceStr  string `json:"nonceStr"`
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	token := w.callAPI("POST", stableToken, `{"grant_type":"client_credential","appid":"`+simulator.DemoAppID+`","secret":"`+simulator.DemoSecret+`"}`)
	ticket := w.callAPI("GET", getTicket+"?type=jsapi&access_token="+token["access_token"].(string), "")["ticket"]
	sum := sha1.Sum([]byte(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.NonceStr, got.Timestamp, page)))
	if got.AppID != simulator.DemoAppID || got.Signature != hex.EncodeToString(sum[:]) || got.Timestamp != w.now().Unix() {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(a.body, ticket.(string)) || strings.Contains(a.body, token["access_token"].(string)) {
		t.Errorf("a secret in %s", a.body)
	}
	for _, secret := range []string{ticket.(string), token["access_token"].(string)} {
		if found := w.inStorage(secret); found != "" {
			t.Errorf("a secret lies open in %s", found)
		}
	}
}

func TestOnlyPagesOfThisSiteAreSigned(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for _, bad := range []string{
		"", "/orders", "http://evil.example/", "http://" + host + ".evil.example/", "http://" + host + "@evil.example/", "//" + host + "/",
		"http://x@" + host + "/", "javascript:alert(1)", "http://" + host + ":81/", "ftp://" + host + "/", "http://" + host + "/" + strings.Repeat("x", 4096),
	} {
		b.send("GET", "/_wechat/jssdk?url="+url.QueryEscape(bad)).wantJSON(t, http.StatusBadRequest, "bad_request")
	}
	b.send("POST", "/_wechat/jssdk?url=x").wantJSON(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if got := w.sim.Calls(stableToken) + w.sim.Calls(getTicket); got != 0 {
		t.Errorf("%d calls to WeChat", got)
	}
	b.send("GET", "/_wechat/jssdk?url="+url.QueryEscape("http://"+strings.ToUpper(host)+":80/")).wantStatus(t, http.StatusOK)
}

func TestATicketServesItsWholeLife(t *testing.T) {
	w := newWorld(t, "")
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK) })
	}
	wait.Wait()
	w.replace("", sessionKey) // another instance, or a reload
	for range 10 {
		w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK)
	}
	if tokens, tickets := w.sim.Calls(stableToken), w.sim.Calls(getTicket); tokens != 1 || tickets != 1 {
		t.Errorf("%d calls for tokens, %d for tickets", tokens, tickets)
	}
}

func TestWhatKeepsATicketAwayIsTold(t *testing.T) {
	w := newWorld(t, "")
	w.faultOf(t, simulator.Fault{Path: stableToken, Kind: simulator.FaultErrcode, Errcode: 40164})
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	for range 20 {
		w.browser(inWeChat).send("GET", target).wantJSON(t, http.StatusBadGateway, "wechat_error")
	}
	if got := w.sim.Calls(stableToken); got > 2 {
		t.Errorf("%d calls to WeChat", got)
	}
	lines := w.logs.FilterMessageSnippet("JS-SDK").All()
	if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["cure"].(string), "whitelist") {
		t.Errorf("logged %v", lines)
	}
	w.sim.ClearFaults()
	w.pass(2 * time.Minute)
	w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK)
}
