package caddywechat

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoginFailure_CallbackComesUnexpectedly(t *testing.T) {
	t.Parallel()
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
		}, returnsToPage(1, "logged_in")},
		{"again a second later", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.open(callback)
			w.advance(time.Second)
			return b.follow(callback)
		}, returnsToPage(1, "logged_in")},
		{"again after an hour, by Back", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.follow(callback)
			w.advance(time.Hour)
			return b.follow(callback)
		}, returnsToPage(1, "logged_in")},
		{"again, the session's cookie lost on the way", func(_ *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.open(callback)
			b.deleteCookie("wechat_session")
			return b.follow(callback)
		}, returnsToPage(1, "logged_in")},
		{"again after an hour, without a session", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.open(callback)
			b.deleteCookie("wechat_session")
			w.advance(time.Hour)
			return b.follow(callback)
		}, returnsToPage(2, "logged_in")},
		{"in another browser, from a shared link", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.open(callback)
			return w.browser(inWeChat).follow(callback)
		}, returnsToPage(2, "logged_in")},
		{"in another browser first", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			w.browser(inWeChat).open(callback)
			return b.follow(callback)
		}, returnsToPage(1, reasonNoAttempt)},
		{"without its attempt", func(_ *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.deleteCookies()
			return b.follow(callback)
		}, returnsToPage(1, reasonNoAttempt)},
		{"when its attempt has expired", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			w.advance(11 * time.Minute)
			return b.follow(callback)
		}, returnsToPage(1, reasonNoAttempt)},
		{"with a damaged attempt", func(_ *world, b *browser) response {
			callback := b.callbackFor("/page")
			b.changeCookies(func(c *http.Cookie) { c.Value = c.Value[:len(c.Value)-9] + "AAAAAAAAA" })
			return b.follow(callback)
		}, returnsToPage(1, reasonOtherKey)},
		{"with the attempt of another site", func(_ *world, b *browser) response {
			callback := b.callbackFor("/page")
			elsewhere := b.world.browser(inWeChat)
			elsewhere.open("http://shop.example.com/page").wantStatus(b.t, http.StatusFound)
			cookies := elsewhere.client.Jar.Cookies(&url.URL{Scheme: "http", Host: "shop.example.com", Path: "/"})
			b.deleteCookies()
			b.setCookies(cookies)
			return b.follow(callback)
		}, returnsToPage(1, reasonOtherKey)},
		{"after the configuration was reloaded", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			w.replaceSite("", sessionKey)
			return b.follow(callback)
		}, returnsToPage(1, "logged_in")},
		{"at an instance with another key", func(w *world, b *browser) response {
			callback := b.callbackFor("/page")
			w.replaceSite("", strings.ToUpper(sessionKey))
			return b.follow(callback)
		}, returnsToPage(1, reasonOtherKey)},
		{"in another order than the tabs", func(_ *world, b *browser) response {
			first, second := b.callbackFor("/first"), b.callbackFor("/page")
			b.open(second)
			b.open(first).wantRedirect(b.t, "/first")
			return b.follow(second)
		}, returnsToPage(2, "logged_in")},
		{"with a state that nobody made", func(_ *world, b *browser) response {
			return b.follow("/_wechat/callback?code=x&state=y&to=%2Fpage")
		}, returnsToPage(1, reasonNoAttempt)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			wantFailure(t, w, c.journey(w, w.browser(inWeChat)), c.want)
		})
	}
}

func TestLoginFailure_BrowserKeepsNoCookies(t *testing.T) {
	t.Parallel()
	t.Run("keeps no cookie", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.cookies = false
		a := b.follow("/page")
		wantFailure(t, w, a, loopDetected(0, 0, reasonNoAttempt))
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
		wantFailure(t, w, a, loopDetected(3, 0, "logged_in"))
	})
}
