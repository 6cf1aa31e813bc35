package caddywechat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// headBytes returns how many bytes of the head of an answer are the module's.
func headBytes(a answer) int {
	size := 0
	for name, values := range a.Header {
		if name == "Date" || name == "Content-Length" {
			continue
		}
		for _, value := range values {
			size += len(name + ": " + value + "\r\n")
		}
	}
	return size
}

// wantLean fails the test unless the head of the answer fits into a proxy's buffer.
func (a answer) wantLean(t *testing.T) answer {
	t.Helper()
	if got := headBytes(a); got >= 4000 {
		t.Errorf("%.80s: the head of the answer has %d bytes", a.Request.URL, got)
	}
	return a
}

var attemptName = regexp.MustCompile(`^(__Host-)?wechat_login_[0-7]$`)

// wantLeanRequests fails the test unless the browser's attempts take less than 4,096 bytes of what it sends.
func (b *browser) wantLeanRequests() {
	b.t.Helper()
	size, attempts := 0, 0
	for _, name := range b.cookieNames() {
		if attemptName.MatchString(name) {
			size += len(name + "=" + b.cookie(name) + "; ")
			attempts++
		}
	}
	if size >= 4096 {
		b.t.Errorf("%d attempts take %d bytes of every request", attempts, size)
	}
}

// toWeChat opens a page and returns the authorize page's address.
func (b *browser) toWeChat(page string) string {
	b.t.Helper()
	a := b.open(page).wantStatus(b.t, http.StatusFound).wantLean(b.t)
	b.wantLeanRequests()
	return a.Header.Get("Location")
}

// comeBack lets WeChat answer and returns what the callback does.
func (b *browser) comeBack(authorize string) answer {
	b.t.Helper()
	callback := b.open(authorize).Header.Get("Location")
	a := b.open(callback).wantLean(b.t)
	b.wantLeanRequests()
	return a
}

// longPage returns an address of that many bytes.
func longPage(bytes int) string { return "/p?" + strings.Repeat("q", bytes-len("/p?")) }

// letters are Chinese ones, as browsers send them.
func letters(n int) string { return "/" + strings.Repeat("%E5%95%86", n) }

func TestTargetsOfEveryLengthAreLandedOnWhole(t *testing.T) {
	for name, page := range map[string]string{
		"short":                            "/orders?id=5",
		"127 letters":                      letters(127),
		"512 bytes to encode twice":        "/?" + strings.Repeat("&", 510),
		"512 encoded bytes":                "/" + strings.Repeat("%FF", 170),
		"513 bytes":                        longPage(513),
		"1,000 bytes":                      longPage(1000),
		"1,400 bytes":                      longPage(1400),
		"1,600 bytes":                      longPage(1600),
		"1,700 bytes":                      longPage(1700),
		"1,990 bytes":                      longPage(1990),
		"2,000 bytes":                      longPage(2000),
		"a path of 2,000 bytes":            "/" + strings.Repeat("a", 1999),
		"2,000 bytes that begin with //":   "//" + longPage(1998)[1:],
		"2,000 bytes to encode twice":      "/?" + strings.Repeat("&", 1998),
		"2,000 bytes that are not encoded": "/?" + strings.Repeat("\xe5", 1998),
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			landing := page
			if strings.HasPrefix(page, "//") {
				landing = w.site(page)
			}
			b.comeBack(b.toWeChat(page)).wantRedirect(t, landing)
			b.open(page).wantStatus(t, http.StatusOK)
			if w.logs.FilterMessageSnippet("too long").Len() > 0 {
				t.Errorf("log: %v", w.logs.All())
			}
		})
	}
}

func TestTheHeadOfACallbackWithTheLongestSession(t *testing.T) {
	person := simulator.Person{
		ID: "long", Nickname: strings.Repeat("名", 32), Avatar: "https://thirdwx.qlogo.cn/" + strings.Repeat("a", 300),
	}
	w := startWorld(t, "https", simulator.Config{People: []simulator.Person{person}})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s {\nscope snsapi_userinfo\nconsent direct\n}\nplatform %s\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL))
	for _, page := range []string{longPage(2000), "//" + longPage(1998)[1:]} {
		b := w.browser(inWeChat)
		a := b.open(b.agree(b.toWeChat(page), "allow")).wantStatus(t, http.StatusFound).wantLean(t)
		t.Logf("%d bytes", headBytes(a))
		if !strings.HasSuffix(a.Header.Get("Location"), page) || b.cookie("__Host-wechat_session") == "" {
			t.Errorf("landed at %.60s", a.Header.Get("Location"))
		}
	}
}

