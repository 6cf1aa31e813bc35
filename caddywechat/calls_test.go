package caddywechat

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Paths of WeChat's API.
const (
	exchangePath       = "/sns/oauth2/access_token"
	refreshPath        = "/sns/oauth2/refresh_token"
	profilePath        = "/sns/userinfo"
	jscode2sessionPath = "/sns/jscode2session"
	serverTokenPath    = "/cgi-bin/stable_token"
	ticketPath         = "/cgi-bin/ticket/getticket"
)

// callAPI calls the simulated WeChat as another server does.
func (w *world) callAPI(method, path, body string) (result map[string]any) {
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
	if err != nil || json.Unmarshal(text, &result) != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	return result
}

// fault makes the simulated WeChat misbehave.
func (w *world) fault(f simulator.Fault) {
	w.t.Helper()
	if err := w.sim.Fault(f); err != nil {
		w.t.Fatal(err)
	}
}

// hold makes another person the one who uses WeChat in all browsers.
func (w *world) hold(personID string) {
	w.t.Helper()
	if err := w.sim.Hold(personID); err != nil {
		w.t.Fatal(err)
	}
}

// useAPI lets the accounts call other hosts than those of WeChat's pages.
func (w *world) useAPI(base, fallback string) {
	for _, a := range w.handler.login.Accounts.All() {
		a.(account.WeChatCaller).
			UseWeChat(&weixin.Client{Hosts: weixin.Hosts{Open: w.simURL, API: base, Fallback: fallback}}, nil)
	}
}

// occupyAllCalls makes as many calls as may be in flight, each of another app, and returns what ends them.
func occupyAllCalls(t *testing.T) (free func()) {
	t.Helper()
	const all = 256
	arrived, leave := make(chan bool, all), make(chan bool)
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- true
		<-leave
	}))
	t.Cleanup(silent.Close)
	client := weixin.Client{Hosts: weixin.HostsAt(silent.URL, ""), Timeout: 20 * time.Second}
	var calls sync.WaitGroup
	for i := range all {
		calls.Go(func() {
			_, _ = client.ForApp(fmt.Sprint(i)).
				ExchangeCode(t.Context(), weixin.App{ID: "x", Auth: weixin.Secret("x")}, "x")
		})
	}
	for range all {
		<-arrived
	}
	return func() { close(leave); calls.Wait() }
}

// stubWeChat lets the accounts call an API that answers a path with this body, and all else as the simulator does.
func (w *world) stubWeChat(path, body string) {
	w.t.Helper()
	sim, err := url.Parse(w.simURL)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(sim)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			io.WriteString(rw, strings.ReplaceAll(body, "OPENID", r.URL.Query().Get("openid")))
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	w.useAPI(server.URL, "")
}

// exchanges returns how many codes WeChat was asked to exchange.
func (w *world) exchanges() int { return w.sim.Calls(exchangePath) }
