package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// screen is what a visitor looks at.
type screen struct {
	language      string // of the browser
	dark          bool
	width, height int64
}

func phone(language string, dark bool) screen { return screen{language, dark, 390, 844} }

func (s screen) String() string {
	light := "light"
	if s.dark {
		light = "dark"
	}
	name := s.language + "-" + light
	if s.width != 390 {
		name += fmt.Sprintf("-%d", s.width)
	}
	return name
}

// watch makes the tab a browser of WeChat's on this screen.
func (b *tab) watch(s screen) {
	b.t.Helper()
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.do(
		chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateScale(2)),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
				UserAgent: inWeChat, AcceptLanguage: s.language,
			})
			return err
		}),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
	)
}

// wantFits fails the test if the page is in another language, or wider than the screen.
func (b *tab) wantFits(s screen) {
	b.t.Helper()
	if got := ask(b, chromedp.Evaluate[string]("document.documentElement.lang")); got != s.language {
		b.t.Errorf("%s: the page is in %s", b.address(), got)
	}
	if wide := ask(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > s.width {
		b.t.Errorf("%s: %s is %d wide", b.address(), s, wide)
	}
}

func simQuery(appID, scope, redirectURI string) string {
	return "?appid=" + appID + "&redirect_uri=" + url.QueryEscape(redirectURI) + "&response_type=code&scope=" + scope +
		"&state=a1B2"
}

func TestSimulatorPages_FitThePhone(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	sim, address := newSimulator(t, simulator.Config{})
	authorize := address + "/connect/oauth2/authorize" + simQuery(simulator.DemoAppID, "snsapi_userinfo",
		"http://localhost:8080/callback")
	foreign := address + "/connect/oauth2/authorize" + simQuery(simulator.DemoAppID, "snsapi_userinfo",
		"http://h5.example.com/callback")
	weCom := address + "/connect/oauth2/authorize" + simQuery(simulator.DemoCorpID, "snsapi_privateinfo",
		"http://localhost:8080/callback") + "&agentid=1000002"
	weComLogin := address + "/wwlogin/sso/login?login_type=CorpApp&agentid=1000002&appid=" + simulator.DemoCorpID +
		"&redirect_uri=http://localhost:8080/callback&state=a1B2"
	qrConnect := address + "/connect/qrconnect" + simQuery(simulator.DemoWebsiteAppID, "snsapi_login",
		"http://localhost:8080/callback")

	for _, language := range []string{"zh-CN", "zh-TW", "en"} {
		for _, dark := range []bool{false, true} {
			s := phone(language, dark)
			b.watch(s)
			show := func(name, css string) {
				b.see(css)
				b.wantFits(s)
				b.picture(fmt.Sprintf("sim-%s-%s", name, s))
			}

			b.open(authorize)
			show("consent", `button[value="allow"]`)
			b.click(`button[value="deny"]`)
			show("denied", "body.closed h1")
			b.open(foreign)
			show("error", "body.telling h1")

			b.open(qrConnect)
			show("qr", ".when-408")
			scan := ask(b, chromedp.Evaluate[string](`document.getElementById("scan").href`))
			b.open(scan)
			show("confirm", `button[value="allow"]`)
			b.click(`button[value="allow"]`)
			show("confirmed", ".sign.good")
			b.open(scan)
			show("stale", ".sign.warn")

			b.open(weCom)
			show("wecom-consent", `button[value="allow"]`)
			b.open(weComLogin)
			show("wecom-qr", ".when-408")
			scan = ask(b, chromedp.Evaluate[string](`document.getElementById("scan").href`))
			b.open(scan)
			show("wecom-confirm", `button[value="allow"]`)
			b.click(`input[value="emma"]`)
			b.click(`button[value="allow"]`)
			show("wecom-kept-out", ".sign.warn")

			b.open(qrConnect)
			b.see(".when-408")
			scan = ask(b, chromedp.Evaluate[string](`document.getElementById("scan").href`))
			if response, err := http.Get(scan); err != nil || response.Body.Close() != nil {
				t.Fatal(err)
			}
			show("qr-scanned", ".when-404")
			sim.Reset()
			show("qr-expired", ".again")

			s.width, s.height = 1280, 800
			b.watch(s)
			b.open(qrConnect)
			show("qr", ".when-408")
			b.open(authorize)
			show("consent", `button[value="allow"]`)
		}
	}
	b.wantNoConsoleErrors()
}

// Whatever people, accounts and sites are called, the pages hold it.
func TestSimulatorPages_HoldNastyNames(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("很长的名字", 20) + strings.Repeat("W", 80)
	b := newTab(t)
	sim, address := newSimulator(t, simulator.Config{
		Accounts: []simulator.OfficialAccount{{
			AppID: simulator.DemoAppID, Secret: simulator.DemoSecret,
			Domain: strings.Repeat("a", 60) + ".example", Name: name,
		}},
		Websites: []simulator.WebsiteApp{{
			AppID: simulator.DemoWebsiteAppID, Secret: simulator.DemoWebsiteSecret,
			Domain: "localhost", Name: name,
		}},
		Quirks: simulator.Quirks{NastyPeople: true, Choose: true},
	})
	s := phone("zh-CN", false)
	b.watch(s)
	for _, person := range simulator.Nasty() {
		if err := sim.Hold(person.ID); err != nil {
			t.Fatal(err)
		}
		b.open(address + "/connect/oauth2/authorize" + simQuery(simulator.DemoAppID, "snsapi_base",
			"http://"+strings.Repeat("a", 60)+".example/callback"))
		b.see(`button[value="allow"]`)
		b.wantFits(s)
		b.picture("sim-" + person.ID)
	}
	b.open(address + "/connect/qrconnect" + simQuery(simulator.DemoWebsiteAppID, "snsapi_login",
		"http://localhost/callback"))
	b.see(".when-408")
	b.wantFits(s)
	b.picture("sim-nasty-qr")
	b.wantNoConsoleErrors()
}
