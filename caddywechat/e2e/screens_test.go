package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
)

const (
	sharedURL = "https://h5.example.com/spring/detail?id=20260412&from=poster"
	// authorizeURL is the beginning of WeChat's.
	authorizeURL = "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx#wechat_redirect"
	requestID    = "2f6c1a9e-7b1d-4a55-9c35-0f6b8a1d3e77"
	again        = "/_wechat/login?return_to=%2Fspring%2Fdetail"
)

// shownPages are the pages, in each shape that a visitor may see, with what the gate shows on them.
var shownPages = []struct {
	title string
	name  page.Name
	data  page.Data
}{
	{"open_in_wechat", page.OpenInWeChat, page.Data{URL: sharedURL}},
	{"open_in_wechat-phone", page.OpenInWeChat, page.Data{URL: sharedURL, Phone: true}},
	{"open_in_wechat-long", page.OpenInWeChat, page.Data{URL: sharedURL + "&q=" + strings.Repeat("%E6%98%A5", 200)}},
	{"open_in_wechat-or-wecom", page.OpenInWeChat, page.Data{URL: sharedURL, WeCom: true}},
	{"open_in_wechat-or-wecom-phone", page.OpenInWeChat, page.Data{
		URL: sharedURL, Phone: true, WeCom: true,
		Action: again,
	}},
	{"open_in_wecom", page.OpenInWeCom, page.Data{URL: sharedURL}},
	{"open_in_wecom-phone", page.OpenInWeCom, page.Data{URL: sharedURL, Phone: true, Action: again}},
	{"open_in_browser", page.OpenInBrowser, page.Data{URL: sharedURL, Phone: true}},
	{"open_in_browser-scan", page.OpenInBrowser, page.Data{URL: sharedURL, Phone: true, Scans: true}},
	{"not_in_browser", page.NotInBrowser, page.Data{URL: sharedURL}},
	{"fragment", page.Fragment, page.Data{}}, // with an action its script goes on at once
	{"consent", page.Consent, page.Data{Action: authorizeURL}},
	{"login_needed", page.LoginNeeded, page.Data{Action: again}},
	{"login_needed-unsent", page.LoginNeeded, page.Data{Action: again, Unsent: true}},
	{"choose", page.Choose, page.Data{Choices: []page.Choice{
		{Label: "微信扫码登录", URL: again},
		{Label: "企业微信登录", URL: again},
	}}},
	{"declined", page.Declined, page.Data{Action: again}},
	{"snapshot", page.Snapshot, page.Data{}},
	{"too_often", page.TooOften, page.Data{Action: again}},
	{"too_often-altered", page.TooOften, page.Data{Action: again, Altered: true}},
	{"too_often-cookies", page.TooOften, page.Data{Action: again, NoCookies: true}},
	{"too_often-refused", page.TooOften, page.Data{Refused: true}},
	{"unavailable", page.Unavailable, page.Data{Action: again}},
	{"unreadable", page.Unreadable, page.Data{Action: again}},
	{"misconfigured", page.Misconfigured, page.Data{Action: again}},
	{"busy", page.Busy, page.Data{Action: again}},
	{"profile_unavailable", page.ProfileUnavailable, page.Data{Action: "/"}},
	{"not_allowed", page.NotAllowed, page.Data{Action: again}},
	{"confirm_logout", page.ConfirmLogout, page.Data{Action: "/_wechat/logout"}},
	{"confirm_logout-others", page.ConfirmLogout, page.Data{Action: "/_wechat/logout?others=1", Others: true}},
	{"logged_out", page.LoggedOut, page.Data{Action: again}},
	{"not_found", page.NotFound, page.Data{Action: "/"}},
	{"bad_request", page.BadRequest, page.Data{Action: "/"}},
	{"method_not_allowed", page.MethodNotAllowed, page.Data{Action: "/"}},
	{"too_early", page.TooEarly, page.Data{Action: again}},
}

// TestPages_FitEveryScreen looks at each page as a visitor does: in each language, on a phone and on a desktop, by day
// and by night.
func TestPages_FitEveryScreen(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, e := range shownPages {
			if r.URL.Path == "/"+url.PathEscape(e.title) {
				data := e.data
				data.RequestID = requestID
				page.BuiltIn().Write(w, r, http.StatusOK, e.name, data)
				return
			}
		}
		w.WriteHeader(http.StatusNoContent) // the browser's own wishes, such as an icon
	}))
	t.Cleanup(server.Close)
	for _, language := range []string{"zh-CN", "zh-TW", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			b := newTab(t)
			b.do(call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
				Headers: network.Headers{"Accept-Language": language},
			}))
			for _, e := range shownPages {
				b.open(server.URL + "/" + e.title)
				b.wantFitsEveryScreen(e.title + "-" + language)
			}
			b.wantNoConsoleErrors()
		})
	}
}

