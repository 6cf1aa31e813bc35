package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// failure is what a failure comes to.
type failure struct {
	page             string // the heading of the page that the visitor sees; "app" for the one they asked for
	status           int
	exchanges, infos int    // calls that WeChat got
	outcome, cure    string // what the log's line about the first callback says, in part; "": nothing
	retryAfter       bool   // whether the answer says when to come again
}

const (
	token    = "/sns/oauth2/access_token"
	userinfo = "/sns/userinfo"
)

// TestLoginFailure lets each thing that is known to go wrong go wrong, and looks at what the visitor, WeChat and the
// operator get. With -v it prints the table.
func TestLoginFailure_IsShownAndLogged(t *testing.T) {
	lands := func(exchanges int, outcome string) failure {
		return failure{page: "app", status: 200, exchanges: exchanges, outcome: outcome}
	}
	errcode := func(code int) simulator.Fault { return simulator.Fault{Kind: simulator.FaultErrcode, Errcode: code} }
	unavailable := func(status int, cure string) failure {
		return failure{page: "微信暂时繁忙", status: status, exchanges: 1, outcome: "failed", cure: cure}
	}
	misconfigured := func(cure string) failure {
		return failure{page: "暂时无法登录", status: 502, exchanges: 1, outcome: "failed", cure: cure}
	}
	const refused, nobodys = "restarted: WeChat refused the code", "restarted: no attempt of this browser is open"

	t.Run("WeChat answers the code with", func(t *testing.T) {
		for _, c := range []struct {
			name  string
			fault simulator.Fault
			once  bool
			want  failure
		}{
			{"40029 once", errcode(40029), true, lands(2, refused)},
			{"40163 once", errcode(40163), true, lands(2, refused)},
			{"42003 once", errcode(42003), true, lands(2, refused)},
			{"40029 for ever", errcode(40029), false, failure{page: "登录没有成功", status: 429, exchanges: 3, outcome: refused}},
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
			{"-1, code consumed", simulator.Fault{Kind: simulator.FaultErrcode, Errcode: -1, Consume: true}, false, unavailable(502, "nothing to change")},
			{"-1, code not consumed", errcode(-1), false, unavailable(502, "nothing to change")},
			{"an errcode nobody knows", errcode(99999), false, unavailable(502, "")},
			{"503", simulator.Fault{Kind: simulator.FaultStatus, Status: 503}, false, unavailable(502, "")},
			{"HTML", simulator.Fault{Kind: simulator.FaultHTML}, false, unavailable(502, "")},
			{"nothing", simulator.Fault{Kind: simulator.FaultEmpty}, false, unavailable(502, "")},
			{"1 MB", simulator.Fault{Kind: simulator.FaultOversized, Bytes: 1 << 20}, false, unavailable(502, "")},
			{"a cut answer", simulator.Fault{Kind: simulator.FaultCut}, false, unavailable(502, "gets out")},
			{"the right answer, slowly", simulator.Fault{Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond}, false, lands(1, "logged_in")},
			{"silence", simulator.Fault{Kind: simulator.FaultHang}, false, unavailable(504, "gets out")},
		} {
			c.fault.Path = token
			if c.once {
				c.fault.Times = 1
			}
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t, "timeout 400ms")
				w.fault(c.fault)
				b := w.browser(inWeChat)
				callback := b.callbackFor("/page")
				wantFailure(t, w, b.follow(callback), c.want)
				if strings.Contains(fmt.Sprint(w.logs.All()), simulator.DemoSecret) || strings.Contains(fmt.Sprint(w.logs.All()), codeOf(callback)) {
					t.Error("a secret in the log")
				}
				if c.want.page == "app" {
					return
				}
				if names := b.cookieNames(); len(names) != 0 {
					t.Errorf("left cookies: %v", names)
				}
				// A program gets the same in a word; and once WeChat is well, Reload lands.
				if c.want.status != http.StatusTooManyRequests {
					other := w.browser(inWeChat)
					word := map[int]string{502: "wechat_error", 504: "wechat_timeout"}[c.want.status]
					other.send("GET", other.callbackFor("/page"), "Accept: application/json").wantJSON(t, c.want.status, word)
				}
				w.sim.ClearFaults()
				if a := b.follow(callback); a.body != "app "+person {
					t.Errorf("reload: status %d %.200s", a.StatusCode, a.body)
				}
			})
		}
	})

	t.Run("WeChat answers the question for the profile with", func(t *testing.T) {
		info := func(e failure) failure { e.infos = 1; return e }
		for _, c := range []struct {
			name  string
			fault simulator.Fault
			once  bool
			want  failure
		}{
			{"40001 once", errcode(40001), true, failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: refused}},
			{"42001 once", errcode(42001), true, failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: refused}},
			{"42007 once", errcode(42007), true, failure{page: "app", status: 200, exchanges: 2, infos: 2, outcome: refused}},
			{"40001 for ever", errcode(40001), false, failure{page: "登录没有成功", status: 429, exchanges: 3, infos: 3, outcome: refused}},
			{"40003", errcode(40003), false, info(unavailable(502, ""))},
			{"48001", errcode(48001), false, info(misconfigured("verified service account"))},
			{"50001", errcode(50001), false, info(misconfigured("scopes"))},
			{"-1", errcode(-1), false, info(unavailable(502, "nothing to change"))},
			{"HTML", simulator.Fault{Kind: simulator.FaultHTML}, false, info(unavailable(502, ""))},
			{"silence", simulator.Fault{Kind: simulator.FaultHang}, false, info(unavailable(504, "gets out"))},
		} {
			c.fault.Path = userinfo
			if c.once {
				c.fault.Times = 1
			}
			t.Run(c.name, func(t *testing.T) {
				w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", "timeout 400ms")
				w.fault(c.fault)
				wantFailure(t, w, w.browser(inWeChat).followAllowing("/page"), c.want)
			})
		}
	})

	t.Run("WeChat", func(t *testing.T) {
		t.Run("refuses connections", func(t *testing.T) {
			w := newWorld(t, "")
			w.useAPI("http://127.0.0.1:1", "")
			wantFailure(t, w, w.browser(inWeChat).follow("/page"), failure{page: "微信暂时繁忙", status: 502, outcome: "failed", cure: "gets out"})
		})
		t.Run("refuses connections, its fallback doesn't", func(t *testing.T) {
			w := newWorld(t, "")
			w.useAPI("http://127.0.0.1:1", w.simURL)
			wantFailure(t, w, w.browser(inWeChat).follow("/page"), lands(1, "logged_in"))
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
			wantFailure(t, w, b.open(withoutCode(b.callbackFor("/page"))), failure{page: "登录已取消", status: 403, outcome: "declined"})
		})
		t.Run("shows a snapshot", func(t *testing.T) {
			w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", "")
			b := w.browser(inWeChat)
			a := b.open(b.consent(b.open("/page").Header.Get("Location"), "snapshot"))
			wantFailure(t, w, a, failure{page: "请点底部的“使用完整服务”", status: 403, exchanges: 1, outcome: "snapshot"})
		})
	})

	t.Run("the callback comes", func(t *testing.T) {
		for _, c := range []struct {
			name    string
			journey func(*world, *browser) response
			want    failure
		}{
			{"twice at once", func(_ *world, b *browser) response {
				callback := b.callbackFor("/page")
				var second sync.WaitGroup
				second.Go(func() { b.open(callback) })
				defer second.Wait()
				return b.follow(callback)
			}, lands(1, "logged_in")},
			{"again a second later", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.open(callback)
				w.advance(time.Second)
				return b.follow(callback)
			}, lands(1, "logged_in")},
			{"again after an hour, by Back", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.follow(callback)
				w.advance(time.Hour)
				return b.follow(callback)
			}, lands(1, "logged_in")},
			{"again, the session's cookie lost on the way", func(_ *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.open(callback)
				b.deleteCookie("wechat_session")
				return b.follow(callback)
			}, lands(1, "logged_in")},
			{"again after an hour, without a session", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.open(callback)
				b.deleteCookie("wechat_session")
				w.advance(time.Hour)
				return b.follow(callback)
			}, lands(2, "logged_in")},
			{"in another browser, from a shared link", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.open(callback)
				return w.browser(inWeChat).follow(callback)
			}, lands(2, "logged_in")},
			{"in another browser first", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				w.browser(inWeChat).open(callback)
				return b.follow(callback)
			}, lands(1, nobodys)},
			{"without its attempt", func(_ *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.deleteCookies()
				return b.follow(callback)
			}, lands(1, nobodys)},
			{"when its attempt is over", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				w.advance(11 * time.Minute)
				return b.follow(callback)
			}, lands(1, nobodys)},
			{"with a damaged attempt", func(_ *world, b *browser) response {
				callback := b.callbackFor("/page")
				b.changeCookies(func(c *http.Cookie) { c.Value = c.Value[:len(c.Value)-9] + "AAAAAAAAA" })
				return b.follow(callback)
			}, lands(1, "restarted: the attempt was sealed with a key that this instance does not have")},
			{"with the attempt of another site", func(_ *world, b *browser) response {
				callback := b.callbackFor("/page")
				elsewhere := b.world.browser(inWeChat)
				elsewhere.open("http://shop.example.com/page").wantStatus(t, http.StatusFound)
				cookies := elsewhere.client.Jar.Cookies(&url.URL{Scheme: "http", Host: "shop.example.com", Path: "/"})
				b.deleteCookies()
				b.setCookies(cookies)
				return b.follow(callback)
			}, lands(1, "restarted: the attempt was sealed with a key that this instance does not have")},
			{"after the configuration was reloaded", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				w.replaceSite("", sessionKey)
				return b.follow(callback)
			}, lands(1, "logged_in")},
			{"at an instance with another key", func(w *world, b *browser) response {
				callback := b.callbackFor("/page")
				w.replaceSite("", strings.ToUpper(sessionKey))
				return b.follow(callback)
			}, lands(1, "restarted: the attempt was sealed with a key that this instance does not have")},
			{"in the order of another tab", func(_ *world, b *browser) response {
				first, second := b.callbackFor("/first"), b.callbackFor("/page")
				b.open(second)
				b.open(first).wantRedirect(t, "/first")
				return b.follow(second)
			}, lands(2, "logged_in")},
			{"with a state that nobody made", func(_ *world, b *browser) response {
				return b.follow("/_wechat/callback?code=x&state=y&to=%2Fpage")
			}, lands(1, nobodys)},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t, "")
				wantFailure(t, w, c.journey(w, w.browser(inWeChat)), c.want)
			})
		}
	})

	t.Run("the browser", func(t *testing.T) {
		t.Run("keeps no cookie", func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			b.cookies = false
			a := b.follow("/page")
			wantFailure(t, w, a, failure{page: "登录没有成功", status: 429, outcome: nobodys})
			if !strings.Contains(a.body, "Cookie") {
				t.Error("the page does not say why")
			}
		})
		t.Run("does not keep the session", func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			var a response
			for range 4 {
				a = b.follow("/page")
				b.deleteCookie("wechat_session")
			}
			wantFailure(t, w, a, failure{page: "登录没有成功", status: 429, exchanges: 3, outcome: "logged_in"})
		})
	})
}

