package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// goRound lets the browser go on from an address as long as it is led on, with the callback's address changed on the
// way. It returns how many callbacks there were, and where it ended.
func (b *browser) goRound(address string, change func(callback string) string) (callbacks int, end answer) {
	b.t.Helper()
	for range 60 {
		end = b.open(address)
		address = end.Header.Get("Location")
		if address == "" {
			return callbacks, end
		}
		if u, err := url.Parse(address); err == nil && u.Path == "/_wechat/callback" {
			address = change(address)
			callbacks++
		}
	}
	b.t.Fatalf("no end after %d callbacks", callbacks)
	return 0, answer{}
}

// retry returns where the button of a page leads.
func retry(t *testing.T, a answer) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.body, `href="/_wechat/login?`)
	address, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no button: %s", a.body)
	}
	return "/_wechat/login?" + strings.ReplaceAll(address, "&amp;", "&")
}

// withState returns a change of the state in a callback's address.
func withState(change func(state string) string) func(string) string {
	return func(callback string) string {
		address, query, _ := strings.Cut(callback, "?")
		values, _ := url.ParseQuery(query)
		if state := change(values.Get("state")); state != "" {
			values.Set("state", state)
		} else {
			values.Del("state")
		}
		return address + "?" + values.Encode()
	}
}

func unchanged(callback string) string { return callback }

func TestAStateThatIsChangedOnTheWayIsALoopWithAnEnd(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"cut":         func(s string) string { return s[:len(s)/2] },
		"cut by one":  func(s string) string { return s[:len(s)-1] },
		"upper case":  strings.ToUpper,
		"dropped":     func(string) string { return "" },
		"replaced":    func(string) string { return "x" },
		"begun anew":  func(s string) string { return "0" + s },
		"one changed": func(s string) string { return strings.Map(func(r rune) rune { return r ^ 1 }, s[:1]) + s[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			// The retry begins anew, as often as it is tried.
			address := "/page"
			for range 3 {
				n, end := b.goRound(address, withState(change))
				end.wantStatus(t, http.StatusTooManyRequests).wantLean(t)
				if !strings.Contains(end.body, "在途中被改动") {
					t.Errorf("the page does not say why: %s", end.body)
				}
				if n != 3 {
					t.Fatalf("%d callbacks", n)
				}
				if names := b.cookieNames(); slices.ContainsFunc(names, func(name string) bool { return !attemptName.MatchString(name) }) {
					t.Errorf("left cookies: %v", names)
				}
				if strings.Contains(end.body, "Cookie") {
					t.Error("the page says that cookies are not kept")
				}
				address = retry(t, end)
			}
			if w.logs.FilterField(zap.String("reason", loopState)).Len() != 3 {
				t.Errorf("log: %v", w.logs.FilterField(zap.String("outcome", "loop")).All())
			}
			// Once nobody changes it any more, it lands.
			if n, end := b.goRound(address, unchanged); n != 1 || end.body != "app "+person {
				t.Errorf("ended with status %d after %d callbacks", end.StatusCode, n)
			}
		})
	}
}

func TestWhatIsAppendedToTheStateIsNoMatter(t *testing.T) {
	for _, more := range []string{"0", "&from=singlemessage", "?from=timeline&isappinstalled=0", "#wechat_redirect", strings.Repeat("x", 3000)} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		n, end := b.goRound("/page", withState(func(s string) string { return s + more }))
		if n != 1 || end.body != "app "+person || w.exchanges() != 1 {
			t.Errorf("%.20q: status %d after %d callbacks", more, end.StatusCode, n)
		}
		// The rounds of a browser without cookies are read all the same.
		b.cookies = false
		if n, end := b.goRound("/page", withState(func(s string) string { return s + more })); n != 3 || end.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%.20q, without cookies: status %d after %d callbacks", more, end.StatusCode, n)
		}
	}
}

