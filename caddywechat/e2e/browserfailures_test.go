package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestLogin_ExplainsThatCookiesAreNeeded(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	b := newTabAs(t, iPhone)
	b.open(s.url("/public"))
	b.keepCookies(false)
	b.open(s.url("/orders?id=5"))
	b.wantPage(http.StatusTooManyRequests, "登录没有成功")
	b.picture("login-no-cookies")
	if got := b.text("main p"); !strings.Contains(got, "Cookie") {
		t.Errorf("it says %s", got)
	}
	if got := len(b.askedFor(s.url("/_wechat/callback?"))); got != 3 {
		t.Errorf("%d logins", got)
	}
	b.follow("a.button") // which does not help yet, but is no dead end
	b.wantPage(http.StatusTooManyRequests, "登录没有成功")
	b.keepCookies(true)
	b.click("a.button")
	b.wantLanded(s.url("/orders?id=5"), person)
	b.wantNoConsoleErrors()
}

func TestLogin_EndsWhereWeChatRefusesEveryCode(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	fault := simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: 40029}
	if err := s.sim.Fault(fault); err != nil {
		t.Fatal(err)
	}
	b := newTabAs(t, harmonyOS)
	b.open(s.url("/orders"))
	b.wantPage(http.StatusTooManyRequests, "登入未成功")
	b.picture("login-refused")
	if got := b.text("main p"); strings.Contains(got, "Cookie") || !strings.Contains(got, "微信都沒有通過") {
		t.Errorf("it says %s", got)
	}
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != 3 {
		t.Errorf("%d logins", got)
	}
	s.sim.ClearFaults()
	b.click("a.button")
	b.wantLanded(s.url("/orders"), person)
	b.wantNoConsoleErrors()
}

func TestConsent_MayBeDeclinedAndGivenLater(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	s.quirks(simulator.Quirks{DenyRedirects: true})
	b := newTabAs(t, android)
	b.open(s.url("/profile?x=1"))
	b.wantPage(http.StatusOK, "使用微信登录")
	b.picture("login-consent-1-ask")
	b.click("a.button")
	b.click(`button[value="deny"]`)
	b.wantPage(http.StatusForbidden, "登录已取消")
	b.picture("login-declined")
	b.reload()
	b.wantPage(http.StatusForbidden, "登录已取消")
	b.click("a.button")
	b.wantPage(http.StatusOK, "使用微信登录")
	b.click("a.button")
	b.see(`button[value="allow"]`)
	b.picture("login-consent-2-wechat")
	b.click(`button[value="allow"]`)
	b.wantLanded(s.url("/profile?x=1"), person)
	if got := b.text("pre"); !strings.Contains(got, "X-Wechat-Nickname: %E5%B0%8F%E6%98%8E\n") {
		t.Errorf("the app got %s", got)
	}
	b.wantNoConsoleErrors()
}

func TestSnapshotPage_HasNothingToTap(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	s.quirks(simulator.Quirks{SnapshotPages: true})
	b := newTabAs(t, iPhone)
	b.open(s.url("/profile"))
	b.click("a.button")
	b.wantPage(http.StatusForbidden, "请点底部的“使用完整服务”")
	b.picture("login-snapshot")
	const controls = `document.querySelectorAll("a, button, input, form, summary, [onclick], [tabindex], script")`
	if got := evaluate[int](b, controls+".length"); got != 0 {
		t.Errorf("%d elements could be tapped", got)
	}
	// WeChat's own bar opens the page once more, as an ordinary one.
	s.quirks(simulator.Quirks{})
	b.open(s.url("/profile"))
	b.click("a.button")
	b.click(`button[value="allow"]`)
	b.wantLanded(s.url("/profile"), person)
	b.wantNoConsoleErrors()
}

func TestConsent_IsAskedOnce(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	b := newTabAs(t, windows)
	b.open(s.url("/orders"))
	b.wantLanded(s.url("/orders"), person)
	b.open(s.url("/profile"))
	b.wantPage(http.StatusOK, "使用微信登录")
	b.picture("login-consent-wide")
	b.back() // not now
	b.wantLanded(s.url("/orders"), person)
	b.open(s.url("/profile"))
	b.click("a.button")
	b.click(`button[value="allow"]`)
	b.wantLanded(s.url("/profile"), person)
	b.open(s.url("/profile?again"))
	b.wantLanded(s.url("/profile?again"), person) // asked once
	b.wantNoConsoleErrors()
}

func TestLogout_FromAnotherSiteIsConfirmed(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><a href="%s">退出</a><img src="%[1]s" alt="">`,
			s.url("/_wechat/logout"))
	}))
	t.Cleanup(elsewhere.Close)
	b := newTabAs(t, iPhone)
	b.open(s.url("/orders"))
	b.wantLanded(s.url("/orders"), person)
	b.open(elsewhere.URL)
	b.click("a")
	b.wantPage(http.StatusOK, "要退出登录吗？")
	b.picture("login-logout-1-confirm")
	b.open(s.url("/orders")) // neither the picture nor the link logged out
	b.wantLanded(s.url("/orders"), person)
	if got := len(b.askedFor(s.simURL)); got != 1 {
		t.Errorf("the visitor was sent to WeChat %d times", got)
	}
	b.back()
	b.click("button")
	b.wantPage(http.StatusOK, "已退出登录")
	b.picture("login-logout-2-done")
	b.open(s.url("/public"))
	b.back()
	b.wantPage(http.StatusOK, "已退出登录")
	b.click("a.button")
	b.wantLanded(s.url("/"), person)
	b.wantNoConsoleErrors()
}
