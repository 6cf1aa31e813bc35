package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

var person = simulator.OpenID(simulator.DemoAppID, "xiaoming")

func TestLoginLandsOnThePageThatWasAskedFor(t *testing.T) {
	for _, page := range []string{
		"/", "/orders?id=5&b=%20x", "/a%20b/c+d?x=1&x=2&&", "/%E5%95%86%E5%93%81?q=%E4%B8%AD", "//evil.example/x", "/a?redirect=//evil.example",
		"/?state=1&code=2", "/%2525", "/x?" + strings.Repeat("y", 1900), "/\xe5\x95\x86",
	} {
		t.Run(fmt.Sprintf("%.30q", page), func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			callback := b.toCallback(page)
			want := page
			if strings.HasPrefix(page, "//") {
				want = w.site(page)
			}
			b.open(callback).wantRedirect(t, want)
			b.open(page).wantStatus(t, http.StatusOK)
			if got := w.received(); got.Header.Get("X-Wechat-User") != person || got.RequestURI != page {
				t.Errorf("the app got %s for %s", got.RequestURI, got.Header.Get("X-Wechat-User"))
			}
			if got := w.exchanges(); got != 1 {
				t.Errorf("%d exchanges", got)
			}
		})
	}
}

func TestAuthorizeURL(t *testing.T) {
	w := makeWorld(t, "https", "", "")
	a := w.browser(inWeChat).open("/orders?id=5")
	a.wantStatus(t, http.StatusFound)
	pattern := "^" + regexp.QuoteMeta(w.simURL) + `/connect/oauth2/authorize\?appid=` + simulator.DemoAppID +
		`&redirect_uri=https%3A%2F%2Fh5\.example\.com%2F_wechat%2Fcallback%3Fto%3D%252Forders%253Fid%253D5` +
		`&response_type=code&scope=snsapi_base&state=[A-Za-z0-9]{32,128}#wechat_redirect$`
	if location := a.Header.Get("Location"); !regexp.MustCompile(pattern).MatchString(location) {
		t.Errorf("Location: %s", location)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
	cookie := `^__Host-wechat_login_[0-7]=[A-Za-z0-9_=-]+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`
	if got := a.Header.Get("Set-Cookie"); !regexp.MustCompile(cookie).MatchString(got) {
		t.Errorf("Set-Cookie: %s", got)
	}
}

func TestLongTargets(t *testing.T) {
	for _, c := range []struct{ name, target, to, landing string }{
		{"512 bytes stand in the callback", "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 511)},
		{"513 bytes do not", "/" + strings.Repeat("a", 512), "", "/" + strings.Repeat("a", 512)},
		{"over 2000 bytes lose their query", "/a?" + strings.Repeat("b", 2000), "/a", "/a"},
		{"an endless path becomes /", "/" + strings.Repeat("a", 8000), "/", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t, "").browser(inWeChat)
			callback := b.toCallback(c.target)
			u, err := url.Parse(callback)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("to"); got != c.to {
				t.Errorf("to=%.40q", got)
			}
			b.open(callback).wantRedirect(t, c.landing)
		})
	}
}

func TestSessionCookie(t *testing.T) {
	for scheme, pattern := range map[string]string{
		"https": `^__Host-wechat_session=[A-Za-z0-9_=-]+; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$`,
		"http":  `^wechat_session=[A-Za-z0-9_=-]+; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax$`,
	} {
		t.Run(scheme, func(t *testing.T) {
			b := makeWorld(t, scheme, "", "").browser(inWeChat)
			a := b.open(b.toCallback("/"))
			i := slices.IndexFunc(a.Header["Set-Cookie"], regexp.MustCompile(pattern).MatchString)
			if i < 0 {
				t.Fatalf("Set-Cookie: %q", a.Header["Set-Cookie"])
			}
			t.Logf("the session's Set-Cookie has %d bytes", len(a.Header["Set-Cookie"][i]))
			b.open("/").wantStatus(t, http.StatusOK)
		})
	}
}