// wantFitsEveryScreen fails the test unless the page that is open fits phones and a desktop, by day and by night. A
// page takes its screen and its colours from CSS alone, so it need not be asked for again.
func (b *tab) wantFitsEveryScreen(page string) {
	b.t.Helper()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"small", 320, 568}, {"desktop", 1280, 800}} {
		b.do(call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: screen.width, Height: screen.height, DeviceScaleFactor: 1, Mobile: screen.name != "desktop",
		}))
		for _, scheme := range []string{"light", "dark"} {
			b.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}}))
			name := page + "-" + screen.name + "-" + scheme
			if problem := ask(b, chromedp.Evaluate[string](fitsTheScreen)); problem != "" {
				b.t.Errorf("%s: %s", name, problem)
			}
			if screen.name != "small" {
				b.picture("page-" + name)
			}
		}
	}
}

// TestOwnPages_ShowWithoutConsoleErrors looks at the example's pages: a browser must not block anything of them.
func TestOwnPages_ShowWithoutConsoleErrors(t *testing.T) {
	t.Parallel()
	dir := root + "examples/own-pages/pages"
	pages, err := page.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/consent", func(w http.ResponseWriter, r *http.Request) {
		pages.Write(w, r, http.StatusOK, page.Consent, page.Data{RequestID: requestID, Action: again})
	})
	mux.HandleFunc("/open_in_wechat", func(w http.ResponseWriter, r *http.Request) {
		pages.Write(w, r, http.StatusOK, page.OpenInWeChat, page.Data{RequestID: requestID, URL: sharedURL})
	})
	mux.Handle("/logo.svg", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	defer server.Close()
	b := newTab(t)
	b.open(server.URL + "/consent")
	const isShown = `document.querySelector("img").naturalWidth > 0 &&
		getComputedStyle(document.querySelector("img")).width === "96px"`
	if !evaluate[bool](b, isShown) {
		t.Error("the logo or the style is missing")
	}
	b.picture("own-consent")
	b.open(server.URL + "/open_in_wechat")
	b.copy("已复制", func() { b.picture("own-open_in_wechat") })
	b.wantNoConsoleErrors()
}

// fitsTheScreen says what of a page does not: something that sticks out to the side, a heading or a button that has to
// be searched for, a text that is cut off or that can hardly be told from its ground.
const fitsTheScreen = `(() => {
	const width = document.documentElement.clientWidth, height = window.innerHeight;
	if (document.documentElement.scrollWidth > width) return "it is wider than the screen";
	const heading = document.querySelector("h1").getBoundingClientRect();
	if (heading.top < 0 || heading.bottom > height) return "the heading is out of sight";
	const button = document.querySelector(".button:not(.quiet):not([hidden])");
	if (button && height > 600 && button.getBoundingClientRect().bottom > height) return "the button is out of sight";
	const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
	const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(linear); return .2126*r + .7152*g + .0722*b };
	const ground = e => {
		for (; e; e = e.parentElement) {
			const c = getComputedStyle(e).backgroundColor;
			if (!/, 0\)$/.test(c)) return c;
		}
		return "rgb(255, 255, 255)";
	};
	for (const e of document.querySelectorAll("h1, p, li, .button, .address, footer, summary")) {
		const box = e.getBoundingClientRect();
		if (box.width && (box.left < 0 || box.right > width + 1)) return e.tagName + " sticks out: " + e.textContent;
		const style = getComputedStyle(e), size = parseFloat(style.fontSize);
		const a = light(style.color), b = light(ground(e)), contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (contrast < (large ? 3 : 4.5)) {
			return e.tagName + " has a contrast of " + contrast.toFixed(1) + ": " + e.textContent;
		}
	}
	return "";
})()`

// call makes an action of a browser's command.
func call[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, command, params)
		return chromedp.Void{}, err
	}
}

// TestPages_WorkWithoutJavaScript shows what is left of the two pages that have a script: an address to copy by hand,
// and a button to go on by.
func TestPages_WorkWithoutJavaScript(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/open_in_wechat", func(w http.ResponseWriter, r *http.Request) {
		page.BuiltIn().Write(w, r, http.StatusForbidden, page.OpenInWeChat, page.Data{URL: sharedURL, Phone: true})
	})
	mux.HandleFunc("/fragment", func(w http.ResponseWriter, r *http.Request) {
		page.BuiltIn().Write(w, r, http.StatusOK, page.Fragment, page.Data{Action: "/login?return_to=%2Fapp"})
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<p id=to>" + url.QueryEscape(r.FormValue("return_to"))))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	defer server.Close()
	b := newTab(t)
	b.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	b.open(server.URL + "/open_in_wechat")
	b.see("#address")
	if got := b.text("#address"); got != sharedURL {
		t.Errorf("the address is %s", got)
	}
	b.do(chromedp.WaitNotVisible(chromedp.CSS("#copy"), poll))
	b.picture("without-javascript")
	b.open(server.URL + "/fragment")
	b.click("a.button")
	if got := b.text("#to"); got != "%2Fapp" {
		t.Errorf("the button goes to a login for %s", got)
	}
}
