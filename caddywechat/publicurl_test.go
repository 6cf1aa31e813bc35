package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestPublicURL_RedirectsOtherHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public_url http://h5.example.com\npublic /open")
	b := w.browser(inWeChat)
	t.Run("a navigation on another host first goes there", func(t *testing.T) {
		b.open("http://www.example/page?a=1").wantRedirect(t, "http://h5.example.com/page?a=1")
		b = w.browser(inWeChat)
		b.open("http://www.example/_wechat/login?return_to=/x").
			wantRedirect(t, "http://h5.example.com/_wechat/login?return_to=/x")
		b.open("http://www.example/open").wantStatus(t, http.StatusOK)
	})
	t.Run("a proxy that changes the Host is no other host", func(t *testing.T) {
		b := w.browser(inWeChat)
		a := b.open("http://backend.example/page")
		a.wantRedirect(t, "http://h5.example.com/page")
		a = b.open("http://backend.example/page") // the browser was on the public host all the time, and has its cookie
		if !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("Location: %s", a.location())
		}
	})
	t.Run("the callback is there", func(t *testing.T) {
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		if !strings.HasPrefix(callback, "http://h5.example.com/_wechat/callback?to=%2Fpage&code=") {
			t.Errorf("callback %s", callback)
		}
	})
}