func TestAbandonedLoginsNeverFillARequest(t *testing.T) {
	for name, page := range map[string]func(i int) string{
		"127 letters":   func(i int) string { return fmt.Sprintf("%s?%d", letters(127), i) },
		"1,990 bytes":   func(i int) string { return fmt.Sprintf("%s&%d", longPage(1988), i) },
		"short":         func(i int) string { return fmt.Sprintf("/orders?id=%d", i) },
		"of every kind": func(i int) string { return fmt.Sprintf("%s&%d", longPage(50+(i*317)%1900), i) },
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			var authorize []string
			for i := range 20 {
				authorize = append(authorize, b.toWeChat(page(i)))
				w.pass(time.Second)
			}
			// The last ones of them are under way still, in whatever order they come back.
			const underWay = 6
			for i := 19; i > 19-underWay; i-- {
				b.comeBack(authorize[i]).wantRedirect(t, page(i))
			}
			b.open("/else").wantStatus(t, http.StatusOK)
		})
	}
}

// What is in a browser from before, or of another key, must not lock it out either.
func TestCookiesThatDoNotOpenGiveWay(t *testing.T) {
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	u, _ := url.Parse(w.site("/"))
	authorize := b.toWeChat("/mine")
	var cookies []*http.Cookie
	for i := range 8 {
		for _, prefix := range []string{"__Host-", ""} { // those of http come along
			if name := fmt.Sprintf("%swechat_login_%d", prefix, i); b.cookie(name) == "" {
				cookies = append(cookies, &http.Cookie{Name: name, Value: strings.Repeat("x", 1200), Path: "/", Secure: prefix != ""})
			}
		}
	}
	b.client.Jar.SetCookies(u, cookies)
	b.toWeChat(letters(127))
	size := 0
	for _, name := range b.cookieNames() {
		size += len(name + "=" + b.cookie(name) + "; ")
	}
	if size >= 4096 {
		t.Errorf("the browser sends %d bytes: %v", size, b.cookieNames())
	}
	b.comeBack(authorize).wantRedirect(t, "/mine")
}

func TestASpentAttemptKeepsNoTarget(t *testing.T) {
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	size := func() int { return len(strings.SplitN(b.attemptCookie(), "=", 2)[1]) }
	b.comeBack(b.toWeChat("/")).wantStatus(t, http.StatusFound)
	short := size()
	b.forgetAll()
	b.comeBack(b.toWeChat(longPage(1400))).wantStatus(t, http.StatusFound)
	if long := size(); long != short {
		t.Errorf("a spent attempt has %d bytes for a short target, %d for a long one", short, long)
	}
}

func TestLongTargetsOfRepeatedCallbacks(t *testing.T) {
	for _, page := range []string{letters(100), longPage(1990)} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.toCallback(page)
		b.open(callback).wantRedirect(t, page)
		b.open(callback).wantRedirect(t, page) // this instance knows
		w.pass(2 * time.Minute)
		want := page
		if len(page) < 1990 {
			want = "/" // nobody knows any more
		}
		b.open(callback).wantRedirect(t, want)
	}
}

// outOfOrder fails whenever it is asked for an entry, and counts that for targets.
type outOfOrder struct {
	store.Store
	targets *atomic.Int32
}

func (s outOfOrder) Put(_ context.Context, key string, _ []byte, _ time.Duration) error {
	s.count(key)
	return store.ErrStore
}

func (s outOfOrder) Get(_ context.Context, key string) ([]byte, error) {
	s.count(key)
	return nil, store.ErrStore
}

func (s outOfOrder) count(key string) {
	if strings.HasPrefix(key, "target/") {
		s.targets.Add(1)
	}
}

// breakStore lets the store fail from now on, and returns what counts how often it is asked for a target.
func (w *world) breakStore() *atomic.Int32 {
	calls := new(atomic.Int32)
	w.storeOf(w.handler).use(func(s store.Store) store.Store { return outOfOrder{s, calls} })
	return calls
}