// A cache that keeps our answers leads a browser to WeChat with the same state over and over.
func TestABrowserThatRepeatsACallbackForEver(t *testing.T) {
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	cached := b.open("/page").Header.Get("Location")
	callback := func() string { return b.open(cached).Header.Get("Location") } // with another code each time
	b.open(callback()).wantRedirect(t, "/page")
	for i := range 3 {
		b.open(callback()).wantLean(t).wantRedirect(t, "/page")
		if n := w.exchanges(); n != 1 {
			t.Fatalf("%d exchanges after %d repetitions", n, i+1)
		}
	}
	a := b.open(callback()).wantStatus(t, http.StatusTooManyRequests).wantLean(t)
	if strings.Contains(a.body, "Cookie") || w.logs.FilterField(zap.String("reason", loopRepeats)).Len() != 1 {
		t.Errorf("log: %v; %s", w.logs.FilterField(zap.String("outcome", "loop")).All(), a.body)
	}
	if n := w.logs.FilterField(zap.String("outcome", "repeated")).Len(); n != 3 {
		t.Errorf("%d lines about repetitions", n)
	}
	// The session is there, so the button leads on.
	b.open(retry(t, a)).wantRedirect(t, "/page")
	// Without it, the next start after three repetitions is stopped as well.
	w.pass(time.Minute)
	cached = b.open("/_wechat/login?account=official_account&return_to=/page").Header.Get("Location")
	for range 4 {
		b.open(callback()).wantRedirect(t, "/page")
	}
	b.forget("__Host-wechat_session")
	b.open("/page").wantStatus(t, http.StatusTooManyRequests)
	b.open("/page").wantStatus(t, http.StatusFound) // the page itself lets it begin anew
}

// A browser that asked twice takes the second answer only, as WeChat's does. It knows all that the first one said.
func TestTheSecondAnswerSaysAllThatTheFirstSaid(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	site, _ := url.Parse(w.site("/"))
	before := b.client.Jar.Cookies(site)
	b.open(callback).wantRedirect(t, "/page")
	b.forgetAll()
	for _, c := range before {
		c.Path = "/"
	}
	b.client.Jar.SetCookies(site, before)
	b.open(callback).wantRedirect(t, "/page")
	b.open("/page").wantStatus(t, http.StatusOK)
	w.pass(2 * time.Minute)
	b.open(callback).wantRedirect(t, "/page")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

// WeChat asks twice now and then, and people go back: that is no loop.
func TestRepeatedCallbacksNowAndThen(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	b.open(callback).wantRedirect(t, "/page")
	for range 8 {
		w.pass(21 * time.Second)
		b.open(callback).wantRedirect(t, "/page")
	}
}

func TestOnlyNavigationsCount(t *testing.T) {
	for name, headers := range map[string][]string{
		"an image":          {"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: cross-site"},
		"a fetch":           {"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"},
		"XMLHttpRequest":    {"X-Requested-With: XMLHttpRequest"},
		"a prefetch":        {"Sec-Purpose: prefetch", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"a script's import": {"Sec-Fetch-Dest: script"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			callback := b.toCallback("/page")
			for i := range 10 {
				a := b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), headers...)
				if m := a.wantJSON(t, http.StatusUnauthorized, "login_required"); m["login_url"] != "/_wechat/login?return_to=%2Fpage" {
					t.Errorf("login_url %s", m["login_url"])
				}
				if got := a.Header["Set-Cookie"]; got != nil {
					t.Fatalf("Set-Cookie: %s", got)
				}
			}
			// Nor is the browser's own attempt spent, or given up.
			b.open(callback, headers...).wantStatus(t, http.StatusUnauthorized)
			b.open(withoutCode(callback), headers...).wantStatus(t, http.StatusUnauthorized)
			if n := w.exchanges(); n != 0 {
				t.Errorf("%d exchanges", n)
			}
			b.open(callback).wantRedirect(t, "/page")
			// With a session it leads on, and is none of the repetitions that count.
			for range 6 {
				b.open(callback, headers...).wantRedirect(t, "/page")
			}
			b.open(callback).wantRedirect(t, "/page")
		})
	}
	t.Run("what does not say what it is begins nothing", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		for range 5 {
			a := b.send("GET", "/_wechat/callback?code=x&state=forged&to=/page", "Accept: */*")
			if a.wantJSON(t, http.StatusUnauthorized, "login_required"); a.Header["Set-Cookie"] != nil {
				t.Fatalf("Set-Cookie: %s", a.Header["Set-Cookie"])
			}
		}
		b.send("GET", b.toCallback("/page"), "Accept: */*").wantRedirect(t, "/page")
	})
	t.Run("a service worker may come back", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.open(b.toCallback("/page"), "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty").wantRedirect(t, "/page")
	})
	t.Run("a frame may come back, and begins nothing", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		frame := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}
		if a := b.open("/_wechat/callback?code=x&state=forged", frame...); a.StatusCode != http.StatusUnauthorized || a.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, cookies %s", a.StatusCode, a.Header["Set-Cookie"])
		}
		b.open(b.toCallback("/page"), frame...).wantRedirect(t, "/page")
	})
}

