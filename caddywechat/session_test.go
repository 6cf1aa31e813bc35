package caddywechat

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestSession_EndsWithItsLifetime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sessionWith("lifetime 2h"))
	b := w.browser(inWeChat)
	b.login("/")
	w.advance(2*time.Hour - 2*time.Second)
	b.open("/").wantStatus(t, http.StatusOK)
	w.advance(2 * time.Second)
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestSession_Idle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sessionWith("idle 1h"))
	w.app = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "public, max-age=3600")
		rw.Header().Add("Set-Cookie", "app=1")
		rw.Write([]byte("app"))
	}
	b := w.browser(inWeChat)
	b.follow("/")
	t.Run("a visit soon afterwards changes nothing", func(t *testing.T) {
		w.advance(5 * time.Minute)
		a := b.open("/")
		if a.Header.Get("Cache-Control") != "public, max-age=3600" || len(a.Header["Set-Cookie"]) != 1 {
			t.Errorf("header %v", a.Header)
		}
	})
	t.Run("a later visit sets a new cookie, in a private response", func(t *testing.T) {
		w.advance(50 * time.Minute)
		a := b.open("/")
		if !slices.Equal(a.Header["Cache-Control"], []string{"private, no-store"}) || len(a.Header["Set-Cookie"]) != 2 {
			t.Errorf("header %v", a.Header)
		}
		w.advance(59 * time.Minute)
		b.open("/").wantStatus(t, http.StatusOK)
	})
	t.Run("a fetch does not count as a visit", func(t *testing.T) {
		w.advance(40 * time.Minute)
		if a := b.send("GET", "/api"); len(a.Header["Set-Cookie"]) != 1 ||
			a.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("header %v", a.Header)
		}
		w.advance(21 * time.Minute)
		b.open("/").wantStatus(t, http.StatusFound)
	})
	t.Run("without a response of the app no cookie is set", func(t *testing.T) {
		w := newWorld(t, sessionWith("idle 1h"))
		b := w.browser(inWeChat)
		b.login("/")
		w.advance(30 * time.Minute)
		w.app = func(http.ResponseWriter, *http.Request) {}
		if a := b.open("/"); a.Header.Get("Set-Cookie") != "" {
			t.Errorf("header %v", a.Header)
		}
		w.app = func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("CDN-Cache-Control", "public")
			rw.Header().Set("Cloudflare-CDN-Cache-Control", "public")
			rw.(http.Flusher).Flush()
			rw.Write([]byte("streamed"))
		}
		if a := b.open("/"); a.Header.Get("Set-Cookie") == "" || a.Header.Get("Cache-Control") != "private, no-store" ||
			a.Header.Get("CDN-Cache-Control")+a.Header.Get("Cloudflare-CDN-Cache-Control") != "" ||
			a.Header.Get("Vary") != "Cookie" {
			t.Errorf("header %v", a.Header)
		}
	})
	t.Run("the lifetime is not extended", func(t *testing.T) {
		w := newWorld(t, sessionWith("idle 1h\nlifetime 2h"))
		b := w.browser(inWeChat)
		b.login("/")
		for range 3 {
			w.advance(39 * time.Minute)
			b.open("/").wantStatus(t, http.StatusOK)
		}
		w.advance(4 * time.Minute)
		b.open("/").wantStatus(t, http.StatusFound)
	})
}

// A session that was opened before is found in the cache. It opens only where its cookie would.
func TestSessionCache_OpensWhatTheCookieOpensOnly(t *testing.T) {
	t.Parallel()
	login := func(t *testing.T, options string) (w *world, b *browser, cookie string) {
		w = newWorld(t, options)
		b = w.browser(inWeChat)
		b.login("/")
		b.open("/").wantStatus(t, http.StatusOK)
		w.received()
		return w, b, "Cookie: wechat_session=" + b.cookie("wechat_session")
	}
	t.Run("opens at no other host", func(t *testing.T) {
		w, _, cookie := login(t, "")
		w.browser(inWeChat).open("http://www.example.com/", cookie).wantStatus(t, http.StatusFound)
	})
	t.Run("opens with no other key", func(t *testing.T) {
		w, b, _ := login(t, "")
		w.handler = w.newHandler(officialAccount, sessionKeys("another"+sessionKey))
		b.open("/").wantStatus(t, http.StatusFound)
	})
	t.Run("is no token", func(t *testing.T) {
		w, b, _ := login(t, "")
		w.browser(inWeChat).send("GET", "/", "Authorization: Bearer wx1."+b.cookie("wechat_session")).
			wantStatus(t, http.StatusUnauthorized)
	})
	t.Run("goes by another name where user_id is another", func(t *testing.T) {
		w, b, _ := login(t, "")
		w.handler = w.newHandler(officialAccount, "user_id qualified")
		b.open("/").wantStatus(t, http.StatusOK)
		if got, want := w.received().Header.Get("X-Wechat-User"), simulator.DemoAppID+":"+person; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("ends with its lifetime", func(t *testing.T) {
		w, b, cookie := login(t, "")
		w.advance(7*24*time.Hour - time.Second)
		b.cookies = false
		b.open("/", cookie).wantStatus(t, http.StatusOK)
		w.advance(time.Second)
		b.open("/", cookie).wantStatus(t, http.StatusFound)
	})
	t.Run("ends at logout", func(t *testing.T) {
		w, b, cookie := login(t, "")
		b.logout("").wantStatus(t, http.StatusOK)
		w.browser(inWeChat).open("/", cookie).wantStatus(t, http.StatusFound)
	})
	t.Run("is the same for two who write into its headers", func(t *testing.T) {
		w, b, _ := login(t, "")
		for range 2 {
			b.open("/").wantStatus(t, http.StatusOK)
			r := w.received()
			if got := r.Header.Get("X-Wechat-Openid"); got != person {
				t.Fatalf("got %s", got)
			}
			for _, values := range r.Header {
				values[0] = "somebody else"
			}
		}
	})
}

func TestSessionCache_TokenIsNoCookie(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "")
	token := b.token("7")
	b.send("GET", "/", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	for _, value := range []string{token, strings.TrimPrefix(token, "wx1.")} {
		w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+value).wantStatus(t, http.StatusUnauthorized)
	}
}
