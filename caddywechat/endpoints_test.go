package caddywechat

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestOwnAddressesAreNeverPassedOn(t *testing.T) {
	w := makeWorld(t, "http", "/nothing", "public *")
	b := w.browser(inWeChat)
	for path, status := range map[string]int{
		"/_wechat": 404, "/_wechat/": 404, "/_wechat/nothing": 404, "/_wechat/me/": 404, "/_wechat/../x": 404, "/_wechat/ME": 404,
		"/_wechat/%6de": 401, "/%5fwechat/me": 401, "/_wechat/health": 200,
	} {
		if a := b.send("GET", path); a.StatusCode != status || w.received() != nil {
			t.Errorf("%s: status %d, want %d", path, a.StatusCode, status)
		}
	}
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/_wechat/login", "GET, HEAD"},
		{"HEAD", "/_wechat/callback", "GET"},
		{"PUT", "/_wechat/logout", "GET, POST"},
		{"DELETE", "/_wechat/me", "GET, HEAD"},
		{"OPTIONS", "/_wechat/health", "GET, HEAD"},
	} {
		a := b.send(c.method, c.path)
		if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != c.allow || w.received() != nil {
			t.Errorf("%s %s: status %d, Allow %q", c.method, c.path, a.StatusCode, a.Header.Get("Allow"))
		}
	}
	b.open("/_wechatx").wantStatus(t, http.StatusOK)
	b.open("/_WECHAT/me").wantStatus(t, http.StatusOK)
}

func TestPrefix(t *testing.T) {
	w := newWorld(t, "prefix /auth/wx")
	b := w.browser(inWeChat)
	if callback := b.toCallback("/page"); !strings.HasPrefix(callback, w.site("/auth/wx/callback?to=%2Fpage&")) {
		t.Fatalf("callback %s", callback)
	}
	b.login("/page")
	b.open("/auth/wx/me").wantStatus(t, http.StatusOK)
	b.open("/_wechat/me")
	if w.received() == nil {
		t.Error("/_wechat is the app's where the prefix is another")
	}
}

func TestMe(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.send("GET", "/_wechat/me").wantJSON(t, http.StatusUnauthorized, "login_required")
	b.login("/")
	a := b.send("GET", "/_wechat/me")
	want := map[string]string{
		"id": person, "openid": person, "account": "official_account", "app_id": simulator.DemoAppID, "scope": "snsapi_base",
		"expires_at": w.now().Add(7 * 24 * time.Hour).Truncate(time.Second).Format(time.RFC3339),
	}
	got := a.json(t)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("body: %s", a.body)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("header: %v", a.Header)
	}
}