// Whatever another site makes a browser do ends on a page whose button works.
func TestForgedCallbacksOfAnotherSite(t *testing.T) {
	popup := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	t.Run("with a session they lead to the page", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		for i := range 10 {
			b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), popup...).wantRedirect(t, "/page")
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
	t.Run("without one a click is enough", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		own, other := b.toCallback("/own"), b.toCallback("/other")
		var a answer
		for i := range 3 {
			a = b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i), popup...)
		}
		a.wantStatus(t, http.StatusTooManyRequests)
		b.open(own).wantRedirect(t, "/own") // a login that is under way goes on
		b.open(other).wantRedirect(t, "/other")
		b.forget("wechat_session")
		if n, end := b.goRound(retry(t, a), unchanged); n != 1 || end.body != "app "+person {
			t.Errorf("status %d after %d callbacks", end.StatusCode, n)
		}
	})
	t.Run("rounds that somebody else collected are theirs", func(t *testing.T) {
		w := newWorld(t, "")
		attacker, victim := w.browser(inWeChat), w.browser(inWeChat)
		attacker.cookies = false
		state := ""
		note := func(callback string) string {
			u, _ := url.Parse(callback)
			state = u.Query().Get("state")
			return callback
		}
		attacker.goRound("/page", note) // the last state has been through two rounds
		victim.open("/begun")           // this browser keeps cookies
		victim.open("/_wechat/callback?code=x&to=/page&state="+state, popup...).wantStatus(t, http.StatusFound)
		victim.open("/_wechat/callback?code=x&to=/page&state="+state, popup...).wantStatus(t, http.StatusFound)
	})
	t.Run("eight logins in popups, with long addresses", func(t *testing.T) {
		w := makeWorld(t, "https", "", "")
		b := w.browser(inWeChat)
		b.login("/")
		for i := range 8 {
			b.open(fmt.Sprintf("/_wechat/login?account=official_account&return_to=%s%%26%d", url.QueryEscape(longPage(1980)), i), popup...).
				wantStatus(t, http.StatusFound).wantLean(t)
			b.wantLeanRequests()
		}
		b.open("/page").wantStatus(t, http.StatusOK)
	})
}

