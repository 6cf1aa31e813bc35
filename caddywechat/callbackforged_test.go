package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

func TestCallback_OnlyNavigationsCount(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{
		"an image":          {"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: cross-site"},
		"a fetch":           {"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"XMLHttpRequest":    {"X-Requested-With: XMLHttpRequest"},
		"a prefetch":        {"Sec-Purpose: prefetch", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"a script's import": {"Sec-Fetch-Dest: script"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			callback := b.callbackFor("/page")
			for i := range 10 {
				a := b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), headers...)
				m := a.wantJSON(t, http.StatusUnauthorized, "login_required")
				if m["login_url"] != "/_wechat/login?return_to=%2Fpage" {
					t.Errorf("login_url %s", m["login_url"])
				}
				if got := a.Header["Set-Cookie"]; got != nil {
					t.Fatalf("Set-Cookie: %s", got)
				}
			}
			// Neither is the browser's own attempt spent, nor deleted.
			b.open(callback, headers...).wantStatus(t, http.StatusUnauthorized)
			b.open(withoutCode(callback), headers...).wantStatus(t, http.StatusUnauthorized)
			if n := w.exchanges(); n != 0 {
				t.Errorf("%d exchanges", n)
			}
			b.open(callback).wantRedirect(t, "/page")
			// With a session it redirects to the page, and does not count as a repetition.
			for range 6 {
				b.open(callback, headers...).wantRedirect(t, "/page")
			}
			b.open(callback).wantRedirect(t, "/page")
		})
	}
	t.Run("a request without fetch metadata starts no login", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		for range 5 {
			a := b.send("GET", "/_wechat/callback?code=x&state=forged&to=/page", "Accept: */*")
			if a.wantJSON(t, http.StatusUnauthorized, "login_required"); a.Header["Set-Cookie"] != nil {
				t.Fatalf("Set-Cookie: %s", a.Header["Set-Cookie"])
			}
		}
		b.send("GET", b.callbackFor("/page"), "Accept: */*").wantRedirect(t, "/page")
	})
	t.Run("a service worker may return", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.open(b.callbackFor("/page"), "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty").wantRedirect(t, "/page")
	})
	t.Run("a frame may return, and starts no login", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		frame := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}
		if a := b.open("/_wechat/callback?code=x&state=forged", frame...); a.StatusCode != http.StatusUnauthorized ||
			a.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, cookies %s", a.StatusCode, a.Header["Set-Cookie"])
		}
		b.open(b.callbackFor("/page"), frame...).wantRedirect(t, "/page")
	})
}

// Whatever another site makes a browser request, the page at the end has a button that works.
func TestCallback_ForgedByAnotherSite(t *testing.T) {
	t.Parallel()
	popup := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	t.Run("with a session they redirect to the page", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		for i := range 10 {
			b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), popup...).
				wantRedirect(t, "/page")
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
	t.Run("without one a click is enough", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		own, other := b.callbackFor("/own"), b.callbackFor("/other")
		var a response
		for i := range 3 {
			a = b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), popup...)
		}
		a.wantStatus(t, http.StatusTooManyRequests)
		b.open(own).wantRedirect(t, "/own") // a login under way continues
		b.open(other).wantRedirect(t, "/other")
		b.deleteCookie("wechat_session")
		if n, end := b.followWith(retryLink(t, a), unchanged); n != 1 || end.body != "app "+person {
			t.Errorf("status %d after %d callbacks", end.StatusCode, n)
		}
	})
	t.Run("restarts of another browser do not count", func(t *testing.T) {
		w := newWorld(t, "")
		attacker, victim := w.browser(inWeChat), w.browser(inWeChat)
		attacker.cookies = false
		state := ""
		keepState := func(callback string) string {
			u, _ := url.Parse(callback)
			state = u.Query().Get("state")
			return callback
		}
		attacker.followWith("/page", keepState) // the last state has been through two restarts
		victim.open("/page")                    // this browser keeps cookies
		victim.open("/_wechat/callback?code=x&to=/page&state="+state, popup...).wantStatus(t, http.StatusFound)
		victim.open("/_wechat/callback?code=x&to=/page&state="+state, popup...).wantStatus(t, http.StatusFound)
	})
	t.Run("eight logins in popups, with long addresses", func(t *testing.T) {
		w := makeWorld(t, "https", "", "")
		b := w.browser(inWeChat)
		b.login("/")
		for i := range 8 {
			b.open(fmt.Sprintf("/_wechat/login?account=official_account&return_to=%s%%26%d",
				url.QueryEscape(longPath(1980)), i), popup...).
				wantStatus(t, http.StatusFound).wantSmallHeader(t)
			b.wantSmallRequests()
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
}
