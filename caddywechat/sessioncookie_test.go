package caddywechat

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestSessionCookie_ForeignOnesDoNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional /optional")
	b := w.browser(inWeChat)
	b.login("/")
	good := b.cookie("wechat_session")
	attempt := ""
	for _, name := range b.cookieNames() {
		if strings.HasPrefix(name, "wechat_login_") {
			attempt = b.cookie(name)
		}
	}
	other := newWorld(t, "")
	otherBrowser := other.browser(inWeChat)
	otherBrowser.login("/")
	for name, cookie := range map[string]string{
		"empty":                   "wechat_session=",
		"garbage":                 "wechat_session=abc",
		"cut":                     "wechat_session=" + good[:len(good)-4],
		"longer":                  "wechat_session=" + good + "AAAA",
		"huge":                    "wechat_session=" + strings.Repeat("A", 20_000),
		"another purpose's":       "wechat_session=" + attempt,
		"another platform's":      "wechat_session=" + otherBrowser.cookie("wechat_session"),
		"two that open":           "wechat_session=" + good + "; wechat_session=" + good,
		"many":                    strings.Repeat("wechat_session=x; ", 10) + "wechat_session=" + good,
		"of https":                "__Host-wechat_session=" + good,
		"no cookies at all":       ";;;=;a",
		"a name that only begins": "wechat_session2=" + good,
	} {
		a := w.browser(inWeChat).open("/page", "Cookie: "+cookie)
		if a.StatusCode != http.StatusFound || !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
		w.received()
		w.browser(inWeChat).open("/optional", "Cookie: "+cookie).wantStatus(t, http.StatusOK)
		if got := w.received().Header.Get("X-Wechat-User"); got != "" {
			t.Errorf("%s: the app sees %s", name, got)
		}
	}
	w.browser(inWeChat).open("/page", "Cookie: wechat_session=bad; wechat_session="+good).wantStatus(t, http.StatusOK)
}

func TestSessionCookie_OpensAtItsSiteOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	cookie := "Cookie: wechat_session=" + b.cookie("wechat_session")
	w.browser(inWeChat).open("http://"+host+":80/", cookie).wantStatus(t, http.StatusOK)
	w.browser(inWeChat).open("http://H5.Example.com./", cookie).wantStatus(t, http.StatusOK)
	w.browser(inWeChat).open("http://other.example/", cookie).wantStatus(t, http.StatusFound)
	t.Run("not with another app id", func(t *testing.T) {
		w.handler = w.newHandler("official_account wx0000000000000000 " + simulator.DemoSecret)
		b.open("/").wantStatus(t, http.StatusFound)
	})
}

func TestSessionCookie_Attributes(t *testing.T) {
	t.Parallel()
	for scheme, pattern := range map[string]string{
		"https": `^__Host-wechat_session=[A-Za-z0-9_=-]+; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$`,
		"http":  `^wechat_session=[A-Za-z0-9_=-]+; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax$`,
	} {
		t.Run(scheme, func(t *testing.T) {
			b := makeWorld(t, scheme, "", "").browser(inWeChat)
			a := b.open(b.callbackFor("/"))
			i := slices.IndexFunc(a.Header["Set-Cookie"], regexp.MustCompile(pattern).MatchString)
			if i < 0 {
				t.Fatalf("Set-Cookie: %q", a.Header["Set-Cookie"])
			}
			t.Logf("the session's Set-Cookie has %d bytes", len(a.Header["Set-Cookie"][i]))
			b.open("/").wantStatus(t, http.StatusOK)
		})
	}
}

func TestSessionCookie_OfADomainOpensAtItsHosts(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", sessionWith("domain example.com"))
	b := w.browser(inWeChat)
	a := b.open(b.callbackFor("/"))
	if !strings.Contains(a.setCookieLine("__Secure-wechat_session"), "; Domain=example.com;") {
		t.Fatalf("Set-Cookie: %q", a.Header["Set-Cookie"])
	}
	b.open("https://www.example.com/").wantStatus(t, http.StatusOK)
	b.open("https://example.com/").wantStatus(t, http.StatusOK)
	b.open("https://www.example.org/").wantStatus(t, http.StatusBadRequest)
	b.send("POST", "https://www.example.com/_wechat/logout").wantStatus(t, http.StatusOK)
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestSessionCookie_OfAHostDoesNotOpenForItsDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	cookie := b.cookie("wechat_session")
	w.handler = w.newHandler(officialAccount, sessionWith("domain example.com"))
	w.browser(inWeChat).open("/", "Cookie: wechat_session="+cookie).wantStatus(t, http.StatusFound)
}

func TestSessionCookie_HasTheConfiguredName(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", sessionWith("cookie shop"))
	b := w.browser(inWeChat)
	b.login("/")
	if b.cookie("__Host-shop") == "" {
		t.Errorf("cookies: %v", b.cookieNames())
	}
	w.received()
	b.open("/", "Cookie: a=1")
	if got := w.received().Header.Get("Cookie"); strings.Contains(got, "shop") {
		t.Errorf("the app got %s", got)
	}
}

func TestSessionCookie_WithAFlippedByteDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	good := b.cookie("wechat_session")
	for i := range len(good) {
		flipped := []byte(good)
		if flipped[i] == 'A' {
			flipped[i] = 'B'
		} else {
			flipped[i] = 'A'
		}
		a := w.browser(inWeChat).send("GET", "/_wechat/me", "Cookie: wechat_session="+string(flipped))
		if a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("byte %d: status %d", i, a.StatusCode)
		}
	}
}
