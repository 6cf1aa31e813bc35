package caddywechat

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestEndpoints_AreNeverPassedOn(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "http", "/nothing", "public *")
	b := w.browser(inWeChat)
	for path, status := range map[string]int{
		"/_wechat": 404, "/_wechat/": 404, "/_wechat/nothing": 404, "/_wechat/me/": 404, "/_wechat/../x": 404,
		"/_wechat/ME":   404,
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

func TestEndpoints_MoveWithThePrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "prefix /auth/wx")
	b := w.browser(inWeChat)
	if callback := b.callbackFor("/page"); !strings.HasPrefix(callback, w.site("/auth/wx/callback?to=%2Fpage&")) {
		t.Fatalf("callback %s", callback)
	}
	b.login("/page")
	b.open("/auth/wx/me").wantStatus(t, http.StatusOK)
	b.open("/_wechat/me")
	if w.received() == nil {
		t.Error("/_wechat is the app's where the prefix is another")
	}
}

func TestMe_ReturnsTheIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.send("GET", "/_wechat/me").wantJSON(t, http.StatusUnauthorized, "login_required")
	b.login("/")
	a := b.send("GET", "/_wechat/me")
	want := map[string]string{
		"id": person, "openid": person, "account": "official_account", "app_id": simulator.DemoAppID,
		"scope":      "snsapi_base",
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

func TestLoginEndpoint_ReturnsToSafeTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for address, target := range map[string]string{
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
		b.open(b.callbackFor(address)).wantRedirect(t, target)
	}
	b := w.browser(inWeChat)
	b.send("GET", "/_wechat/login?account=nothing").wantJSON(t, http.StatusBadRequest, "bad_request")
	a := w.browser(onDesktop).open("/_wechat/login?return_to=/orders")
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "http://h5.example.com/orders") {
		t.Errorf("no address to open in WeChat: %s", a.body)
	}
}

func TestHealth_IsOK(t *testing.T) {
	t.Parallel()
	b := newWorld(t, "").browser("")
	a := b.send("GET", "/_wechat/health")
	a.wantStatus(t, http.StatusOK)
	if a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q %v", a.body, a.Header)
	}
}

func TestEndpoints_RevealNoSecretsOrReferrers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for _, path := range []string{
		"/_wechat/nothing", "/_wechat/callback?state=x",
		"/_wechat/login?account=" + url.QueryEscape("<script>"),
	} {
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

func TestLoginEndpoint_RedirectsWhereTheSessionSuffices(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "snapshot allow", "userinfo /profile")
	b := w.browser(inWeChat)
	b.login("/")
	for address, target := range map[string]string{
		"/_wechat/login?return_to=/page%3Fx%3D1%23/a": "/page?x=1#/a",
		"/_wechat/login": "/",
		"/_wechat/login?return_to=//evil.example": "/",
		"/_wechat/login?scan=1&return_to=/page":   "/page",
		"/_wechat/login?account=&return_to=/page": "/page",
	} {
		a := b.open(address)
		a.wantRedirect(t, target)
		if a.Header["Set-Cookie"] != nil {
			t.Errorf("%s: Set-Cookie %s", address, a.Header["Set-Cookie"])
		}
	}
	t.Run("what the session lacks is requested", func(t *testing.T) {
		authorize := consentPage(t, b.open("/_wechat/login?profile=1&return_to=/page"))
		b.open(b.consent(authorize, "allow")).wantRedirect(t, "/page")
		b.open("/_wechat/login?profile=1&return_to=/page").wantRedirect(t, "/page")
	})
	t.Run("a snapshot's session does not suffice", func(t *testing.T) {
		visitor := w.browser(inWeChat)
		visitor.open(visitor.consent(consentPage(t, visitor.open("/_wechat/login?profile=1")), "snapshot")).
			wantStatus(t, http.StatusFound)
		visitor.open("/").wantStatus(t, http.StatusOK)
		if a := visitor.open("/_wechat/login"); !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("status %d to %s", a.StatusCode, a.location())
		}
	})
	t.Run("after a logout a login starts", func(t *testing.T) {
		b.logout("")
		if a := b.open("/_wechat/login"); !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("status %d to %s", a.StatusCode, a.location())
		}
	})
}