// wantFailure compares what came of a failure, and prints it as a row of a table.
func wantFailure(t *testing.T, w *world, a response, want failure) {
	t.Helper()
	got := failure{
		page: heading(a), status: a.StatusCode, retryAfter: a.Header.Get("Retry-After") != "",
		exchanges: w.exchanges(), infos: w.sim.Calls(userinfo),
	}
	if lines := w.logs.FilterMessage("callback").All(); len(lines) > 0 {
		fields := lines[0].ContextMap()
		got.outcome, _ = fields["outcome"].(string)
		if reason, ok := fields["reason"].(string); ok {
			got.outcome += ": " + reason
		}
		got.cure, _ = fields["cure"].(string)
		if fields["request_id"] == "" {
			t.Error("the log's line has no request id")
		}
	}
	if got.page != "app" && !strings.Contains(a.body, "请求编号") {
		t.Errorf("the page has no request id: %s", a.body)
	}
	row := "| " + strings.Join([]string{
		strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestLoginFailure_IsShownAndLogged/"), "_", " "), got.page, fmt.Sprint(got.status),
		fmt.Sprintf("%d + %d", got.exchanges, got.infos), got.outcome, got.cure,
	}, " | ") + " |"
	t.Log(row)
	if want.cure == "" && got.cure != "" || !strings.Contains(got.cure, want.cure) || !strings.Contains(got.outcome, want.outcome) {
		t.Errorf("the log says %q, cure %q; want %q, %q", got.outcome, got.cure, want.outcome, want.cure)
	}
	got.outcome, got.cure, want.outcome, want.cure = "", "", "", ""
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