func TestSessionEndsWithItsLifetime(t *testing.T) {
	w := newWorld(t, "session {\nkey "+sessionKey+"\nlifetime 2h\n}")
	b := w.browser(inWeChat)
	b.login("/")
	w.pass(2*time.Hour - 2*time.Second)
	b.open("/").wantStatus(t, http.StatusOK)
	w.pass(2 * time.Second)
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestCallbackTwice(t *testing.T) {
	t.Run("at once: one exchange, both land", func(t *testing.T) {
		w := newWorld(t, "")
		if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() { b.open(callback).wantRedirect(t, "/page") })
		}
		wait.Wait()
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
	t.Run("by Back, within a minute: the same session", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		b.open(callback)
		b.forget("wechat_session") // as when the first answer's session did not arrive
		b.open(callback).wantRedirect(t, "/page")
		b.open("/page").wantStatus(t, http.StatusOK)
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
	})
	t.Run("by Back, later: a live session goes straight to the page", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		b.open(callback)
		w.pass(2 * time.Minute)
		b.open(callback).wantRedirect(t, "/page")
		w.pass(time.Hour) // the attempt is over
		b.open(callback).wantRedirect(t, "/page")
		if got := w.exchanges(); got != 1 {
			t.Errorf("%d exchanges", got)
		}
	})
	t.Run("by Back, later, without a session: begun afresh", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		b.open(callback)
		b.forget("wechat_session")
		w.pass(2 * time.Minute)
		if a := b.follow(callback); a.body != "app "+person || a.Request.URL.Opaque != "/page" {
			t.Errorf("ended at %s with %q", a.Request.URL, a.body)
		}
	})
	t.Run("after logout the result is not given again", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		a := b.open(callback)
		spent := a.Cookies()
		b.logout("")
		u, _ := url.Parse(w.site("/"))
		b.client.Jar.SetCookies(u, spent) // somebody kept them
		a = b.open(callback)
		a.wantStatus(t, http.StatusFound)
		if !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("landed at %s", a.Header.Get("Location"))
		}
	})
}

func TestCallbackOfAnotherBrowser(t *testing.T) {
	w := newWorld(t, "")
	mine, theirs := w.browser(inWeChat), w.browser(inWeChat)
	callback := mine.toCallback("/page")
	a := theirs.open(callback) // a shared link, or an attacker's
	a.wantStatus(t, http.StatusFound)
	if !strings.HasPrefix(a.Header.Get("Location"), w.simURL+"/connect/") || slices.Contains(theirs.cookieNames(), "wechat_session") {
		t.Errorf("another browser's callback led to %s with %v", a.Header.Get("Location"), theirs.cookieNames())
	}
	if got := w.exchanges(); got != 0 {
		t.Errorf("%d exchanges", got)
	}
	mine.open(callback).wantRedirect(t, "/page")
	if a := theirs.open(callback); !strings.HasPrefix(a.Header.Get("Location"), w.simURL+"/connect/") {
		t.Errorf("after the first landed, the other's callback led to %s", a.Header.Get("Location"))
	}
	// With a live session of their own they get to the page, as themselves.
	if err := w.sim.Hold("emma"); err != nil {
		t.Fatal(err)
	}
	theirs.login("/else")
	theirs.open(callback).wantRedirect(t, "/page")
	theirs.open("/page")
	if got := w.received().Header.Get("X-Wechat-User"); got != simulator.OpenID(simulator.DemoAppID, "emma") {
		t.Errorf("the app sees %s", got)
	}
}