func TestLogout(t *testing.T) {
	t.Run("ends the session here at once, and the attempts", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		b.open("/_wechat/login") // an attempt that is still open
		kept := b.cookie("wechat_session")
		b.logout("").wantStatus(t, http.StatusOK)
		if names := b.cookieNames(); len(names) != 0 {
			t.Errorf("cookies: %v", names)
		}
		b.open("/").wantStatus(t, http.StatusFound)
		b.send("GET", "/_wechat/me", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
		b.open("/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusFound)
	})
	t.Run("leads where it is told to on this site", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		b.logout("?return_to=/bye%3Fa=1").wantRedirect(t, "/bye?a=1")
		b.logout("?return_to=//evil.example").wantRedirect(t, "/")
		if a := b.send("POST", "/_wechat/logout?return_to=/bye"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/bye" {
			t.Errorf("POST: %d %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
	t.Run("a program's POST gets the page", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
	})
	t.Run("a page that a button leads to can be reloaded", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		button := b.open("/_wechat/logout", "Sec-Fetch-Site: cross-site")
		if !strings.Contains(button.body, `action="/_wechat/logout?confirmed=1"`) {
			t.Fatalf("no button: %s", button.body)
		}
		a := b.send("POST", "/_wechat/logout?confirmed=1", "Sec-Fetch-Site: same-origin", "Accept: text/html")
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/_wechat/logout" {
			t.Fatalf("POST: %d %s", a.StatusCode, a.Header.Get("Location"))
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
	t.Run("not by what a browser does by itself", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.login("/")
		here := "Referer: " + b.site("/forum")
		for name, headers := range map[string][]string{
			"an image":            {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: image/avif,*/*;q=0.8"},
			"an image, over http": {"Accept: image/avif,image/webp,*/*;q=0.8"},
			"a prefetched link":   {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Purpose: prefetch;prerender", "Accept: text/html"},
			"an older prefetch":   {"Purpose: prefetch", "Accept: text/html"},
			"an older Firefox's":  {"X-Moz: prefetch", "Accept: text/html"},
			"a fetch":             {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*"},
			"a frame":             {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Accept: text/html"},
		} {
			a := b.send("GET", "/_wechat/logout", append(headers, here)...)
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Set-Cookie") != "" || a.Header.Get("Allow") != "POST" {
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
			"Referer: https://evil.example/", "Referer: http://h5.example.com.evil.example/", "X-Nothing: of the kind, as by a link over http",
		} {
			for _, method := range []string{"GET", "POST"} {
				if method == "POST" && (strings.HasPrefix(header, "Referer") || strings.HasPrefix(header, "X-")) {
					continue // with a POST, every browser says where it comes from
				}
				a := b.send(method, "/_wechat/logout?return_to=/bye", header, "Accept: text/html")
				a.wantStatus(t, http.StatusOK)
				if !strings.Contains(a.body, `action="/_wechat/logout?return_to=%2Fbye"`) || a.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s %s: %s", method, header, a.body)
				}
			}
		}
		b.open("/").wantStatus(t, http.StatusOK)
		// The button's own POST.
		b.send("POST", "/_wechat/logout?return_to=%2Fbye", "Sec-Fetch-Site: same-origin", "Origin: null").wantStatus(t, http.StatusSeeOther)
		b.open("/").wantStatus(t, http.StatusFound)
	})
}

func TestLoginEndpoint(t *testing.T) {
	w := newWorld(t, "")
	for address, landing := range map[string]string{
		"/_wechat/login": "/",
		"/_wechat/login?return_to=/a%3Fb=1%26c%23/order/9?b=2": "/a?b=1&c#/order/9?b=2",
		"/_wechat/login?return_to=//evil.example":              "/",
		"/_wechat/login?return_to=https://evil.example":        "/",
		"/_wechat/login?return_to=/_wechat/logout":             "/",
		"/_wechat/login?return_to=/x/../_wechat/logout":        "/",
		"/_wechat/login?return_to=/x%250d%250aSet-Cookie:a=b":  "/x%0d%0aSet-Cookie:a=b",
		"/_wechat/login?return_to=/x%0d%0aSet-Cookie:a=b":      "/",
		"/_wechat/login?return_to=/%E5%95%86":                  "/%E5%95%86",
		"/_wechat/login?return_to=/{env.PATH}":                 "/{env.PATH}",
		"/_wechat/login?account=official_account":              "/",
	} {
		b := w.browser(inWeChat)
		b.open(b.toCallback(address)).wantRedirect(t, landing)
	}
	b := w.browser(inWeChat)
	b.send("GET", "/_wechat/login?account=nothing").wantJSON(t, http.StatusBadRequest, "bad_request")
	a := w.browser(onDesktop).open("/_wechat/login?return_to=/orders")
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "http://h5.example.com/orders") {
		t.Errorf("no address to open in WeChat: %s", a.body)
	}
}

func TestHealth(t *testing.T) {
	b := newWorld(t, "").browser("")
	a := b.send("GET", "/_wechat/health")
	a.wantStatus(t, http.StatusOK)
	if a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q %v", a.body, a.Header)
	}
}

func TestNoPageTellsSecretsOrReferers(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for _, path := range []string{"/_wechat/nothing", "/_wechat/callback?state=x", "/_wechat/login?account=" + url.QueryEscape("<script>")} {
		a := b.open(path)
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, a.Header)
		}
		if strings.Contains(a.body, simulator.DemoSecret) || strings.Contains(a.body, "<script>\"") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestMadeKey(t *testing.T) {
	for _, store := range []string{"store caddy", "store memory"} {
		w := newWorld(t, store)
		b := w.browser(inWeChat)
		b.login("/")
		if !slices.Contains(b.cookieNames(), "wechat_session") {
			t.Errorf("%s: no session", store)
		}
	}
}
