package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// spa is examples/single-page-app in a browser.
type spa struct {
	*tab
	front, sim string
}

func newSPA(t *testing.T, changes ...string) *spa {
	t.Helper()
	b := newTab(t)
	_, front, sim := startLaptop(t, "single-page-app", freeport.Get(t), changes...)
	return &spa{b, front, sim}
}

// wantText waits until an element's text contains words.
func (s *spa) wantText(id, words string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("document.getElementById(%q)?.innerText.includes(%q)", id, words))
}

// wantRoute checks where the browser is. A route in the path may have a bare # behind it.
func (s *spa) wantRoute(route string) {
	s.t.Helper()
	if got := strings.TrimSuffix(s.address(), "#"); got != s.front+route {
		s.t.Errorf("it is at %s, want %s", got, s.front+route)
	}
}

// wantLogins checks how often the visitor was sent to WeChat.
func (s *spa) wantLogins(want int) {
	s.t.Helper()
	if got := len(s.askedFor(s.sim + "/connect/oauth2/authorize")); got != want {
		s.t.Errorf("%d logins, want %d", got, want)
	}
}

// wantNoConsoleErrors knows which requests are refused before a login.
func (s *spa) wantNoConsoleErrors() {
	s.t.Helper()
	s.tab.wantNoConsoleErrors(s.front+"/_wechat/me", s.front+"/api/orders/7", s.front+"/api/orders/9",
		s.front+"/api/orders/7/confirm", s.front+"/api/nickname")
}

// endSession ends the session unseen by the page.
func (s *spa) endSession() { s.t.Helper(); s.do(call(network.ClearBrowserCookies, cdp.Empty{})) }

func TestSinglePageApp_LogsInOnItsRoutes(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{"hash": "/#", "path": "/shop"} {
		t.Run(name, func(t *testing.T) {
			s := newSPA(t)
			s.open(s.front + page + "/orders/9")
			s.wantText("order", "9: "+person)
			s.wantText("who", person)
			s.wantText("until", "20")
			s.wantRoute(page + "/orders/9")
			s.wantLogins(1)
			if got := len(ask(s.tab, chromedp.NavigationEntries()).Entries); got != 2 {
				t.Errorf("the login left %d pages in the history", got-2)
			}

			s.click(`a[href$="/orders/7"]`)
			s.wantText("order", "7: "+person)
			s.back()
			s.wantText("order", "9: "+person)
			s.wantLogins(1)

			s.endSession()
			s.click(`a[href$="/orders/7"]`)
			s.wantText("order", "7: "+person)
			s.wantRoute(page + "/orders/7")
			s.wantLogins(2)

			s.endSession()
			s.follow("#confirm")
			s.wantText("order", "7: "+person)
			s.wantRoute(page + "/orders/7")
			s.wantLogins(3)
			s.click("#confirm")
			s.wantText("order", "confirmed: 7")

			s.click("#ask")
			s.click("a.button")
			s.click(`button[value="allow"]`)
			s.wantText("who", "小明")
			s.wantText("order", "7: "+person)
			s.wantRoute(page + "/orders/7")
			s.picture("login-spa-" + name)
			s.reload()
			s.wantText("who", "小明")
			s.wantLogins(4)
			s.wantNoConsoleErrors()
		})
	}
}

func TestSinglePageApp_AsksForTheProfileAgain(t *testing.T) {
	t.Parallel()
	s := newSPA(t)
	s.open(s.front + "/#/orders/9")
	s.wantText("order", "9: "+person)
	s.follow("#ask") // to our page with a button
	s.back()         // not now
	s.wantText("order", "9: "+person)
	s.wantRoute("/#/orders/9")
	s.follow("#ask")
	s.follow("a.button")
	s.follow(`button[value="allow"]`)
	s.wantText("who", "小明")
	s.wantRoute("/#/orders/9")
	s.wantNoConsoleErrors()
}

