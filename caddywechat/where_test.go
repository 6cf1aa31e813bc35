package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	weChatOnDesk  = onDesktop + " NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c11) XWEB/11581 Flue"
	inMiniProgram = inWeChat + " miniProgram/wx2c1c63e28bb33be1"
	inAlipay      = onPhone + " AlipayClient/10.5.88.8000 Language/zh-Hans"
	inDingTalk    = onPhone + " AliApp(DingTalk/7.5.10) com.alibaba.android.rimet/38254011 Channel/227200 language/zh-CN"
	inQQ          = onPhone + " V1_AND_SQ_9.0.0_0_TIM_D QQ/9.0.0.14110 NetType/WIFI WebP/0.3.0"
)

// Kinds of account, as a Caddyfile names them.
var (
	officialLine = fmt.Sprintf("official_account %s %s", simulator.DemoAppID, simulator.DemoSecret)
	websiteLine  = fmt.Sprintf("website %s %s", simulator.DemoWebsiteAppID, simulator.DemoWebsiteSecret)
	weComLine    = fmt.Sprintf("wecom %s %s {\nagent_id %d\n}", simulator.DemoCorpID, simulator.DemoWeComSecret, simulator.DemoAgentID)
	weComForAll  = strings.Replace(weComLine, "}", "allow_external\n}", 1)
	programLine  = fmt.Sprintf("mini_program %s %s", simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret)
	appLine      = fmt.Sprintf("mobile_app %s %s", simulator.DemoMobileAppID, simulator.DemoMobileAppSecret)
)

// accounts makes a gate with these accounts.
func (w *world) accounts(lines ...string) *Handler {
	return w.provision(fmt.Sprintf("wechat_auth {\n%s\nuser_id qualified\nplatform %s\n}", strings.Join(lines, "\n"), w.simURL))
}

// What browsers get: a redirect to one of WeChat's pages, or one of ours.
const (
	toAuthorize = "/connect/oauth2/authorize?"
	toQRCode    = "/connect/qrconnect?"
	toWeComCode = "/wwlogin/sso/login?"

	saysChoose      = "请选择登录方式"
	saysScanWeChat  = "请用微信扫码打开"
	saysOpenWeChat  = "请在微信中打开"
	saysOpenWeCom   = "请在企业微信中打开"
	saysOpenEither  = "请在微信或企业微信中打开"
	saysOpenBrowser = "请在浏览器中打开"
	saysComputer    = "请在电脑上打开"
	saysNoBrowser   = "请从小程序或 App 进入"
)

func TestWhichAccountServesABrowser(t *testing.T) {
	w := newWorldWith(t, simulator.Config{})
	type seen map[string]string // by User-Agent
	for _, tt := range []struct {
		accounts []string
		want     seen
	}{
		{[]string{officialLine}, seen{
			inWeChat: toAuthorize + "appid=wx", weChatOnDesk: toAuthorize, inMiniProgram: toAuthorize,
			inWeCom: saysOpenWeChat, onPhone: saysOpenWeChat, onDesktop: saysScanWeChat,
			inAlipay: saysOpenWeChat, inDingTalk: saysOpenWeChat, inQQ: saysOpenWeChat,
		}},
		{[]string{weComLine}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=ww", weChatOnDesk: toAuthorize + "appid=ww",
			onDesktop: toWeComCode, onPhone: saysOpenWeCom, inDingTalk: saysOpenWeCom,
		}},
		{[]string{weComForAll}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=ww", onDesktop: toWeComCode, onPhone: saysOpenEither,
		}},
		{[]string{weComForAll, officialLine}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=wx", onDesktop: toWeComCode, onPhone: saysOpenEither,
		}},
		{[]string{officialLine, weComLine}, seen{inWeChat: toAuthorize + "appid=wx", onPhone: saysOpenEither}},
		{[]string{websiteLine}, seen{
			inWeChat: saysComputer, inMiniProgram: saysComputer, weChatOnDesk: saysOpenBrowser, inWeCom: saysComputer,
			onDesktop: toQRCode, onPhone: toQRCode, inAlipay: toQRCode,
		}},
		{[]string{websiteLine, officialLine}, seen{inWeChat: toAuthorize, inWeCom: saysOpenWeChat, onDesktop: toQRCode, onPhone: saysOpenWeChat}},
		{[]string{websiteLine, weComLine}, seen{
			inWeChat: toAuthorize + "appid=ww", inWeCom: toAuthorize + "appid=ww", onDesktop: saysChoose, onPhone: saysOpenWeCom,
		}},
		{[]string{"badge"}, seen{inWeChat: saysOpenBrowser, onDesktop: "https://login.example/", onPhone: "https://login.example/"}},
		{[]string{programLine}, seen{inWeChat: saysNoBrowser, inMiniProgram: saysNoBrowser, inWeCom: saysNoBrowser, onDesktop: saysNoBrowser, onPhone: saysNoBrowser}},
		{[]string{programLine, appLine}, seen{inWeChat: saysNoBrowser, onPhone: saysNoBrowser}},
		{[]string{appLine, officialLine}, seen{inWeChat: toAuthorize, onPhone: saysOpenWeChat}},
	} {
		w.swap(w.accounts(tt.accounts...))
		for agent, want := range tt.want {
			a := w.browser(agent).open("/page?x=1")
			got, isPage := a.Header.Get("Location"), strings.HasPrefix(want, "请")
			if isPage {
				got = a.body
			}
			if !strings.Contains(got, want) {
				t.Errorf("%s\n%s\ngot %d %s\nwant %s", tt.accounts, agent, a.StatusCode, got, want)
			}
			if isPage && want != saysChoose && a.StatusCode != http.StatusForbidden {
				t.Errorf("%s\n%s: status %d", tt.accounts, agent, a.StatusCode)
			}
		}
	}
}