func TestCallbackThatIsNobodys(t *testing.T) {
	for _, callback := range []string{
		"/_wechat/callback", "/_wechat/callback?code=x", "/_wechat/callback?code=x&state=", "/_wechat/callback?code=x&state=y",
		"/_wechat/callback?code=x&state=" + strings.Repeat("a", 5000), "/_wechat/callback?code=%00&state=%ff&to=//evil.example",
		"/_wechat/callback?code=x&state=y&to=https://evil.example/", "/_wechat/callback?code=x&state=y&to=/\\evil.example",
	} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		a := b.open(callback)
		a.wantStatus(t, http.StatusFound)
		if a := b.follow(a.Header.Get("Location")); a.Request.URL.Host != host || a.body != "app "+person {
			t.Errorf("%.60s ended at %s", callback, a.Request.URL)
		}
	}
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	first, second := b.toCallback("/first"), b.toCallback("/second")
	b.open(first).wantRedirect(t, "/first")
	b.open(second).wantRedirect(t, "/second")
	b.open("/").wantStatus(t, http.StatusOK)
}

func TestAtMostEightAttempts(t *testing.T) {
	b := newWorld(t, "").browser(inWeChat)
	var last string
	for i := range 12 {
		last = b.toCallback(fmt.Sprintf("/%d", i))
	}
	if names := b.cookieNames(); len(names) != 8 {
		t.Errorf("cookies: %v", names)
	}
	b.open(last).wantRedirect(t, "/11")
}

func TestRefusedCodeBeginsAfresh(t *testing.T) {
	for _, code := range []int{40029, 40163, 42003} {
		w := newWorld(t, "")
		if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: code, Times: 1}); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		b.login("/page")
		if got := w.exchanges(); got != 2 {
			t.Errorf("%d: %d exchanges", code, got)
		}
		if names := b.cookieNames(); len(names) != 2 {
			t.Errorf("%d: cookies %v", code, names)
		}
	}
}

func TestNewSessionWithEveryLogin(t *testing.T) {
	b := newWorld(t, "").browser(inWeChat)
	b.login("/")
	before := b.cookie("wechat_session")
	b.login("/_wechat/login?account=official_account&return_to=/again")
	if b.cookie("wechat_session") == before {
		t.Error("the old session was kept")
	}
}

func TestLoopBreaker(t *testing.T) {
	// rounds lets the browser go round until it is told something else than to go on, and returns how often it came back.
	rounds := func(t *testing.T, b *browser, afterLanding func()) (int, answer) {
		t.Helper()
		address, callbacks := "/page", 0
		for range 30 {
			a := b.open(address)
			location := a.Header.Get("Location")
			if location == "" {
				return callbacks, a
			}
			address = location
			if strings.Contains(location, "/_wechat/callback?") && !strings.Contains(location, "/connect/") {
				callbacks++
			}
			if location == "/page" {
				afterLanding()
			}
		}
		t.Fatal("no end")
		return 0, answer{}
	}
	nothing := func() {}

	t.Run("WeChat keeps refusing", func(t *testing.T) {
		w := newWorld(t, "")
		if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: 40029}); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		n, a := rounds(t, b, nothing)
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 || w.exchanges() != 3 {
			t.Errorf("%d callbacks, %d exchanges", n, w.exchanges())
		}
		// The page's retry works once WeChat does.
		w.sim.ClearFaults()
		b.login("/_wechat/login?return_to=/page")
	})
	t.Run("the session is not kept", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		n, a := rounds(t, b, func() { b.forget("wechat_session") })
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 {
			t.Errorf("%d callbacks", n)
		}
	})
	t.Run("no cookie is kept", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.cookies = false
		n, a := rounds(t, b, nothing)
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 {
			t.Errorf("%d callbacks", n)
		}
		a = b.open("/page")
		a.wantStatus(t, http.StatusFound) // nothing is held against the address
	})
	t.Run("rounds are forgotten after a minute", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		for range 6 {
			b.login("/page")
			b.forget("wechat_session")
			w.pass(31 * time.Second)
		}
	})
	t.Run("logins merely begun are no rounds", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		for range 20 {
			b.open("/page").wantStatus(t, http.StatusFound)
		}
		b.login("/page")
	})
	t.Run("logging out and in is no loop", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		for range 6 {
			b.login("/page")
			b.logout("")
		}
	})
	t.Run("the count cannot be forged", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.cookies = false
		for _, state := range []string{strings.Repeat("0", 76), strings.Repeat("f", 76)} {
			b.open("/_wechat/callback?code=x&state="+state).wantStatus(t, http.StatusFound)
		}
	})
}

