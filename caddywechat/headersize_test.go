package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// longPath returns a path with a query of that many bytes.
func longPath(bytes int) string { return "/p?" + strings.Repeat("q", bytes-len("/p?")) }

// chinesePath returns a path of n Chinese characters, as browsers encode them.
func chinesePath(n int) string { return "/" + strings.Repeat("%E5%95%86", n) }

func TestHeaderSize_OfCallbackWithLongestSession(t *testing.T) {
	t.Parallel()
	person := simulator.Person{
		ID: "long", Nickname: strings.Repeat("名", 32), Avatar: "https://thirdwx.qlogo.cn/" + strings.Repeat("a", 300),
	}
	w := startWorld(t, "https", simulator.Config{People: []simulator.Person{person}})
	w.handler = w.newHandler(withOptions(officialAccount, directProfile))
	for _, page := range []string{longPath(2000), "//" + longPath(1998)[1:]} {
		b := w.browser(inWeChat)
		a := b.open(b.consent(b.startLogin(page), "allow")).wantStatus(t, http.StatusFound).wantSmallHeader(t)
		t.Logf("%d bytes", headerSize(a))
		if !strings.HasSuffix(a.location(), page) || b.cookie("__Host-wechat_session") == "" {
			t.Errorf("redirected to %.60s", a.location())
		}
	}
}

func TestHeaderSize_AbandonedLoginsStayBelowTheLimit(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]func(i int) string{
		"127 letters":   func(i int) string { return fmt.Sprintf("%s?%d", chinesePath(127), i) },
		"1,990 bytes":   func(i int) string { return fmt.Sprintf("%s&%d", longPath(1988), i) },
		"short":         func(i int) string { return fmt.Sprintf("/orders?id=%d", i) },
		"of every kind": func(i int) string { return fmt.Sprintf("%s&%d", longPath(50+(i*317)%1900), i) },
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			var authorize []string
			for i := range 20 {
				authorize = append(authorize, b.startLogin(page(i)))
				w.advance(time.Second)
			}
			// The last ones are still open, in whatever order they return.
			const underWay = 6
			for i := 19; i > 19-underWay; i-- {
				b.finishLogin(authorize[i]).wantRedirect(t, page(i))
			}
			b.open("/else").wantStatus(t, http.StatusOK)
		})
	}
}

// Cookies of an older version, or of another key, must not lock a browser out either.
func TestHeaderSize_CookiesThatDoNotOpenAreDeleted(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	authorize := b.startLogin("/mine")
	var cookies []*http.Cookie
	for i := range 8 {
		for _, prefix := range []string{"__Host-", ""} { // those of http are sent as well
			if name := fmt.Sprintf("%swechat_login_%d", prefix, i); b.cookie(name) == "" {
				cookies = append(cookies, &http.Cookie{
					Name: name, Value: strings.Repeat("x", 1200),
					Secure: prefix != "",
				})
			}
		}
	}
	b.setCookies(cookies)
	b.startLogin(chinesePath(127))
	if size := b.cookieSize(func(string) bool { return true }); size >= 4096 {
		t.Errorf("the browser sends %d bytes: %v", size, b.cookieNames())
	}
	b.finishLogin(authorize).wantRedirect(t, "/mine")
}

func TestHeaderSize_SpentAttemptHasNoTarget(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", "")
	b := w.browser(inWeChat)
	size := func() int { return len(strings.SplitN(b.attemptCookie(), "=", 2)[1]) }
	b.finishLogin(b.startLogin("/")).wantStatus(t, http.StatusFound)
	short := size()
	b.deleteCookies()
	b.finishLogin(b.startLogin(longPath(1400))).wantStatus(t, http.StatusFound)
	if long := size(); long != short {
		t.Errorf("a spent attempt has %d bytes for a short target, %d for a long one", short, long)
	}
}

func TestHeaderSize_OfPages(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", "")
	w.handler = w.newHandler(withOptions(officialAccount, "scope snsapi_userinfo"))
	b := w.browser(inWeChat)
	for _, page := range []string{
		chinesePath(127), longPath(1200), longPath(1600), longPath(1990),
		"/?" + strings.Repeat("&", 510),
	} {
		a := b.open(page).wantSmallHeader(t)
		b.wantSmallRequests()
		b.open(b.consent(consentPage(t, a), "allow")).wantSmallHeader(t).wantRedirect(t, page)
		b.deleteCookie("__Host-wechat_session")
		w.advance(time.Minute)
	}
	// The next response deletes eight attempts at once.
	for i := range 8 {
		b.open(fmt.Sprintf("/%d", i)).wantStatus(t, http.StatusOK)
	}
	for range 3 {
		b.open("/_wechat/callback?code=x&state=y")
	}
	if a := b.open("/_wechat/callback?code=x&state=y").wantSmallHeader(t); a.StatusCode != http.StatusOK &&
		a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d", a.StatusCode)
	}
}