func TestALongTargetWithAStoreThatFails(t *testing.T) {
	const told = "the address that a visitor asked for is too long to be kept: they land on its path"
	t.Run("from the beginning", func(t *testing.T) {
		w := newWorld(t, "")
		calls := w.breakStore()
		b := w.browser(inWeChat)
		b.comeBack(b.toWeChat(longPage(1990))).wantRedirect(t, "/p")
		if w.logs.FilterMessage(told).Len() != 1 {
			t.Errorf("log: %v", w.logs.All())
		}
		// Nobody waits for a store that is known to fail.
		w.browser(inWeChat).toWeChat(longPage(1990))
		if got := calls.Load(); got > 1 { // none where somebody else has found out before
			t.Errorf("%d calls to a store that fails", got)
		}
		// What fits needs no store.
		b = w.browser(inWeChat)
		b.comeBack(b.toWeChat(letters(127))).wantRedirect(t, letters(127))
		b = w.browser(inWeChat)
		twice := "/?" + strings.Repeat("&", 510) // stands in the callback's URL where there is room
		b.comeBack(b.toWeChat(twice)).wantRedirect(t, twice)
		// Where another tab has to give way for it, it does.
		b = w.browser(inWeChat)
		b.toWeChat(letters(100))
		b.comeBack(b.toWeChat(longPage(1300))).wantRedirect(t, longPage(1300))
		long := "/" + strings.Repeat("a", 1300)
		b.comeBack(b.toWeChat("/_wechat/login?account=official_account&return_to="+long+"?"+strings.Repeat("b", 600))).wantRedirect(t, long)
	})
	t.Run("meanwhile", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		authorize := b.toWeChat(longPage(1990))
		w.breakStore()
		b.comeBack(authorize).wantRedirect(t, "/p")
		if w.logs.FilterMessageSnippet("cannot be had from the store").Len() != 1 {
			t.Errorf("log: %v", w.logs.All())
		}
	})
	t.Run("the target is over", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		authorize := b.toWeChat(longPage(1990))
		w.pass(9 * time.Minute)
		b.comeBack(authorize).wantRedirect(t, longPage(1990))
	})
}

// What a stranger makes of the addresses that the module leads to does not break the head either.
func TestLongAddressesInOwnAnswers(t *testing.T) {
	w := newWorld(t, "public_url http://"+host)
	long := "/a?" + strings.Repeat("b", 8000)
	for address, want := range map[string]string{
		"/_wechat/callback?to=" + url.QueryEscape(long):                             "/a",
		"/_wechat/login?return_to=" + url.QueryEscape(long):                         "/a",
		"/_wechat/login?return_to=" + url.QueryEscape("/"+strings.Repeat("中", 700)): "/",
		"http://www.example" + long:                                                 w.site("/a"),
		"http://www.example" + longPage(3000):                                       w.site(longPage(3000)),
	} {
		b := w.browser(inWeChat)
		b.login("/")
		b.open(address).wantLean(t).wantRedirect(t, want)
	}
	if w.logs.FilterMessageSnippet("too long to be kept").Len() == 0 {
		t.Errorf("log: %v", w.logs.All())
	}
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("?return_to="+url.QueryEscape(long)).wantLean(t).wantRedirect(t, "/a")
}

func TestThePagesHeadsFit(t *testing.T) {
	w := makeWorld(t, "https", "", "")
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s {\nscope snsapi_userinfo\n}\nplatform %s\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL))
	b := w.browser(inWeChat)
	for _, page := range []string{letters(127), longPage(1200), longPage(1600), longPage(1990), "/?" + strings.Repeat("&", 510)} {
		a := b.open(page).wantLean(t)
		b.wantLeanRequests()
		b.open(b.agree(consentPage(t, a), "allow")).wantLean(t).wantRedirect(t, page)
		b.forget("__Host-wechat_session")
		w.pass(time.Minute)
	}
	// Eight attempts to take back at once.
	for i := range 8 {
		b.open(fmt.Sprintf("/%d", i)).wantStatus(t, http.StatusOK)
	}
	for range 3 {
		b.open("/_wechat/callback?code=x&state=y")
	}
	if a := b.open("/_wechat/callback?code=x&state=y").wantLean(t); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d", a.StatusCode)
	}
}

func TestALongTargetStandsInTheStoreForNobodyToRead(t *testing.T) {
	w := newWorld(t, "")
	w.browser(inWeChat).toWeChat("/p?secret=" + strings.Repeat("q", 1900))
	files, err := filepath.Glob(filepath.Join(w.storage, "wechat", "target", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("in the store: %v %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "qqq") {
		t.Errorf("it reads %.80q, %v", text, err)
	}
}
