package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestLoginFailure_WeChatRefusesTheCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault simulator.Fault
		once  bool
		want  failure
	}{
		{"40029 once", errcode(40029), true, returnsToPage(2, reasonRefused)},
		{"40163 once", errcode(40163), true, returnsToPage(2, reasonRefused)},
		{"42003 once", errcode(42003), true, returnsToPage(2, reasonRefused)},
		{"40029 for ever", errcode(40029), false, loopDetected(3, 0, reasonRefused)},
		{"40001", errcode(40001), false, misconfigured("check the app secret")},
		{"40003", errcode(40003), false, unavailable(502, "")},
		{"40013", errcode(40013), false, misconfigured("check the app id")},
		{"40125", errcode(40125), false, misconfigured("check the app secret")},
		{"40164", errcode(40164), false, misconfigured("IP whitelist")},
		{"41008", errcode(41008), false, unavailable(502, "")},
		{"45009", errcode(45009), false, unavailable(502, "quota")},
		{"45011", errcode(45011), false, unavailable(502, "wait")},
		{"48001", errcode(48001), false, misconfigured("verified service account")},
		{"50001", errcode(50001), false, misconfigured("scopes")},
		{
			"-1, code consumed",
			simulator.Fault{Kind: simulator.FaultErrcode, Errcode: -1, Consume: true},
			false,
			unavailable(502, "nothing to change"),
		},
		{"-1, code not consumed", errcode(-1), false, unavailable(502, "nothing to change")},
		{"an errcode nobody knows", errcode(99999), false, unavailable(502, "")},
		{"503", simulator.Fault{Kind: simulator.FaultStatus, Status: 503}, false, unavailable(502, "")},
		{"HTML", simulator.Fault{Kind: simulator.FaultHTML}, false, unavailable(502, "")},
		{"nothing", simulator.Fault{Kind: simulator.FaultEmpty}, false, unavailable(502, "")},
		{"1 MB", simulator.Fault{Kind: simulator.FaultOversized, Bytes: 1 << 20}, false, unavailable(502, "")},
		{"a cut response", simulator.Fault{Kind: simulator.FaultCut}, false, unavailable(502, "gets out")},
		{
			"the right response, slowly",
			simulator.Fault{Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond},
			false, returnsToPage(1, "logged_in"),
		},
		{"silence", simulator.Fault{Kind: simulator.FaultHang}, false, unavailable(504, "gets out")},
	} {
		c.fault.Path = exchangePath
		if c.once {
			c.fault.Times = 1
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "timeout 400ms")
			w.fault(c.fault)
			b := w.browser(inWeChat)
			callback := b.callbackFor("/page")
			wantFailure(t, w, b.follow(callback), c.want)
			if strings.Contains(fmt.Sprint(w.logs.All()), simulator.DemoSecret) ||
				strings.Contains(fmt.Sprint(w.logs.All()), queryOf(callback, "code")) {
				t.Error("a secret in the log")
			}
			if c.want.page == "app" {
				return
			}
			if names := b.cookieNames(); len(names) != 0 {
				t.Errorf("left cookies: %v", names)
			}
			// A program gets an error code. Once WeChat works, a reload returns to the page.
			if c.want.status != http.StatusTooManyRequests {
				other := w.browser(inWeChat)
				word := map[int]string{502: "wechat_error", 504: "wechat_timeout"}[c.want.status]
				other.send("GET", other.callbackFor("/page"), "Accept: application/json").
					wantJSON(t, c.want.status, word)
			}
			w.sim.ClearFaults()
			if a := b.follow(callback); a.body != "app "+person {
				t.Errorf("reload: status %d %.200s", a.StatusCode, a.body)
			}
		})
	}
}

func TestLoginFailure_WeChatRefusesTheProfile(t *testing.T) {
	t.Parallel()
	info := func(e failure) failure { e.infos = 1; return e }
	for _, c := range []struct {
		name  string
		fault simulator.Fault
		once  bool
		want  failure
	}{
		{
			"40001 once", errcode(40001), true,
			failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: reasonRefused},
		},
		{
			"42001 once", errcode(42001), true,
			failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: reasonRefused},
		},
		{
			"42007 once", errcode(42007), true,
			failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: reasonRefused},
		},
		{"40001 for ever", errcode(40001), false, loopDetected(3, 3, reasonRefused)},
		{"40003", errcode(40003), false, info(unavailable(502, ""))},
		{"48001", errcode(48001), false, info(misconfigured("verified service account"))},
		{"50001", errcode(50001), false, info(misconfigured("scopes"))},
		{"-1", errcode(-1), false, info(unavailable(502, "nothing to change"))},
		{"HTML", simulator.Fault{Kind: simulator.FaultHTML}, false, info(unavailable(502, ""))},
		{"silence", simulator.Fault{Kind: simulator.FaultHang}, false, info(unavailable(504, "gets out"))},
	} {
		c.fault.Path = profilePath
		if c.once {
			c.fault.Times = 1
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newProfileWorld(t, directProfile, "timeout 400ms")
			w.fault(c.fault)
			wantFailure(t, w, w.browser(inWeChat).followAllowing("/page"), c.want)
		})
	}
}

func TestLoginFailure_WeChatIsNotReached(t *testing.T) {
	t.Run("refuses connections", func(t *testing.T) {
		w := newWorld(t, "")
		w.useAPI("http://127.0.0.1:1", "")
		wantFailure(t, w, w.browser(inWeChat).follow("/page"), failure{
			page: "微信暂时繁忙", status: 502, outcome: "failed",
			cure: "gets out",
		})
	})
	t.Run("refuses connections, its fallback doesn't", func(t *testing.T) {
		w := newWorld(t, "")
		w.useAPI("http://127.0.0.1:1", w.simURL)
		wantFailure(t, w, w.browser(inWeChat).follow("/page"), returnsToPage(1, "logged_in"))
	})
	t.Run("has 256 calls to answer already", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		free := occupyAllCalls(t)
		want := failure{page: "服务器有点忙", status: 503, outcome: "failed", retryAfter: true}
		wantFailure(t, w, b.follow(callback), want)
		b.send("GET", b.callbackFor("/page"), "Accept: application/json").wantJSON(t, 503, "wechat_busy")
		free()
		if a := b.follow(callback); a.body != "app "+person {
			t.Errorf("reload: status %d %.200s", a.StatusCode, a.body)
		}
	})
	t.Run("sends the visitor back without a code", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		wantFailure(t, w, b.open(withoutCode(b.callbackFor("/page"))),
			failure{page: "登录已取消", status: 403, outcome: "declined"})
	})
	t.Run("shows a snapshot", func(t *testing.T) {
		w := newProfileWorld(t, directProfile, "")
		b := w.browser(inWeChat)
		a := b.open(b.consent(b.open("/page").location(), "snapshot"))
		wantFailure(t, w, a, failure{page: "请点底部的“使用完整服务”", status: 403, exchanges: 1, outcome: "snapshot"})
	})
}
