package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newHTTPSSite starts a site as in production, but for the simulator in WeChat's place. Browsers present themselves as
// what they are taken for.
func newHTTPSSite(t *testing.T, options string) *site {
	t.Helper()
	return newSite(t, "https", `wechat_auth {
		{account}
		public /public
		userinfo /profile
		`+options+`
	}
	reverse_proxy {app}`)
}

// quirks makes the simulated WeChat behave otherwise.
func (s *site) quirks(q simulator.Quirks) {
	s.t.Helper()
	if err := s.sim.SetQuirks(q); err != nil {
		s.t.Fatal(err)
	}
}

// wantLanded waits until the browser shows an address as the app served it, to the person.
func (b *tab) wantLanded(address, user string) {
	b.t.Helper()
	// An address without fragment takes on that of WeChat's own URL, or with keep_fragment a bare #.
	b.eventually(`location.href.replace(/#(wechat_redirect)?$/, "") == "` + address +
		`" && document.readyState == "complete"`)
	if got := b.text("pre"); !strings.Contains(got, "X-Wechat-User: "+user+"\n") {
		b.t.Errorf("at %s the app got %s", address, got)
	}
}

func (b *tab) wantPage(status int64, title string) {
	b.t.Helper()
	b.eventually(`document.querySelector("h1")?.innerText == "` + title + `" && document.readyState == "complete"`)
	if got := b.lastStatus(); got != status {
		b.t.Errorf("the page %s has status %d, want %d", title, got, status)
	}
}

func TestLogin_IsSilentInEveryWeChat(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	for name, wechat := range map[string]look{
		"iPhone": iPhone, "Android": android, "Windows": windows,
		"HarmonyOS": harmonyOS,
	} {
		t.Run(name, func(t *testing.T) {
			b := newTabAs(t, wechat)
			b.open(s.url("/orders?id=5&name=%E8%8C%B6"))
			b.wantLanded(s.url("/orders?id=5&name=%E8%8C%B6"), person)
			b.reload()
			b.wantLanded(s.url("/orders?id=5&name=%E8%8C%B6"), person)
			if got := len(b.askedFor(s.simURL)); got != 1 {
				t.Errorf("the visitor was sent to WeChat %d times", got)
			}
			b.wantNoConsoleErrors()
		})
	}
}

func TestOpenInWeChatPage_OffersTheAddress(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	english, dark := desktopChrome, phoneBrowser
	english.language, dark.dark = "en-GB", true
	for name, tc := range map[string]struct {
		look
		title, copied string
	}{
		"computer":         {desktopChrome, "请用微信扫码打开", "已复制"},
		"computer-english": {english, "Scan with WeChat to open", "Copied"},
		"phone-at-night":   {dark, "请在微信中打开", "已复制"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTabAs(t, tc.look)
			address := s.url("/orders?id=5")
			b.open(address)
			b.wantPage(403, tc.title)
			if !tc.wide {
				b.click("summary") // who holds another device may want the code
			}
			b.see(".qr svg")
			if got := b.text("#address"); got != address {
				t.Errorf("it shows %s", got)
			}
			b.picture("login-outside-" + name)
			b.copy(tc.copied, func() {
				if got := b.clipboard(); got != address {
					t.Errorf("it copied %s", got)
				}
			})
			b.wantNoConsoleErrors()
		})
	}
	t.Run("without https", func(t *testing.T) {
		b := newTabAs(t, phoneBrowser)
		s := newSite(t, "http", "wechat_auth {\n{account}\n}\nreverse_proxy {app}")
		b.open(s.url("/orders"))
		if evaluate[bool](b, "isSecureContext") {
			t.Fatal("this page may write to the clipboard")
		}
		b.copy("已复制", func() {
			if got := evaluate[string](b, "getSelection().toString()"); got != s.url("/orders") {
				t.Errorf("it selected %s", got)
			}
		})
		b.wantNoConsoleErrors()
	})
}

func TestBack_SkipsTheLogin(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	b := newTabAs(t, iPhone)
	b.open(s.url("/public"))
	b.open(s.url("/orders"))
	b.wantLanded(s.url("/orders"), person)
	b.back()
	b.eventually(`location.pathname == "/public"`)

	// With pages of WeChat's and of ours in between.
	b.open(s.url("/profile"))
	b.wantPage(200, "使用微信登录")
	b.click("a.button")
	b.click(`button[value="allow"]`)
	b.wantLanded(s.url("/profile"), person)
	b.back()
	b.see(`button[value="allow"]`)
	b.click(`button[value="allow"]`) // WeChat sends the same state once more, with another code
	b.wantLanded(s.url("/profile"), person)
	b.back()
	b.see(`button[value="allow"]`)
	b.back()
	b.wantLanded(s.url("/profile"), person) // where our page was
	b.back()
	b.eventually(`location.pathname == "/public"`)
	b.wantNoConsoleErrors()
}

