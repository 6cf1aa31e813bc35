package caddywechat

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestCallback_OfAnEndedSessionRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	before := b.siteCookies()
	b.open(callback)
	b.logout("")
	b.setCookies(before) // the attempt as it was, unspent
	a := b.open(callback)
	if !strings.HasPrefix(a.location(), w.simURL) || b.cookie("wechat_session") != "" {
		t.Errorf("status %d to %s", a.StatusCode, a.location())
	}
	if w.logs.FilterField(zap.String("reason", "the session that this attempt led to is over")).Len() != 1 {
		t.Errorf("log: %v", w.logs.All())
	}
}

func TestCallback_Repeated(t *testing.T) {
	t.Parallel()
	t.Run("at once: one exchange, both return", func(t *testing.T) {
		w := newWorld(t, "")
		w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond})
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() { b.open(callback).wantRedirect(t, "/page") })
		}
		wait.Wait()
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
	t.Run("by Back, within a minute: the same session", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		b.open(callback)
		b.deleteCookie("wechat_session") // as where the first response was lost
		b.open(callback).wantRedirect(t, "/page")
		b.open("/page").wantStatus(t, http.StatusOK)
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
	})
	t.Run("by Back, later: a live session goes straight to the page", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		b.open(callback)
		w.advance(2 * time.Minute)
		b.open(callback).wantRedirect(t, "/page")
		w.advance(time.Hour) // the attempt has expired
		b.open(callback).wantRedirect(t, "/page")
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
	})
	t.Run("by Back, later, without a session: restarted", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		b.open(callback)
		b.deleteCookie("wechat_session")
		w.advance(2 * time.Minute)
		if a := b.follow(callback); a.body != "app "+person || a.Request.URL.Opaque != "/page" {
			t.Errorf("ended at %s with %q", a.Request.URL, a.body)
		}
	})
	t.Run("after logout the result is not repeated", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		a := b.open(callback)
		spent := a.Cookies()
		b.logout("")
		b.setCookies(spent) // as a thief would
		a = b.open(callback)
		a.wantStatus(t, http.StatusFound)
		if !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("redirected to %s", a.location())
		}
	})
}

func TestCallback_OfAnotherBrowserRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	mine, theirs := w.browser(inWeChat), w.browser(inWeChat)
	callback := mine.callbackFor("/page")
	a := theirs.open(callback) // by a shared link or an attack
	a.wantStatus(t, http.StatusFound)
	if !strings.HasPrefix(a.location(), w.simURL+"/connect/") || theirs.cookie("wechat_session") != "" {
		t.Errorf("another browser's callback is answered by a redirect to %s with %v", a.location(),
			theirs.cookieNames())
	}
	if got := w.exchanges(); got != 0 {
		t.Errorf("%d exchanges", got)
	}
	mine.open(callback).wantRedirect(t, "/page")
	if a := theirs.open(callback); !strings.HasPrefix(a.location(), w.simURL+"/connect/") {
		t.Errorf("after the first login the other's callback is answered by a redirect to %s", a.location())
	}
	// With a session of its own the other browser gets to the page, as its own person.
	w.hold("emma")
	theirs.login("/else")
	theirs.open(callback).wantRedirect(t, "/page")
	theirs.open("/page")
	if got := w.received().Header.Get("X-Wechat-User"); got != simulator.OpenID(simulator.DemoAppID, "emma") {
		t.Errorf("the app sees %s", got)
	}
}

func TestCallback_WithoutAnAttemptRestarts(t *testing.T) {
	t.Parallel()
	for _, callback := range []string{
		"/_wechat/callback", "/_wechat/callback?code=x", "/_wechat/callback?code=x&state=",
		"/_wechat/callback?code=x&state=y",
		"/_wechat/callback?code=x&state=" + strings.Repeat("a", 5000),
		"/_wechat/callback?code=%00&state=%ff&to=//evil.example",
		"/_wechat/callback?code=x&state=y&to=https://evil.example/",
		"/_wechat/callback?code=x&state=y&to=/\\evil.example",
	} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		a := b.open(callback)
		a.wantStatus(t, http.StatusFound)
		if a := b.follow(a.location()); a.Request.URL.Host != host || a.body != "app "+person {
			t.Errorf("%.60s ended at %s", callback, a.Request.URL)
		}
	}
}

func TestCallback_AbandonedRequestKeepsTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond})
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	impatient := *b.client
	impatient.Timeout = 30 * time.Millisecond
	req, _ := http.NewRequest("GET", callback, nil)
	req.Header.Set("User-Agent", inWeChat)
	if _, err := impatient.Do(req); err == nil {
		t.Fatal("the first request was meant to be given up")
	}
	b.open(callback).wantRedirect(t, "/page")
	if got := w.exchanges(); got != 1 {
		t.Errorf("%d exchanges", got)
	}
}

// WeChat's browser may send a request twice and take the second response only, so that has all of the first.
func TestCallback_SecondResponseSaysAllOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	before := b.siteCookies()
	b.open(callback).wantRedirect(t, "/page")
	b.deleteCookies()
	b.setCookies(before)
	b.open(callback).wantRedirect(t, "/page")
	b.open("/page").wantStatus(t, http.StatusOK)
	w.advance(2 * time.Minute)
	b.open(callback).wantRedirect(t, "/page")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}
