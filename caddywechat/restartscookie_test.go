package caddywechat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestRestartsCookie_CountsForAMinute(t *testing.T) {
	t.Parallel()
	for scheme, name := range map[string]string{"https": "__Host-wechat_rounds", "http": "wechat_rounds"} {
		w := makeWorld(t, scheme, "", "public /public")
		b := w.browser(inWeChat)
		forged := func(i int) response {
			return b.open(fmt.Sprintf("/_wechat/callback?code=x&state=forged%d&to=/page", i))
		}
		a := forged(1).wantStatus(t, http.StatusFound)
		line := a.setCookieLine(name)
		if !strings.Contains(line, "; Path=/; Max-Age=60; HttpOnly") ||
			strings.Contains(line, "; Secure") != (scheme == "https") ||
			!strings.HasSuffix(line, "; SameSite=Lax") {
			t.Errorf("Set-Cookie: %s", a.Header["Set-Cookie"])
		}
		b.open("/public", "Cookie: "+name+"=planted; mine=1").wantStatus(t, http.StatusOK)
		if got := w.received().Header.Get("Cookie"); got != "mine=1" {
			t.Errorf("the app got %q", got)
		}
		forged(2).wantStatus(t, http.StatusFound)
		if scheme == "http" {
			// One of another site, or an altered one, does not count.
			cookie := b.cookie(name)
			for _, planted := range []string{
				cookie[:len(cookie)-4], "A" + cookie[1:], "x", "",
				strings.Repeat("x", 5000),
			} {
				w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", "Cookie: "+name+"="+planted).
					wantStatus(t, http.StatusFound)
			}
			w.browser(inWeChat).open("http://shop.example.com/_wechat/callback?code=x&state=y",
				"Cookie: "+name+"="+cookie).wantStatus(t, http.StatusFound)
			w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", "Cookie: "+name+"="+cookie).
				wantStatus(t, http.StatusTooManyRequests)
			// Neither can be used as an attempt, nor an attempt in its place.
			keys, err := w.handler.lease.keyring.Keyset(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			scope, sealer := w.handler.site.Scope(visitor.Origin{Scheme: "http", Host: host}),
				keys.Sealer("login attempt")
			attempts := login.ReadAttempts([]visitor.Cookie{{Name: "wechat_login_3", Value: cookie}}, sealer, scope,
				false, w.now())
			if attempts.AnyOpen() || attempts.Foreign() != 1 {
				t.Error("restarts open as an attempt")
			}
			planted, err := sealer.Seal(scope, login.Restarts{w.now(), w.now(), w.now()})
			if err != nil {
				t.Fatal(err)
			}
			w.browser(inWeChat).open("/page", "Cookie: "+name+"="+planted).wantStatus(t, http.StatusFound)
		}
		// After a minute the restarts do not count.
		w.advance(time.Minute)
		forged(3).wantStatus(t, http.StatusFound)
		forged(4).wantStatus(t, http.StatusFound)
		// A login leaves no such cookie, and a logout none at all.
		callback := b.callbackFor("/page")
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

func TestRestartsCookie_NameIsReserved(t *testing.T) {
	_, err := adaptSite("wechat_auth {\nofficial_account wx0123456789abcdef 0123456789abcdef0123456789abcdef\n" +
		"session {\ncookie wechat_rounds\n}\n}")
	if err == nil || !strings.Contains(err.Error(), "wechat_rounds") {
		t.Errorf("got %v", err)
	}
}