func TestDeclined(t *testing.T) {
	b := newWorld(t, "").browser(inWeChat)
	callback, err := url.Parse(b.toCallback("/page"))
	if err != nil {
		t.Fatal(err)
	}
	q := callback.Query()
	q.Del("code")
	callback.RawQuery = q.Encode()
	a := b.open(callback.String())
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "/_wechat/login?return_to=%2Fpage") {
		t.Errorf("no way to try again: %s", a.body)
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
	b.login("/_wechat/login?return_to=/page")
}

func TestSnapshotVisitorIsNobody(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	u, _ := url.Parse(callback)
	// The simulator gives a snapshot's code to those who ask for the profile only, so the code is bought separately.
	snapshot := strings.ReplaceAll(b.open("/page").Header.Get("Location"), "snsapi_base", "snsapi_userinfo")
	snapshot = strings.Replace(snapshot, "#", "&forceSnapShot=true#", 1)
	code := b.open(snapshot)
	bought, err := url.Parse(code.Header.Get("Location"))
	if err != nil || bought.Query().Get("code") == "" {
		t.Fatalf("the simulator did not hand out a snapshot's code: %d %s", code.StatusCode, code.Header.Get("Location"))
	}
	q := u.Query()
	q.Set("code", bought.Query().Get("code"))
	u.RawQuery = q.Encode()
	b.open(u.String()).wantStatus(t, http.StatusForbidden)
	if slices.Contains(b.cookieNames(), "wechat_session") {
		t.Error("a snapshot's visitor got a session")
	}
}

func TestVisitorWhoLeavesDoesNotLoseTheCode(t *testing.T) {
	w := newWorld(t, "")
	if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	impatient := *b.client
	impatient.Timeout = 30 * time.Millisecond
	req, _ := http.NewRequest("GET", callback, nil)
	req.Header.Set("User-Agent", inWeChat)
	if _, err := impatient.Do(req); err == nil {
		t.Fatal("the first request was meant to be given up")
	}
	b.open(callback).wantRedirect(t, "/page")
	if got := w.exchanges(); got != 1 {
		t.Errorf("%d exchanges", got)
	}
}

func TestKeepFragment(t *testing.T) {
	w := newWorld(t, "keep_fragment")
	b := w.browser(inWeChat)
	a := b.open("/app?x=1&y=2")
	a.wantStatus(t, http.StatusOK)
	if !strings.Contains(a.body, `href="/_wechat/login?return_to=%2Fapp%3Fx%3D1%26y%3D2"`) || a.Header.Get("Set-Cookie") != "" {
		t.Fatalf("body: %s", a.body)
	}
	// What the page's script does.
	b.open(b.toCallback("/_wechat/login?return_to=%2Fapp%3Fx%3D1%26y%3D2"+url.QueryEscape("#/order/9?b=2"))).
		wantRedirect(t, "/app?x=1&y=2#/order/9?b=2")
	for fragment, landing := range map[string]string{
		"#/search?q=100%": "#/search?q=100%25", `#/a\b`: `#/a\b`, "#/a%zz": "#/a%25zz", "#%%%": "#%25%25%25", "#%%41": "#%25%41", "#%4": "#%254", "#%E4%B8%AD%": "#%E4%B8%AD%25", "#a#b": "#a#b", "#": "#", "#\t//x": "#%09//x", "#中": "#%E4%B8%AD",
	} {
		b := w.browser(inWeChat)
		b.open(b.toCallback("/_wechat/login?return_to=%2Fapp"+url.QueryEscape(fragment))).wantRedirect(t, "/app"+landing)
	}
	w.browser(inWeChat).open("//evil.example/x").wantStatus(t, http.StatusFound)
	w.browser(inWeChat).send("GET", "/app").wantStatus(t, http.StatusUnauthorized)
}
