package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one process that all tests share, since starting it takes longer than most of what they do with it.
// stopChromium ends it.
var (
	chromium     = sync.OnceValues(startChromium)
	stopChromium = func() {}
)

func startChromium() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.WindowSize(1280, 800),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP *.example.com 127.0.0.1"),
		// A process for each site of each tab would keep a small machine busy with starting them.
		chromedp.Flag("renderer-process-limit", "2"), chromedp.Flag("disable-site-isolation-trials", true),
		chromedp.Flag("disable-features", strings.Join([]string{
			"IsolateOrigins", "site-per-process", "SpareRendererForSitePerProcess", "Translate",
			"BackForwardCache", // Back asks the site, and is not answered from memory, which chromedp does not notice
		}, ",")))
	ctx, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(ctx)
	stopChromium = func() { stop(); stopAllocator() }
	return ctx, chromedp.Do(ctx)
}

// tab is a page of a real browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	look look

	mu      sync.Mutex
	asked   []string // the addresses of pages that it asked for, redirects included
	status  int64    // of the last page
	console []consoleError
}

type consoleError struct {
	text string
	url  string // without fragment; empty where there is none
}

// newTab opens a browser that nobody used before.
func newTab(t *testing.T) *tab { t.Helper(); return newTabAs(t, look{}) }

// newTabAs opens a browser that nobody used before and that looks like another one.
func newTabAs(t *testing.T, l look) *tab {
	t.Helper()
	program(t, "chromium")
	process, err := chromium()
	if err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return openTab(t, process, l, chromedp.WithNewBrowserContext())
}

// another opens another tab of the same browser.
func (b *tab) another() *tab { b.t.Helper(); return openTab(b.t, b.ctx, b.look) }

func openTab(t *testing.T, parent context.Context, l look, options ...chromedp.ContextOption) *tab {
	t.Helper()
	if l.language == "" {
		l.language = "zh-CN"
	}
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, look: l}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.do(
		call(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent:      l.agent,
			AcceptLanguage: l.language,
		}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
	)
	if !l.wide {
		b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	}
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.console = append(b.console, consoleError{text: text})
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.console = append(b.console, consoleError{text: "console.error"})
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.console = append(b.console, consoleError{e.Entry.Text, withoutFragment(e.Entry.URL)})
		}
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			b.asked = append(b.asked, e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.status = e.Response.Status
		}
	}
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

// wantNoConsoleErrors fails the test if a page wrote an error to the console. Chromium also writes there that an
// address answered with an error status. That is no fault of a page where the page itself has that status, as most of
// ours have, nor with the icon that the browser asks every site for, nor with refused, addresses that a script asks for
// to be told that a login is needed.
func (b *tab) wantNoConsoleErrors(refused ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	expected := map[string]bool{}
	for _, address := range append(refused, b.asked...) {
		expected[address] = true
	}
	for _, e := range b.console {
		isStatus := strings.HasPrefix(e.text, "Failed to load resource: the server responded with a status of ")
		if !isStatus || !expected[e.url] && !strings.HasSuffix(e.url, "/favicon.ico") {
			b.t.Errorf("console: %s %s", e.text, e.url)
		}
	}
}

// lastStatus returns the status of the last page.
func (b *tab) lastStatus() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}

// askedFor returns the addresses of pages that the browser asked for and that begin with prefix.
func (b *tab) askedFor(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, address := range b.asked {
		if strings.HasPrefix(address, prefix) {
			found = append(found, address)
		}
	}
	return found
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.picture("failure")
		b.t.Fatalf("chromium: %v", err)
	}
}

func ask[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.picture("failure")
		b.t.Fatalf("chromium: %v", err)
	}
	return value
}

// poll is how often the browser is asked for an element that is to come. Many tabs wait at a time.
var poll = chromedp.RetryInterval(20 * time.Millisecond)

// open goes to an address.
func (b *tab) open(address string) { b.t.Helper(); b.do(chromedp.Navigate(address)) }

// back goes back in the tab's history, reload asks for the page once more.
func (b *tab) back()   { b.t.Helper(); b.do(chromedp.NavigateBack()) }
func (b *tab) reload() { b.t.Helper(); b.do(chromedp.Reload()) }

// click clicks on the element that a CSS selector names.
func (b *tab) click(css string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(css), poll)) }

// follow clicks on what opens another page and waits for it.
func (b *tab) follow(css string) {
	b.t.Helper()
	b.do(func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(css), poll))
		return chromedp.Void{}, err
	})
}

// see waits until an element is visible.
func (b *tab) see(css string) { b.t.Helper(); b.do(chromedp.WaitVisible(chromedp.CSS(css), poll)) }

// text returns an element's text, once it is there.
func (b *tab) text(css string) string {
	b.t.Helper()
	return ask(b, chromedp.Text(chromedp.CSS(css), poll))
}

// address returns where the browser is.
func (b *tab) address() string { b.t.Helper(); return ask(b, chromedp.Location()) }

// evaluate returns the value of an expression in the page.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[T](expression))
}

// eventually waits until an expression is true in whatever page is there by then.
func (b *tab) eventually(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for {
		// An error means that the page is just being left.
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			b.picture("failure")
			b.t.Fatalf("waited too long for %s", expression)
		}
	}
}

// keepCookies lets the browser keep the cookies of the site that the tab shows, or not. Chromium's protocol has no such
// switch; its settings page has.
func (b *tab) keepCookies(on bool) {
	b.t.Helper()
	site := evaluate[string](b, "location.origin")
	change := `chrome.send("setCategoryPermissionForPattern", [SITE, "", "cookies", "block", false])`
	if on {
		change = `chrome.send("resetCategoryPermissionForPattern", [SITE, "", "cookies", false])`
	}
	process, _ := chromium()
	settings := openTab(b.t, process, look{wide: true})
	settings.open("chrome://settings/content/siteData")
	evaluate[bool](settings, strings.ReplaceAll(change, "SITE", strconv.Quote(site))+", true")
	b.eventually(fmt.Sprintf(`(document.cookie = "probe=1; Max-Age=60", document.cookie.includes("probe=1")) == %t`,
		on))
}

// clipboardInUse is held while a page copies something: Chromium's pages share a clipboard.
var clipboardInUse sync.Mutex

// copy clicks on the button that copies an address, waits until the button says so, and then looks, while no other page
// copies anything.
func (b *tab) copy(says string, look func()) {
	b.t.Helper()
	clipboardInUse.Lock()
	defer clipboardInUse.Unlock()
	b.click("#copy")
	b.eventually(`document.getElementById("copy").innerText == "` + says + `"`)
	look()
}

// clipboard returns what a page has copied.
func (b *tab) clipboard() string {
	b.t.Helper()
	profile := chromedp.FromContext(b.ctx)
	_, err := cdp.Call(b.ctx, profile.Browser, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
		BrowserContextID: profile.BrowserContextID,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	return ask(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
}

// picture takes a screenshot into the folder that E2E_PICTURES names, if it does.
func (b *tab) picture(name string) {
	dir := os.Getenv("E2E_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Logf("no picture: %v", err)
	}
}
