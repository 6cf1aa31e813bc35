package caddywechat

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

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

// What the log says of loops.
const (
	loopCookies = "the browser does not keep the cookies, or instances of the site have different session keys"
	loopState   = "callbacks come without the state that they were begun with: something between here and the " +
		"browser changes the URL"
	loopAccount = "the account that a login was begun with is gone: instances of the site have different accounts"
	loopRepeats = "the browser repeats callbacks that were answered: a cache may keep the module's answers; look for " +
		"Cache-Control in a header directive"
)

func TestLoopBreaker_StopsWhereTheStateIsChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(string) string{
		"cut":         func(s string) string { return s[:len(s)/2] },
		"cut by one":  func(s string) string { return s[:len(s)-1] },
		"upper case":  strings.ToUpper,
		"dropped":     func(string) string { return "" },
		"replaced":    func(string) string { return "x" },
		"prefixed":    func(s string) string { return "0" + s },
		"one changed": func(s string) string { return strings.Map(func(r rune) rune { return r ^ 1 }, s[:1]) + s[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			// Each retry starts a new count.
			address := "/page"
			for range 3 {
				n, end := b.followWith(address, withState(change))
				end.wantStatus(t, http.StatusTooManyRequests).wantSmallHeader(t)
				if !strings.Contains(end.body, "在途中被改动") {
					t.Errorf("the page does not say why: %s", end.body)
				}
				if n != 3 {
					t.Fatalf("%d callbacks", n)
				}
				names := b.cookieNames()
				if slices.ContainsFunc(names, func(name string) bool { return !attemptName.MatchString(name) }) {
					t.Errorf("left cookies: %v", names)
				}
				if strings.Contains(end.body, "Cookie") {
					t.Error("the page says that cookies are not kept")
				}
				address = retryLink(t, end)
			}
			if w.logs.FilterField(zap.String("reason", loopState)).Len() != 3 {
				t.Errorf("log: %v", w.logs.FilterField(zap.String("outcome", "loop")).All())
			}
			// Once the state arrives unchanged, the login succeeds.
			if n, end := b.followWith(address, unchanged); n != 1 || end.body != "app "+person {
				t.Errorf("ended with status %d after %d callbacks", end.StatusCode, n)
			}
		})
	}
}

func TestState_MayHaveMoreAppended(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		"0", "&from=singlemessage", "?from=timeline&isappinstalled=0", "#wechat_redirect",
		strings.Repeat("x", 3000),
	} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		n, end := b.followWith("/page", withState(func(s string) string { return s + more }))
		if n != 1 || end.body != "app "+person || w.exchanges() != 1 {
			t.Errorf("%.20q: status %d after %d callbacks", more, end.StatusCode, n)
		}
		// The restarts of a browser without cookies are read all the same.
		b.cookies = false
		if n, end := b.followWith("/page", withState(func(s string) string { return s + more })); n != 3 ||
			end.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%.20q, without cookies: status %d after %d callbacks", more, end.StatusCode, n)
		}
	}
}

// A cache that keeps our responses sends a browser to WeChat with the same state again and again.
func TestLoopBreaker_StopsRepeatedCallbacks(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	cached := b.open("/page").location()
	callback := func() string { return b.open(cached).location() } // with another code each time
	b.open(callback()).wantRedirect(t, "/page")
	for i := range 3 {
		b.open(callback()).wantSmallHeader(t).wantRedirect(t, "/page")
		if n := w.exchanges(); n != 1 {
			t.Fatalf("%d exchanges after %d repetitions", n, i+1)
		}
	}
	a := b.open(callback()).wantStatus(t, http.StatusTooManyRequests).wantSmallHeader(t)
	if strings.Contains(a.body, "Cookie") || w.logs.FilterField(zap.String("reason", loopRepeats)).Len() != 1 {
		t.Errorf("log: %v; %s", w.logs.FilterField(zap.String("outcome", "loop")).All(), a.body)
	}
	if n := w.logs.FilterField(zap.String("outcome", "repeated")).Len(); n != 3 {
		t.Errorf("%d lines about repetitions", n)
	}
	// With the session the button redirects to the page.
	b.open(retryLink(t, a)).wantRedirect(t, "/page")
	// Without it, the next login after three repetitions is stopped as well.
	w.advance(time.Minute)
	cached = b.open("/_wechat/login?account=official_account&return_to=/page").location()
	for range 4 {
		b.open(callback()).wantRedirect(t, "/page")
	}
	b.deleteCookie("__Host-wechat_session")
	b.open("/page").wantStatus(t, http.StatusTooManyRequests)
	b.open("/page").wantStatus(t, http.StatusFound) // opening the page again starts a new count
}

// WeChat asks twice now and then, and people go back: that is no loop.
func TestLoopBreaker_AllowsOccasionalRepetitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	b.open(callback).wantRedirect(t, "/page")
	for range 8 {
		w.advance(21 * time.Second)
		b.open(callback).wantRedirect(t, "/page")
	}
}

// A proxy may drop the cookies of one response and not of another.
func TestLoopBreaker_StopsWhereCookiesAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	returned := 0
	for range 10 {
		a := b.open("/page")
		if a.StatusCode == http.StatusTooManyRequests {
			if returned != 3 {
				t.Errorf("returned %d times", returned)
			}
			return
		}
		callback := b.open(a.location()).location()
		cookies := b.siteCookies()
		b.open(callback).wantRedirect(t, "/page")
		returned++
		b.deleteCookies()
		b.setCookies(cookies)
	}
	t.Error("no end")
}
