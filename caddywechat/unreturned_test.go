package caddywechat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const noneBack = "logins begin and none comes back: WeChat may refuse the host, as it tells the visitor only (10003)"

// abandon lets n visitors start a login over a time, and none of them return.
func (w *world) abandon(n int, over time.Duration) {
	w.t.Helper()
	for i := range n {
		w.browser(inWeChat).startLogin(fmt.Sprintf("/%d", i))
		w.advance(over / time.Duration(n-1))
	}
}

func (w *world) unreturnedLines() int { return w.logs.FilterMessage(noneBack).Len() }

func TestUnreturnedLogins_AreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.abandon(19, time.Hour)
	if w.unreturnedLines() != 0 {
		t.Fatal("a line about 19 logins")
	}
	w.abandon(40, time.Hour)
	lines := w.logs.FilterMessage(noneBack).All()
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	fields := lines[0].ContextMap()
	if fields["host"] != host || fields["account"] != "official_account" || fields["app_id"] != simulator.DemoAppID ||
		!strings.Contains(fields["cure"].(string), "网页授权域名") ||
		!strings.Contains(fields["cure"].(string), "mp.weixin.qq.com") {
		t.Errorf("fields: %v", fields)
	}
	t.Run("beyond a reload", func(t *testing.T) {
		w.swap(w.newHandler(officialAccount))
		w.abandon(40, time.Hour)
		if w.unreturnedLines() != 0 {
			t.Error("another line")
		}
	})
	t.Run("again only after one returned", func(t *testing.T) {
		w.browser(inWeChat).login("/")
		w.abandon(19, 10*time.Minute)
		if w.unreturnedLines() != 0 {
			t.Error("a line about 19 logins")
		}
		w.abandon(2, time.Second)
		if w.unreturnedLines() != 1 {
			t.Errorf("%d lines", w.unreturnedLines())
		}
	})
}

func TestUnreturnedLogins_AreNotLoggedWithoutReason(t *testing.T) {
	t.Parallel()
	start := func(w *world, b *browser, headers ...string) {
		for range 30 {
			b.open("/_wechat/login?account=official_account", headers...)
			w.advance(5 * time.Second)
		}
	}
	for name, try := range map[string]func(t *testing.T, w *world){
		"within less than a minute": func(t *testing.T, w *world) { w.abandon(100, 59*time.Second) },
		"one returned in between": func(t *testing.T, w *world) {
			w.abandon(15, time.Hour)
			w.browser(inWeChat).login("/")
			w.abandon(15, 10*time.Minute)
		},
		"one returned without its attempt": func(t *testing.T, w *world) {
			w.abandon(15, time.Hour)
			w.browser(inWeChat).open("/_wechat/callback?code=x&state=y")
			w.abandon(15, 10*time.Minute)
		},
		"one was declined": func(t *testing.T, w *world) {
			w.abandon(15, time.Hour)
			b := w.browser(inWeChat)
			b.open(withoutCode(b.callbackFor("/")))
			w.abandon(15, 10*time.Minute)
		},
		"a night long, where others returned": func(t *testing.T, w *world) {
			w.browser(inWeChat).login("/")
			w.abandon(100, 8*time.Hour)
		},
		"images": func(t *testing.T, w *world) {
			start(w, w.browser(inWeChat), "Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors")
		},
		"prefetches": func(t *testing.T, w *world) {
			start(w, w.browser(inWeChat), "Sec-Purpose: prefetch")
		},
		"browsers that it does not serve": func(t *testing.T, w *world) { start(w, w.browser(onDesktop)) },
		"crawlers that say so": func(t *testing.T, w *world) {
			start(w, w.browser(inWeChat+" (compatible; ExampleBot/2.0; +http://example.com/bot)"))
		},
		"pages that nobody logs in to see": func(t *testing.T, w *world) { w.browser(onDesktop).open("/") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			if try(t, w); w.unreturnedLines() != 0 {
				t.Error("a line")
			}
		})
	}
}

// The host of these logins may be made up by a stranger.
func TestUnreturnedLogins_HintOfEachAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "badge\nwebsite wx0000000000000001 0123456789abcdef0123456789abcdef\nuser_id qualified")
	for account, want := range map[string]string{"badge": "platform", "website": "授权回调域"} {
		for range 21 {
			w.browser(onDesktop).open("/_wechat/login?account=" + account)
			w.advance(4 * time.Second)
		}
		lines := w.logs.FilterMessage(noneBack).TakeAll()
		if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["cure"].(string), want) {
			t.Errorf("%s: %v", account, lines)
		}
		w.logs.TakeAll()
	}
}