func TestSinglePageApp_KnowsWhenTheSessionEnds(t *testing.T) {
	t.Parallel()
	s := newSPA(t, "public @shell", "public @shell\n\t\tsession {\n\t\t\tlifetime 3s\n\t\t}")
	s.open(s.front + "/#/orders/9")
	s.wantText("order", "9: "+person)
	s.wantText("who", "没有人 nobody")
	s.wantLogins(1)
	s.click(`a[href$="/orders/7"]`)
	s.wantText("order", "7: "+person)
	s.wantRoute("/#/orders/7")
	s.wantNoConsoleErrors()
}

// An API that never lets anybody in must not send the browser to WeChat for ever.
func TestSinglePageApp_DoesNotLoop(t *testing.T) {
	t.Parallel()
	const order = "`{\"order\":\"{re.1}\",\"user\":\"{header.X-Wechat-User}\"}`"
	s := newSPA(t, order, "`{\"error\":\"login_required\",\"login_url\":\"/_wechat/login\"}` 401")
	s.open(s.front + "/#/orders/9")
	s.wantText("reason", "still not let in")
	s.wantRoute("/#/orders/9")
	s.wantLogins(1)
	s.picture("login-spa-refused")
	s.follow("#again")
	s.wantText("reason", "still not let in")
	s.wantLogins(1) // the session is there: the login returns at once
	s.wantNoConsoleErrors()

	// What the app itself refuses is no matter of logins.
	s = newSPA(t, order, "401")
	s.open(s.front + "/#/orders/9")
	s.wantText("reason", "/api/orders/9: 401")
	s.wantLogins(1)
	s.reload()
	s.wantText("reason", "/api/orders/9: 401")
	s.wantLogins(1)
	s.wantNoConsoleErrors()
}

func TestSinglePageApp_OutsideWeChatShowsItsAddress(t *testing.T) {
	t.Parallel()
	s := newSPA(t, "\trequest_header User-Agent \"MicroMessenger\"\n", "")
	s.tab = newTabAs(t, phoneBrowser)
	s.open(s.front + "/#/orders/9")
	s.wantPage(http.StatusForbidden, "请在微信中打开")
	if got := s.text("#address"); got != s.front+"/#/orders/9" {
		t.Errorf("it shows %s", got)
	}
	s.wantNoConsoleErrors()
}

func TestSinglePageApp_WithoutCookiesExplains(t *testing.T) {
	t.Parallel()
	s := newSPA(t)
	s.open(s.front)
	s.keepCookies(false)
	s.open(s.front + "/#/orders/9")
	s.wantPage(http.StatusTooManyRequests, "登录没有成功")
	s.keepCookies(true)
	s.follow("a.button")
	s.wantText("order", "9: "+person)
	s.wantRoute("/#/orders/9")
	s.wantNoConsoleErrors()
}

func TestSinglePageApp_InProductionServesItsRoutes(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(root + "examples/single-page-app/app")
	if err != nil {
		t.Fatal(err)
	}
	s := newExample(t, "single-page-app", "ROOT="+folder)
	v := s.visitor()
	for path, words := range map[string]string{
		"/": `href="#/orders/9"`, "/shop/orders/9": `href="/shop/orders/9"`, "/shop/": `href="/shop/orders/9"`,
		"/login.js": "export async function api",
	} {
		if a := v.open(path); a.StatusCode != http.StatusOK || !strings.Contains(a.Text, words) {
			t.Errorf("%s: status %d: %s", path, a.StatusCode, a.Text)
		}
	}
	for _, path := range []string{
		"/api/orders/9", "/api/", "/shop/../api/orders/9", "/shop/..%2Fapi/orders/9",
		"/other",
	} {
		if a := v.request("GET", path, ""); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d: %s", path, a.StatusCode, a.Text)
		}
	}
	v.login("/api/orders/9")
	if a := v.request("GET", "/api/nickname", ""); a.StatusCode != http.StatusUnauthorized ||
		!strings.Contains(a.Text, "profile_required") {
		t.Errorf("the profile: status %d: %s", a.StatusCode, a.Text)
	}
}
