package caddywechat

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestJSSDK_SignsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	page := "http://" + host + "/orders?id=5&from=singlemessage"
	a := w.browser(inWeChat).send("GET", "/_wechat/jssdk?url="+url.QueryEscape(page+"#/part"))
	got := signatureOf(t, a)
	token := w.serverToken()
	ticket := w.callAPI("GET", ticketPath+"?type=jsapi&access_token="+token, "")["ticket"].(string)
	sum := sha1.Sum([]byte(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.Nonce,
		got.Timestamp, page)))
	if got.AppID != simulator.DemoAppID || got.Signature != hex.EncodeToString(sum[:]) ||
		got.Timestamp != w.now().Unix() {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(a.body, ticket) || strings.Contains(a.body, token) {
		t.Errorf("a secret in %s", a.body)
	}
	for _, secret := range []string{ticket, token} {
		if found := w.inStorage(secret); found != "" {
			t.Errorf("a secret is readable in %s", found)
		}
	}
}

func TestJSSDK_SignsOnlyPagesOfThisSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for _, bad := range []string{
		"", "/orders", "http://evil.example/", "http://" + host + ".evil.example/", "http://" + host + "@evil.example/",
		"//" + host + "/",
		"http://x@" + host + "/", "javascript:alert(1)", "http://" + host + ":81/", "ftp://" + host + "/",
		"http://" + host + "/" + strings.Repeat("x", 4096),
	} {
		b.send("GET", "/_wechat/jssdk?url="+url.QueryEscape(bad)).wantJSON(t, http.StatusBadRequest, "bad_request")
	}
	b.send("POST", "/_wechat/jssdk?url=x").wantJSON(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if got := w.sim.Calls(serverTokenPath) + w.sim.Calls(ticketPath); got != 0 {
		t.Errorf("%d calls to WeChat", got)
	}
	b.send("GET", "/_wechat/jssdk?url="+url.QueryEscape("http://"+strings.ToUpper(host)+":80/")).
		wantStatus(t, http.StatusOK)
}

func TestJSSDK_UsesATicketUntilItExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK) })
	}
	wait.Wait()
	w.replaceSite("", sessionKey) // as at another instance, or after a reload
	for range 10 {
		w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK)
	}
	if tokens, tickets := w.sim.Calls(serverTokenPath), w.sim.Calls(ticketPath); tokens != 1 || tickets != 1 {
		t.Errorf("%d calls for tokens, %d for tickets", tokens, tickets)
	}
}

func TestJSSDK_LogsWhyThereIsNoTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.fault(simulator.Fault{Path: serverTokenPath, Kind: simulator.FaultErrcode, Errcode: 40164})
	target := "/_wechat/jssdk?url=" + url.QueryEscape("http://"+host+"/")
	for range 20 {
		w.browser(inWeChat).send("GET", target).wantJSON(t, http.StatusBadGateway, "wechat_error")
	}
	if got := w.sim.Calls(serverTokenPath); got > 2 {
		t.Errorf("%d calls to WeChat", got)
	}
	lines := w.logs.FilterMessageSnippet("JS-SDK").All()
	if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["cure"].(string), "whitelist") {
		t.Errorf("logged %v", lines)
	}
	w.sim.ClearFaults()
	w.advance(2 * time.Minute)
	w.browser(inWeChat).send("GET", target).wantStatus(t, http.StatusOK)
}

func TestJSSDK_SaysThatTheURLWasNotEncoded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	const site = "http://" + host
	notEncoded := "encodeURIComponent(location.href.split('#')[0])"
	for name, tt := range map[string]struct{ query, want string }{
		"two parameters":   {"url=" + site + "/p?status=1&from=singlemessage", notEncoded},
		"three":            {"url=" + site + "/p?a=1&from=timeline&isappinstalled=0", notEncoded},
		"a url of its own": {"url=" + site + "/p?a=1&url=/x", notEncoded},
		"another account's": {
			"url=" + url.QueryEscape(site+"/") + "&account=official_account&account=x", notEncoded,
		},
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
		"another site's": {
			"url=" + url.QueryEscape("https://evil.example/"), "no page of this site, which visitors know as " + host,
		},
		"a path":               {"url=%2Fp", "no page of this site"},
		"a page behind a hash": {"url=" + url.QueryEscape("#/p"), "no page of this site"},
		"an unknown app":       {"url=" + url.QueryEscape(site+"/") + "&app=config", "app is agent"},
		"an unknown account":   {"url=" + url.QueryEscape(site+"/") + "&account=wx1", "account names none"},
	} {
		got := b.send("GET", "/_wechat/jssdk?"+tt.query).wantJSON(t, http.StatusBadRequest, "bad_request")
		if !strings.Contains(got["message"], tt.want) {
			t.Errorf("%s: %q", name, got["message"])
		}
	}
	if calls := w.sim.Calls(serverTokenPath); calls != 0 {
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