func TestTheRoundsCookie(t *testing.T) {
	for scheme, name := range map[string]string{"https": "__Host-wechat_rounds", "http": "wechat_rounds"} {
		w := makeWorld(t, scheme, "", "public /public")
		b := w.browser(inWeChat)
		forged := func(i int) answer { return b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i)) }
		a := forged(1).wantStatus(t, http.StatusFound)
		i := slices.IndexFunc(a.Header["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, name+"=") })
		if i < 0 || !strings.Contains(a.Header["Set-Cookie"][i], "; Path=/; Max-Age=60; HttpOnly") ||
			strings.Contains(a.Header["Set-Cookie"][i], "; Secure") != (scheme == "https") || !strings.HasSuffix(a.Header["Set-Cookie"][i], "; SameSite=Lax") {
			t.Errorf("Set-Cookie: %s", a.Header["Set-Cookie"])
		}
		b.open("/public", "Cookie: "+name+"=planted; mine=1").wantStatus(t, http.StatusOK)
		if got := w.received().Header.Get("Cookie"); got != "mine=1" {
			t.Errorf("the app got %q", got)
		}
		forged(2).wantStatus(t, http.StatusFound)
		if scheme == "http" {
			// Of another site, or altered, it says nothing.
			cookie := b.cookie(name)
			for _, planted := range []string{cookie[:len(cookie)-4], "A" + cookie[1:], "x", "", strings.Repeat("x", 5000)} {
				w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", "Cookie: "+name+"="+planted).wantStatus(t, http.StatusFound)
			}
			w.browser(inWeChat).open("http://shop.example.com/_wechat/callback?code=x&state=y", "Cookie: "+name+"="+cookie).wantStatus(t, http.StatusFound)
			w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", "Cookie: "+name+"="+cookie).wantStatus(t, http.StatusTooManyRequests)
			// Neither it nor an attempt is the other.
			keys, err := w.handler.lease.keyring.Keyset(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			scope, sealer := w.handler.site.Scope(visitor.Origin{Scheme: "http", Host: host}), keys.Sealer("login attempt")
			attempts := login.ReadAttempts([]visitor.Cookie{{Name: "wechat_login_3", Value: cookie}}, sealer, scope, false, w.now())
			if attempts.AnyOpen() || attempts.Foreign() != 1 {
				t.Error("restarts open as an attempt")
			}
			planted, err := sealer.Seal(scope, login.Restarts{w.now(), w.now(), w.now()})
			if err != nil {
				t.Fatal(err)
			}
			w.browser(inWeChat).open("/page", "Cookie: "+name+"="+planted).wantStatus(t, http.StatusFound)
		}
		// After a minute it is as if nothing had been.
		w.pass(time.Minute)
		forged(3).wantStatus(t, http.StatusFound)
		forged(4).wantStatus(t, http.StatusFound)
		// A login that succeeds leaves nothing but itself, and a logout nothing at all.
		callback := b.toCallback("/page")
		b.open(callback).wantRedirect(t, "/page")
		if names := b.cookieNames(); slices.Contains(names, name) {
			t.Errorf("after a login: %v", names)
		}
		b.open(callback).wantRedirect(t, "/page")
		if names := b.cookieNames(); !slices.Contains(names, name) {
			t.Errorf("after a repetition: %v", names)
		}
		b.logout("")
		if names := b.cookieNames(); len(names) != 0 {
			t.Errorf("after a logout: %v", names)
		}
	}
}

// A proxy may drop the cookies of one answer and not of another.
func TestABrowserThatNeverGetsTheCookiesOfACallback(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	site, _ := url.Parse(w.site("/"))
	landed := 0
	for range 10 {
		a := b.open("/page")
		if a.StatusCode == http.StatusTooManyRequests {
			if landed != 3 {
				t.Errorf("landed %d times", landed)
			}
			return
		}
		callback := b.open(a.Header.Get("Location")).Header.Get("Location")
		cookies := b.client.Jar.Cookies(site)
		b.open(callback).wantRedirect(t, "/page")
		landed++
		b.forgetAll()
		for _, c := range cookies {
			c.Path = "/"
		}
		b.client.Jar.SetCookies(site, cookies)
	}
	t.Error("no end")
}

// What the log says of loops.
const (
	loopCookies = "the browser does not keep the cookies, or instances of the site have different session keys"
	loopState   = "callbacks come without the state that they were begun with: something between here and the browser changes " +
		"the URL"
	loopAccount = "the account that a login was begun with is gone: instances of the site have different accounts"
	loopRepeats = "the browser repeats callbacks that were answered: a cache may keep the module's answers; look for " +
		"Cache-Control in a header directive"
)

// Instances that can't open one another's cookies pass a visitor to and fro, each time without the attempt.
func TestInstancesThatDoNotKnowOneAnother(t *testing.T) {
	directive := func(w *world, appID, key string) string {
		return fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nsession {\nkey %s\n}\n}", appID, simulator.DemoSecret, w.simURL, key)
	}
	const otherApp = "wx00000000000000aa"
	for name, tt := range map[string]struct{ appID, key string }{
		"by another key":     {simulator.DemoAppID, strings.ToUpper(sessionKey)},
		"by another account": {otherApp, sessionKey},
	} {
		for _, page := range []string{"/page", letters(60), letters(127), longPage(1990)} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, len(page)), func(t *testing.T) {
				account := func(appID string) simulator.OfficialAccount {
					return simulator.OfficialAccount{AppID: appID, Secret: simulator.DemoSecret, Domain: host}
				}
				w := newWorldWith(t, simulator.Config{Accounts: []simulator.OfficialAccount{account(simulator.DemoAppID), account(otherApp)}})
				instances := []*Handler{
					w.provision(directive(w, simulator.DemoAppID, sessionKey)), w.provision(directive(w, tt.appID, tt.key)),
				}
				w.handler = instances[0]
				b := w.browser(inWeChat)
				turn := 0
				n, end := b.goRound(page, func(callback string) string {
					turn++
					w.swap(instances[turn%2])
					return callback
				})
				end.wantStatus(t, http.StatusTooManyRequests)
				t.Logf("%d callbacks", n)
				reason := loopCookies
				if tt.appID == otherApp {
					reason = loopAccount
				}
				told := 0
				for _, h := range instances {
					told += w.logsOf(h).FilterField(zap.String("reason", reason)).Len()
				}
				if told != 1 {
					t.Error("the log does not say why")
				}
				if w.exchanges() != 0 {
					t.Errorf("%d codes were given to an account that is not theirs", w.exchanges())
				}
			})
		}
	}
}

func TestTheSessionsCookieIsNotTheRounds(t *testing.T) {
	_, err := adaptSite("wechat_auth {\nofficial_account wx0123456789abcdef 0123456789abcdef0123456789abcdef\nsession {\ncookie wechat_rounds\n}\n}")
	if err == nil || !strings.Contains(err.Error(), "wechat_rounds") {
		t.Errorf("got %v", err)
	}
}