func TestBack_SkipsThePageThatKeptTheFragment(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "keep_fragment")
	b := newTabAs(t, android)
	b.open(s.url("/public"))
	b.open(s.url("/app?x=1#/orders/9"))
	b.wantLanded(s.url("/app?x=1#/orders/9"), person)
	b.back()
	b.eventually(`location.pathname == "/public"`)
	b.wantNoConsoleErrors()
}

func TestKeepFragment_AddsNone(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "keep_fragment")
	b := newTabAs(t, android)
	b.open(s.url("/app"))
	b.wantLanded(s.url("/app"), person)
	if got := evaluate[string](b, "location.hash"); got != "" {
		t.Errorf("the app would take %s for its route", got)
	}
	b.wantNoConsoleErrors()
}

func TestCallback_MayBeOpenedAgain(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	b := newTabAs(t, iPhone)
	b.open(s.url("/orders?id=5"))
	b.wantLanded(s.url("/orders?id=5"), person)
	callback := b.askedFor(s.url("/_wechat/callback?"))[0]
	exchanges := s.sim.Calls("/sns/oauth2/access_token")
	b.open(callback)
	b.wantLanded(s.url("/orders?id=5"), person)
	again := b.another()
	again.open(callback)
	again.wantLanded(s.url("/orders?id=5"), person)
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != exchanges {
		t.Errorf("the code was exchanged %d times more", got-exchanges)
	}

	// Somebody to whom the link was sent.
	if err := s.sim.Hold("afang"); err != nil {
		t.Fatal(err)
	}
	friend := newTabAs(t, android)
	friend.open(callback)
	friend.wantLanded(s.url("/orders?id=5"), simulator.OpenID(simulator.DemoAppID, "afang"))

	colleague := newTabAs(t, desktopChrome)
	colleague.open(callback)
	colleague.wantPage(403, "请用微信扫码打开")
	if got := colleague.text("#address"); got != s.url("/orders?id=5") {
		t.Errorf("it shows %s", got)
	}
	b.reload()
	b.wantLanded(s.url("/orders?id=5"), person)
	for _, b := range []*tab{b, again, friend, colleague} {
		b.wantNoConsoleErrors()
	}
}

func TestCallback_ThatComesTwiceIsExchangedOnce(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	s.quirks(simulator.Quirks{DuplicateCallback: time.Millisecond})
	b := newTabAs(t, android)
	b.open(s.url("/orders"))
	b.wantLanded(s.url("/orders"), person)
	s.caddy.eventually("WeChat asked, too", func() bool { return s.sim.Calls("/_wechat/callback") > 0 })
	if got := s.sim.Calls("/sns/oauth2/access_token"); got != 1 {
		t.Errorf("%d exchanges of one code", got)
	}
	b.reload()
	b.wantLanded(s.url("/orders"), person)
	b.wantNoConsoleErrors()
}

func TestLogin_WorksInTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	s := newHTTPSSite(t, "")
	t.Run("silently", func(t *testing.T) {
		first := newTabAs(t, windows)
		second := first.another()
		evaluate[bool](first, `location.href = "`+s.url("/orders")+`", true`)
		evaluate[bool](second, `location.href = "`+s.url("/cart")+`", true`)
		first.wantLanded(s.url("/orders"), person)
		second.wantLanded(s.url("/cart"), person)
		first.wantNoConsoleErrors()
		second.wantNoConsoleErrors()
	})
	t.Run("each waits for its visitor", func(t *testing.T) {
		s.quirks(simulator.Quirks{Choose: true})
		first := newTabAs(t, windows)
		second := first.another()
		first.open(s.url("/orders"))
		second.open(s.url("/cart"))
		second.click(`button[value="allow"]`)
		second.wantLanded(s.url("/cart"), person)
		first.click(`button[value="allow"]`)
		first.wantLanded(s.url("/orders"), person)
		first.wantNoConsoleErrors()
		second.wantNoConsoleErrors()
	})
}
