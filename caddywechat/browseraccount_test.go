package caddywechat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// Responses to browsers: a redirect to a page of WeChat's, or a page of ours.
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

func TestBrowserAccount_ByUserAgent(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	type seen map[string]string // by User-Agent
	for _, tt := range []struct {
		accounts []string
		want     seen
	}{
		{[]string{officialAccount}, seen{
			inWeChat: toAuthorize + "appid=wx", weChatOnDesktop: toAuthorize, inMiniProgram: toAuthorize,
			inWeCom: saysOpenWeChat, onPhone: saysOpenWeChat, onDesktop: saysScanWeChat,
			inAlipay: saysOpenWeChat, inDingTalk: saysOpenWeChat, inQQ: saysOpenWeChat,
		}},
		{[]string{weComAccount}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=ww",
			weChatOnDesktop: toAuthorize + "appid=ww",
			onDesktop:       toWeComCode, onPhone: saysOpenWeCom, inDingTalk: saysOpenWeCom,
		}},
		{[]string{weComForAll}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=ww", onDesktop: toWeComCode,
			onPhone: saysOpenEither,
		}},
		{[]string{weComForAll, officialAccount}, seen{
			inWeCom: toAuthorize + "appid=ww", inWeChat: toAuthorize + "appid=wx", onDesktop: toWeComCode,
			onPhone: saysOpenEither,
		}},
		{[]string{officialAccount, weComAccount}, seen{inWeChat: toAuthorize + "appid=wx", onPhone: saysOpenEither}},
		{[]string{websiteAccount}, seen{
			inWeChat: saysComputer, inMiniProgram: saysComputer, weChatOnDesktop: saysOpenBrowser,
			inWeCom:   saysComputer,
			onDesktop: toQRCode, onPhone: toQRCode, inAlipay: toQRCode,
		}},
		{
			[]string{websiteAccount, officialAccount},
			seen{inWeChat: toAuthorize, inWeCom: saysOpenWeChat, onDesktop: toQRCode, onPhone: saysOpenWeChat},
		},
		{[]string{websiteAccount, weComAccount}, seen{
			inWeChat: toAuthorize + "appid=ww", inWeCom: toAuthorize + "appid=ww", onDesktop: saysChoose,
			onPhone: saysOpenWeCom,
		}},
		{
			[]string{"badge"},
			seen{inWeChat: saysOpenBrowser, onDesktop: "https://login.example/", onPhone: "https://login.example/"},
		},
		{
			[]string{miniProgramAccount},
			seen{
				inWeChat: saysNoBrowser, inMiniProgram: saysNoBrowser, inWeCom: saysNoBrowser,
				onDesktop: saysNoBrowser, onPhone: saysNoBrowser,
			},
		},
		{[]string{miniProgramAccount, mobileAppAccount}, seen{inWeChat: saysNoBrowser, onPhone: saysNoBrowser}},
		{[]string{mobileAppAccount, officialAccount}, seen{inWeChat: toAuthorize, onPhone: saysOpenWeChat}},
	} {
		w.swap(w.accounts(tt.accounts...))
		for agent, want := range tt.want {
			a := w.browser(agent).open("/page?x=1")
			got, isPage := a.location(), strings.HasPrefix(want, "请")
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

func TestBrowserAccount_PhoneCanScanTheQRCode(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	w.swap(w.accounts(weComAccount))
	b := w.browser(onPhone)
	if a := b.open("/page"); !strings.Contains(a.body, `href="/_wechat/login?return_to=%2Fpage&amp;scan=1"`) {
		t.Errorf("no way to the QR code: %s", a.body)
	}
	if to := b.open("/_wechat/login?return_to=%2Fpage&scan=1").location(); !strings.Contains(to, toWeComCode) {
		t.Errorf("redirected to %s", to)
	}
}

func TestBrowserAccount_ProgramIsToldWhereToLogIn(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	for _, tt := range []struct{ account, agent, want string }{
		{officialAccount, onDesktop, "open this page in WeChat"},
		{weComAccount, onPhone, "open this page in WeCom"},
		{weComForAll, onPhone, "open this page in WeChat or WeCom"},
		{websiteAccount, inWeChat, "open this page in a browser outside WeChat and WeCom"},
		{miniProgramAccount, onDesktop, "log in by the site's mini-program or app, not in a browser"},
	} {
		w.swap(w.accounts(tt.account))
		a := w.browser(tt.agent).send("GET", "/page", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
		if got := a.wantJSON(t, http.StatusForbidden, "login_required")["message"]; got != tt.want {
			t.Errorf("%s: %q", tt.account, got)
		}
	}
}
