package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newFamilyWorld makes a site whose people come by an official account, a website, a mini-program and a mobile app of one
// company.
func newFamilyWorld(t *testing.T, options string) *world {
	t.Helper()
	const company = simulator.DemoOpenPlatform
	w := newWorldWith(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host, OpenPlatform: company}},
		Websites: []simulator.WebsiteApp{{AppID: simulator.DemoWebsiteAppID, Secret: simulator.DemoWebsiteSecret, Domain: host, OpenPlatform: company}},
	})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nwebsite %s %s\nmini_program %s %s\nmobile_app %s %s\nplatform %s\n%s\n}",
		simulator.DemoAppID, simulator.DemoSecret, simulator.DemoWebsiteAppID, simulator.DemoWebsiteSecret,
		simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret, simulator.DemoMobileAppID, simulator.DemoMobileAppSecret, w.simURL, options))
	return w
}

var (
	shownCode  = regexp.MustCompile(`/qrcode/(\w+)"`)
	polledCode = regexp.MustCompile(`wx_errcode=(\d+);window.wx_code='(\w*)'`)
)

// scan lets somebody scan the QR code of the page at authorize, and returns the callback's address.
func (b *browser) scan(authorize, personID, answer string) string {
	b.t.Helper()
	page := b.open(authorize).wantStatus(b.t, http.StatusOK)
	match := shownCode.FindStringSubmatch(page.body)
	if match == nil {
		b.t.Fatalf("no QR code: %s", page.body)
	}
	res, err := http.PostForm(b.simURL+"/connect/confirm", url.Values{"uuid": {match[1]}, "answer": {answer}, "person": {personID}})
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	u, err := url.Parse(authorize)
	if err != nil {
		b.t.Fatal(err)
	}
	callback := u.Query().Get("redirect_uri") + "&"
	if told := polledCode.FindStringSubmatch(b.open(b.simURL + "/connect/l/qrconnect?uuid=" + match[1]).body); answer == "allow" {
		if told == nil || told[1] != "405" {
			b.t.Fatalf("the page is told %v", told)
		}
		callback += "code=" + told[2] + "&"
	}
	return callback + "state=" + u.Query().Get("state")
}

// programToken logs a program in, and returns its token and as whom.
func (b *browser) programToken(kind, code string) (token, user string) {
	b.t.Helper()
	var got struct{ Token, User, OpenID string }
	a := b.post("/_wechat/"+kind+"/login", `{"code":"`+code+`"}`).wantStatus(b.t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		b.t.Fatal(err)
	}
	if got.User == "" || got.OpenID == "" {
		b.t.Errorf("got %s", a.body)
	}
	return got.Token, got.User
}

func TestOnePersonOneIDEverywhere(t *testing.T) {
	w := newFamilyWorld(t, "user_id unionid\nuserinfo /profile")
	want := simulator.UnionID(simulator.DemoOpenPlatform, "xiaoming")
	appID := map[string]string{
		"official_account": simulator.DemoAppID, "website": simulator.DemoWebsiteAppID,
		"mini_program": simulator.DemoMiniProgramAppID, "mobile_app": simulator.DemoMobileAppID,
	}
	// check asks for a page, and looks at what the app gets: the person is one, the openid that of this account.
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
	if a := inside.walkConsent("/page"); a.StatusCode != http.StatusOK {
		t.Fatalf("inside WeChat: status %d: %s", a.StatusCode, a.body)
	}
	check("official_account", inside)

	desktop := w.browser(onDesktop)
	authorize := desktop.open("/page?x=1").Header.Get("Location")
	if !strings.HasPrefix(authorize, w.simURL+"/connect/qrconnect?appid="+simulator.DemoWebsiteAppID+"&redirect_uri=") || !strings.HasSuffix(authorize, "#wechat_redirect") {
		t.Fatalf("a desktop is sent to %s", authorize)
	}
	desktop.open(desktop.scan(authorize, "xiaoming", "allow")).wantRedirect(t, "/page?x=1")
	check("website", desktop)
	desktop.open("/profile").wantStatus(t, http.StatusOK) // a scan brings the profile

	program := w.browser("a program")
	code, err := w.sim.MiniProgramLogin(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	token, user := program.programToken("mini_program", code)
	if user != want {
		t.Errorf("the mini-program's person is %s", user)
	}
	check("mini_program", program, "Authorization: Bearer "+token)
	program.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`).wantJSON(t, http.StatusConflict, "code_used")

	if code, err = w.sim.MobileAppLogin(simulator.DemoMobileAppID, "xiaoming"); err != nil {
		t.Fatal(err)
	}
	token, _ = program.programToken("mobile_app", code)
	check("mobile_app", program, "X-Wechat-Token: "+token)
}

// walkConsent goes on as a visitor does who presses the button of our page and allows what WeChat asks.
func (b *browser) walkConsent(address string) answer {
	b.t.Helper()
	a := b.walk(address)
	if match := buttonLink.FindStringSubmatch(a.body); match != nil {
		return b.walk(b.agree(strings.ReplaceAll(match[1], "&amp;", "&"), "allow"))
	}
	return a
}

func TestAQRLoginThatIsRefused(t *testing.T) {
	w := newFamilyWorld(t, "user_id qualified")
	b := w.browser(onDesktop)
	a := b.open(b.scan(b.open("/page").Header.Get("Location"), "emma", "deny"))
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "登录已取消") {
		t.Errorf("got %s", a.body)
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
}

func TestASessionOfAnAccountThatIsNotNamedIsNone(t *testing.T) {
	w := newFamilyWorld(t, "user_id qualified")
	b := w.browser(onDesktop)
	b.open(b.scan(b.open("/page").Header.Get("Location"), "emma", "allow")).wantRedirect(t, "/page")
	b.send("GET", "/page").wantStatus(t, http.StatusOK)
	w.replace("user_id qualified", sessionKey) // the official account alone
	b.send("GET", "/page").wantStatus(t, http.StatusUnauthorized)
}

func TestWhatAMiniProgramMayAsk(t *testing.T) {
	w := newFamilyWorld(t, "user_id unionid")
	b := w.browser("a program")
	code, err := w.sim.MiniProgramLogin(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	token, _ := b.programToken("mini_program", code)
	bearer := "Authorization: Bearer " + token
	info, err := w.sim.MiniProgramUserInfo(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	var decrypted map[string]any
	a := b.post("/_wechat/mini_program/decrypt", string(order), bearer).wantStatus(t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &decrypted); err != nil || decrypted["openId"] != simulator.OpenID(simulator.DemoMiniProgramAppID, "xiaoming") {
		t.Errorf("%v: %s", err, a.body)
	}
	phone, err := w.sim.MiniProgramPhone(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.post("/_wechat/mini_program/phone", `{"code":"`+phone+`"}`, bearer).wantStatus(t, http.StatusOK).json(t); got["countryCode"] != "86" || got["purePhoneNumber"] == "" {
		t.Errorf("got %v", got)
	}
	if _, err := w.sim.MiniProgramLogin(simulator.DemoMiniProgramAppID, "xiaoming"); err != nil {
		t.Fatal(err)
	}
	// Another login gave the person another key: what is encrypted with that does not open with the one that we have.
	newer, err := w.sim.MiniProgramUserInfo(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	if order, err = json.Marshal(newer); err != nil {
		t.Fatal(err)
	}
	b.post("/_wechat/mini_program/decrypt", string(order), bearer).wantJSON(t, http.StatusConflict, "session_key_expired")
}
