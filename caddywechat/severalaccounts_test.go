package caddywechat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newSeveralAccountsWorld makes a site with an official account, a website, a mini-program and a mobile app of one
// company.
func newSeveralAccountsWorld(t *testing.T, options string) *world {
	t.Helper()
	const company = simulator.DemoOpenPlatform
	w := newWorldWith(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{{
			AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host,
			OpenPlatform: company,
		}},
		Websites: []simulator.WebsiteApp{{
			AppID: simulator.DemoWebsiteAppID, Secret: simulator.DemoWebsiteSecret,
			Domain: host, OpenPlatform: company,
		}},
	})
	w.handler = w.newHandler(officialAccount, websiteAccount, miniProgramAccount, mobileAppAccount, options)
	return w
}

func TestUserID_IsTheSameInSeveralAccounts(t *testing.T) {
	t.Parallel()
	w := newSeveralAccountsWorld(t, "user_id unionid\nuserinfo /profile")
	want := simulator.UnionID(simulator.DemoOpenPlatform, "xiaoming")
	appID := map[string]string{
		"official_account": simulator.DemoAppID, "website": simulator.DemoWebsiteAppID,
		"mini_program": simulator.DemoMiniProgramAppID, "mobile_app": simulator.DemoMobileAppID,
	}
	// check requests a page: the app gets the same person with every account, and the openid of this account.
	check := func(kind string, b *browser, headers ...string) {
		t.Helper()
		w.received()
		b.send("GET", "/page", headers...).wantStatus(t, http.StatusOK)
		h := w.received().Header
		for name, value := range map[string]string{
			"X-Wechat-User": want, "X-Wechat-Unionid": want, "X-Wechat-Account": kind, "X-Wechat-Appid": appID[kind],
			"X-Wechat-Openid": simulator.OpenID(appID[kind], "xiaoming"),
		} {
			if h.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", kind, name, h.Get(name), value)
			}
		}
	}
	inside := w.browser(inWeChat)
	if a := inside.followConsenting("/page"); a.StatusCode != http.StatusOK {
		t.Fatalf("inside WeChat: status %d: %s", a.StatusCode, a.body)
	}
	check("official_account", inside)

	desktop := w.browser(onDesktop)
	authorize := desktop.open("/page?x=1").location()
	if !strings.HasPrefix(authorize,
		w.simURL+"/connect/qrconnect?appid="+simulator.DemoWebsiteAppID+"&redirect_uri=") ||
		!strings.HasSuffix(authorize, "#wechat_redirect") {
		t.Fatalf("a desktop is sent to %s", authorize)
	}
	desktop.open(desktop.scan(authorize, "xiaoming", "allow")).wantRedirect(t, "/page?x=1")
	check("website", desktop)
	desktop.open("/profile").wantStatus(t, http.StatusOK) // a scan brings the profile

	program := w.browser("a program")
	code := w.miniProgramCode("xiaoming")
	login := program.loginProgram("mini_program", code)
	if login.User != want || login.OpenID == "" {
		t.Errorf("the mini-program's person is %+v", login)
	}
	check("mini_program", program, "Authorization: Bearer "+login.Token)
	program.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`).wantJSON(t, http.StatusConflict, "code_used")

	code, err := w.sim.MobileAppLogin(simulator.DemoMobileAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	login = program.loginProgram("mobile_app", code)
	if login.User != want || login.OpenID == "" {
		t.Errorf("the mobile app's person is %+v", login)
	}
	check("mobile_app", program, "X-Wechat-Token: "+login.Token)
}

func TestQRCodeLogin_Declined(t *testing.T) {
	t.Parallel()
	w := newSeveralAccountsWorld(t, "user_id qualified")
	b := w.browser(onDesktop)
	a := b.open(b.scan(b.open("/page").location(), "emma", "deny"))
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "登录已取消") {
		t.Errorf("got %s", a.body)
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
}

func TestAccounts_SessionOfAnUnconfiguredOneDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newSeveralAccountsWorld(t, "user_id qualified")
	b := w.browser(onDesktop)
	b.open(b.scan(b.open("/page").location(), "emma", "allow")).wantRedirect(t, "/page")
	b.send("GET", "/page").wantStatus(t, http.StatusOK)
	w.replaceSite("user_id qualified", sessionKey) // with the official account only
	b.send("GET", "/page").wantStatus(t, http.StatusUnauthorized)
}
