package e2e

import (
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newBrowserSite starts a Caddy that a real browser reaches as localhost, and that takes every browser for WeChat's.
func newBrowserSite(t *testing.T, options, app string) *site {
	t.Helper()
	return newSiteAt(t, "http", "localhost", `route {
		request_header User-Agent MicroMessenger
		wechat_auth {
			{account}
			`+options+`
		}
		`+app+`
	}`, true)
}

func TestKeepFragment_KeepsAHashRoute(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	s := newBrowserSite(t, "keep_fragment", `header Content-Type "text/html; charset=utf-8"
	respond "<link rel=icon href=data:,><p id=hash></p><p id=user>{http.auth.user.id}</p>`+
		`<script>hash.textContent = location.pathname + location.search + location.hash</script>"`)
	b.open(s.url("/app?x=1#/order/9?b=2"))
	if got, want := b.text("#hash"), "/app?x=1#/order/9?b=2"; got != want {
		t.Errorf("ended at %s, want %s", got, want)
	}
	if got := b.text("#user"); got != simulator.OpenID(simulator.DemoAppID, "xiaoming") {
		t.Errorf("as %s", got)
	}
	b.wantNoConsoleErrors()
}

func TestConsent_IsGivenInABrowser(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	s := newBrowserSite(t, "userinfo /profile", `header Content-Type "text/html; charset=utf-8"
	respond "<link rel=icon href=data:,><p id=name>{http.auth.user.nickname}</p>"`)
	b.open(s.url("/"))
	if got := b.text("#name"); got != "" {
		t.Errorf("a silent visitor is called %s", got)
	}
	b.open(s.url("/profile"))
	b.picture("consent-1-ask")
	b.click("a.button")
	b.see(`input[value="afang"]`)
	b.picture("consent-2-wechat")
	b.click(`input[value="afang"]`)
	b.click(`button[value="allow"]`)
	if got := b.text("#name"); got != "阿芳" {
		t.Errorf("the visitor is called %s", got)
	}
	if at := b.address(); at != s.url("/profile") {
		t.Errorf("ended at %s", at)
	}
	b.wantNoConsoleErrors()
}