func TestAPhoneCanStillScanWithAnother(t *testing.T) {
	w := newWorldWith(t, simulator.Config{})
	w.swap(w.accounts(weComLine))
	b := w.browser(onPhone)
	if a := b.open("/page"); !strings.Contains(a.body, `href="/_wechat/login?return_to=%2Fpage&amp;scan=1"`) {
		t.Errorf("no way to the QR code: %s", a.body)
	}
	if to := b.open("/_wechat/login?return_to=%2Fpage&scan=1").Header.Get("Location"); !strings.Contains(to, toWeComCode) {
		t.Errorf("led to %s", to)
	}
}

func TestAProgramIsToldWhereToLogIn(t *testing.T) {
	w := newWorldWith(t, simulator.Config{})
	for _, tt := range []struct{ account, agent, want string }{
		{officialLine, onDesktop, "open this page in WeChat"},
		{weComLine, onPhone, "open this page in WeCom"},
		{weComForAll, onPhone, "open this page in WeChat or WeCom"},
		{websiteLine, inWeChat, "open this page in a browser outside WeChat and WeCom"},
		{programLine, onDesktop, "log in by the site's mini-program or app, not in a browser"},
	} {
		w.swap(w.accounts(tt.account))
		a := w.browser(tt.agent).send("GET", "/page", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
		if got := a.wantJSON(t, http.StatusForbidden, "login_required")["message"]; got != tt.want {
			t.Errorf("%s: %q", tt.account, got)
		}
	}
}

// A company's customers have WeChat, and no WeCom.
func TestPeopleOfWeComLogInInsideWeChat(t *testing.T) {
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	openID := simulator.OpenID(simulator.DemoCorpID, "laowang")
	external := simulator.ExternalUserID(simulator.DemoCorpID, "laowang")
	for _, tt := range []struct {
		account, person, user string // user "": turned away
		fields                map[string]string
	}{
		{weComLine, "afang", "afang", map[string]string{"X-Wecom-Userid": "AFang", "X-Wechat-Account": "wecom", "X-Wecom-Departments": "2,7"}},
		{weComLine, "laowang", "", nil},
		{weComLine, "emma", "", nil},
		{weComForAll, "afang", "afang", nil},
		{weComForAll, "laowang", "external:" + external, map[string]string{
			"X-Wecom-External-Userid": external, "X-Wechat-Openid": openID, "X-Wecom-Userid": "", "X-Wechat-Account": "wecom",
		}},
		{weComForAll, "emma", "openid:" + simulator.OpenID(simulator.DemoCorpID, "emma"), map[string]string{"X-Wecom-External-Userid": ""}},
	} {
		w.swap(w.provision(fmt.Sprintf("wechat_auth {\n%s\nplatform %s\n}", tt.account, w.simURL)))
		if err := w.sim.Hold(tt.person); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		a := b.follow("/page?x=1")
		if tt.user == "" {
			if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "暂时不能进入") {
				t.Errorf("%s: status %d: %s", tt.person, a.StatusCode, a.body)
			}
			continue
		}
		w.received()
		b.open("/page?x=1").wantStatus(t, http.StatusOK)
		h := w.received().Header
		if got := h.Get("X-Wechat-User"); got != tt.user {
			t.Errorf("%s: user %q, want %q", tt.person, got, tt.user)
		}
		for name, want := range tt.fields {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", tt.person, name, got, want)
			}
		}
	}
}

func TestAMemberIsAskedForMoreInsideWeChatToo(t *testing.T) {
	w := newWeComWorld(t, "userinfo /profile")
	b := w.browser(inWeChat)
	b.follow("/page")
	authorize := b.open("/profile").Header.Get("Location")
	if u, err := url.Parse(authorize); err != nil || u.Query().Get("scope") != "snsapi_privateinfo" {
		t.Fatalf("sent to %s", authorize)
	}
	b.open(b.agree(authorize, "allow")).wantRedirect(t, "/profile")
	b.open("/profile").wantStatus(t, http.StatusOK)
}

// An official account goes first in WeChat, but who names the company's account gets it.
func TestAnAccountThatYieldsCanBeNamed(t *testing.T) {
	w := newWorldWith(t, simulator.Config{})
	w.swap(w.accounts(officialLine, weComLine))
	if to := w.browser(inWeChat).open("/_wechat/login?account=wecom").Header.Get("Location"); !strings.Contains(to, toAuthorize+"appid=ww") {
		t.Errorf("led to %s", to)
	}
}
