package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestChallenge_IsJSONWithoutANavigation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for name, send := range map[string]func() response{
		"fetch": func() response {
			return b.send("GET", "/api", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*")
		},
		"XHR":  func() response { return b.open("/api", "X-Requested-With: XMLHttpRequest") },
		"POST": func() response { return b.send("POST", "/api", "Accept: */*") },
		"form by a script": func() response {
			return b.send("POST", "/api", "Accept: text/html", "X-Requested-With: XMLHttpRequest")
		},
		"image": func() response {
			return b.send("GET", "/api", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")
		},
		"object":   func() response { return b.open("/api", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object") },
		"prefetch": func() response { return b.open("/api", "Sec-Purpose: prefetch;prerender") },
		"OPTIONS":  func() response { return b.send("OPTIONS", "/api", "Accept: text/html") },
		"WebSocket": func() response {
			return b.send("GET", "/api", "Connection: Upgrade", "Upgrade: websocket", "Accept: text/html")
		},
		"EventSource": func() response { return b.send("GET", "/api", "Accept: text/event-stream") },
		"outside WeChat": func() response {
			return w.browser(onDesktop).send("GET", "/api", "Accept: application/json")
		},
		"claims of health": func() response { return w.browser("kube-probe/1.30 GoogleHC/1.0").send("GET", "/api") },
	} {
		t.Run(name, func(t *testing.T) {
			a := send()
			m := a.wantJSON(t, http.StatusUnauthorized, "login_required")
			want := "/_wechat/login?return_to=%2Fapi"
			if name == "POST" || name == "form by a script" || name == "OPTIONS" {
				want = "/_wechat/login?return_to=%2F"
			}
			if m["login_url"] != want || m["request_id"] == "" || m["message"] == "" {
				t.Errorf("body: %s", a.body)
			}
			if a.Header.Get("Set-Cookie") != "" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("header: %v", a.Header)
			}
			if w.received() != nil {
				t.Error("it reached the app")
			}
		})
	}
	t.Run("login_url returns to the page that asked", func(t *testing.T) {
		for referer, want := range map[string]string{
			w.site("/page?a=1&b=2"):       "/_wechat/login?return_to=%2Fpage%3Fa%3D1%26b%3D2",
			"https://evil.example/page":   "/_wechat/login?return_to=%2Fapi",
			w.site("//evil.example"):      "/_wechat/login?return_to=%2F",
			w.site("/_wechat/logout"):     "/_wechat/login?return_to=%2F",
			"javascript:alert(1)":         "/_wechat/login?return_to=%2Fapi",
			"http://h5.example.com.evil/": "/_wechat/login?return_to=%2Fapi",
		} {
			if got := b.send("GET", "/api", "Referer: "+referer).json(t)["login_url"]; got != want {
				t.Errorf("%s: %s", referer, got)
			}
		}
	})
	t.Run("Android sends its app's name with navigations", func(t *testing.T) {
		b.open("/page", "X-Requested-With: com.tencent.mm").wantStatus(t, http.StatusFound)
	})
	t.Run("HEAD is a navigation too", func(t *testing.T) {
		b.send("HEAD", "/page", "Accept: text/html").wantStatus(t, http.StatusFound)
	})
}

func TestChallenge_OutsideWeChat(t *testing.T) {
	t.Parallel()
	t.Run("page", func(t *testing.T) {
		w := newWorld(t, "")
		for _, agent := range []string{onDesktop, onPhone, "", "curl/8"} {
			a := w.browser(agent).open("/orders?id=5&x=<script>")
			a.wantStatus(t, http.StatusForbidden)
			if !strings.Contains(a.body, "h5.example.com/orders?id=5&amp;x=") ||
				strings.Contains(a.body, "<script>&") || w.received() != nil {
				t.Errorf("%s: %s", agent, a.body)
			}
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("Set-Cookie: %s", a.Header.Get("Set-Cookie"))
			}
		}
	})
	t.Run("pass", func(t *testing.T) {
		w := newWorld(t, "outside_wechat pass")
		w.browser(onDesktop).open("/page").wantStatus(t, http.StatusOK)
		if got := w.received(); got.Header.Get("X-Wechat-User") != "" {
			t.Errorf("user %q", got.Header.Get("X-Wechat-User"))
		}
		w.browser(onDesktop).send("GET", "/logo.png", "Sec-Fetch-Dest: image").wantStatus(t, http.StatusOK)
		w.browser(inWeChat).open("/page").wantStatus(t, http.StatusFound)
	})
	t.Run("pass, with a changed User-Agent", func(t *testing.T) {
		w := newWorld(t, "outside_wechat pass\nuserinfo /vip/*")
		b := w.browser(inWeChat)
		b.login("/")
		w.received()
		b.agent = onDesktop
		b.open("/vip/").wantStatus(t, http.StatusForbidden)
		b.send("GET", "/vip/data").wantJSON(t, http.StatusUnauthorized, "profile_required")
		w.browser(onDesktop).open("/vip/").wantStatus(t, http.StatusForbidden)
		w.browser(onDesktop).send("GET", "/vip/data").wantJSON(t, http.StatusUnauthorized, "login_required")
		w.browser("").send("POST", "/vip/data").wantJSON(t, http.StatusUnauthorized, "login_required")
		if w.received() != nil {
			t.Error("a page that needs the profile was passed on")
		}
	})
	t.Run("a session opens in any browser", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		b.agent = onDesktop
		b.open("/page").wantStatus(t, http.StatusOK)
	})
}
