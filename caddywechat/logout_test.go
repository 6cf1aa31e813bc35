package caddywechat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const fromThisSite = "Sec-Fetch-Site: same-origin"

func TestLogout_OfOneBrowser(t *testing.T) {
	t.Parallel()
	t.Run("ends the session here at once, and the attempts", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		b.open("/_wechat/login") // its attempt is still open
		kept := b.cookie("wechat_session")
		b.logout("").wantStatus(t, http.StatusOK)
		if names := b.cookieNames(); len(names) != 0 {
			t.Errorf("cookies: %v", names)
		}
		b.open("/").wantStatus(t, http.StatusFound)
		b.send("GET", "/_wechat/me", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
		b.open("/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusFound)
	})
	t.Run("redirects to return_to on this site", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		b.logout("?return_to=/bye%3Fa=1").wantRedirect(t, "/bye?a=1")
		b.logout("?return_to=//evil.example").wantRedirect(t, "/")
		if a := b.send("POST", "/_wechat/logout?return_to=/bye"); a.StatusCode != http.StatusSeeOther ||
			a.location() != "/bye" {
			t.Errorf("POST: %d %s", a.StatusCode, a.location())
		}
	})
	t.Run("a program's POST gets the page", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
	})
	t.Run("the page after the button can be reloaded", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		button := b.open("/_wechat/logout", "Sec-Fetch-Site: cross-site")
		if !strings.Contains(button.body, `action="/_wechat/logout?confirmed=1"`) {
			t.Fatalf("no button: %s", button.body)
		}
		a := b.send("POST", "/_wechat/logout?confirmed=1", "Sec-Fetch-Site: same-origin", "Accept: text/html")
		if a.StatusCode != http.StatusSeeOther || a.location() != "/_wechat/logout" {
			t.Fatalf("POST: %d %s", a.StatusCode, a.location())
		}
		a = b.open("/_wechat/logout", "Sec-Fetch-Site: same-origin")
		a.wantStatus(t, http.StatusOK)
		if !strings.Contains(a.body, `href="/_wechat/login?return_to=%2F"`) || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%v %s", a.Header, a.body)
		}
		b.open("/").wantStatus(t, http.StatusFound)
	})
	t.Run("without a session it sets nothing", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		if a := b.logout(""); a.Header.Get("Set-Cookie") != "" {
			t.Errorf("Set-Cookie: %s", a.Header.Get("Set-Cookie"))
		}
	})
	t.Run("not by requests that a browser makes by itself", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		here := "Referer: " + b.site("/forum")
		for name, headers := range map[string][]string{
			"an image": {
				"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image",
				"Accept: image/avif,*/*;q=0.8",
			},
			"an image, over http": {"Accept: image/avif,image/webp,*/*;q=0.8"},
			"a prefetched link": {
				"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
				"Sec-Purpose: prefetch;prerender", "Accept: text/html",
			},
			"an older prefetch":  {"Purpose: prefetch", "Accept: text/html"},
			"an older Firefox's": {"X-Moz: prefetch", "Accept: text/html"},
			"a fetch": {
				"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*",
			},
			"a frame": {
				"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe",
				"Accept: text/html",
			},
		} {
			a := b.send("GET", "/_wechat/logout", append(headers, here)...)
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Set-Cookie") != "" ||
				a.Header.Get("Allow") != "POST" {
				t.Errorf("%s: status %d, %v", name, a.StatusCode, a.Header)
			}
			b.open("/").wantStatus(t, http.StatusOK)
		}
	})
	t.Run("from another site it asks first", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		for _, header := range []string{
			"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null",
			"Referer: https://evil.example/", "Referer: http://h5.example.com.evil.example/",
			"X-Nothing: of the kind, as by a link over http",
		} {
			for _, method := range []string{"GET", "POST"} {
				if method == "POST" && (strings.HasPrefix(header, "Referer") || strings.HasPrefix(header, "X-")) {
					continue // every browser sends Origin with a POST
				}
				a := b.send(method, "/_wechat/logout?return_to=/bye", header, "Accept: text/html")
				a.wantStatus(t, http.StatusOK)
				if !strings.Contains(a.body, `action="/_wechat/logout?return_to=%2Fbye"`) ||
					a.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s %s: %s", method, header, a.body)
				}
			}
		}
		b.open("/").wantStatus(t, http.StatusOK)
		// The POST of the button.
		b.send("POST", "/_wechat/logout?return_to=%2Fbye", "Sec-Fetch-Site: same-origin", "Origin: null").
			wantStatus(t, http.StatusSeeOther)
		b.open("/").wantStatus(t, http.StatusFound)
	})
}

func TestLogout_EndsEverySessionOfTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	first := b.cookie("wechat_session")
	b.login("/_wechat/login?account=official_account")
	second := b.cookie("wechat_session")
	b.logout("", "Cookie: wechat_session="+first)
	for _, cookie := range []string{first, second} {
		w.browser(inWeChat).send("GET", "/_wechat/me", "Cookie: wechat_session="+cookie).
			wantStatus(t, http.StatusUnauthorized)
	}
}

func TestLogout_FindsTheSessionAmongPlantedCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	kept := b.cookie("wechat_session")
	planted := strings.Repeat("wechat_session=x; ", 6)
	b.send("POST", "/_wechat/logout", "Cookie: "+planted+"wechat_session="+kept)
	w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
}

// A logout of many sessions waits for the store as long as that of one.
func TestLogout_OfManySessionsWaitsOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for a store")
	}
	w := newWorld(t, "")
	hanging := new(hangingStore)
	w.storeOf(w.handler).use(func(s store.Store) store.Store {
		hanging.Store = s
		return hanging
	})
	var cookies []string
	for range 10 {
		b := w.browser(inWeChat)
		b.login("/")
		cookies = append(cookies, "wechat_session="+b.cookie("wechat_session"))
	}
	start := time.Now()
	w.browser(inWeChat).send("POST", "/_wechat/logout", "Cookie: "+strings.Join(cookies, "; ")).
		wantStatus(t, http.StatusOK)
	if took := time.Since(start); took > 1900*time.Millisecond || hanging.appends != 1 {
		t.Errorf("it took %s and %d calls", took, hanging.appends)
	}
	for _, cookie := range cookies {
		w.browser(inWeChat).send("GET", "/", "Cookie: "+cookie).wantStatus(t, http.StatusUnauthorized)
	}
}
