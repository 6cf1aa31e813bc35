package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A `header` directive that removes a header, or says >, changes headers while they are written: after the gate did.
func TestLateHeaders_DoNotChangeOwnResponses(t *testing.T) {
	t.Parallel()
	const late = `header {
		Cache-Control "max-age=600"
		CDN-Cache-Control "max-age=600"
		Expires "Thu, 01 Jan 2099 00:00:00 GMT"
		Content-Security-Policy "default-src 'self'"
		Vary "Accept-Encoding"
		X-Frame-Options "ALLOWALL"
		Strict-Transport-Security "max-age=31536000"
		-Server
	}
	`
	const gate = `wechat_auth {
		{account}
		userinfo /profile/*
		keep_fragment
		session {
			idle 1h
		}
	}
	`
	for name, directives := range map[string]string{
		"at site level": late + gate + "reverse_proxy {app}",
		"in a route":    "route {\n" + late + "encode\n" + gate + "reverse_proxy {app}\n}",
		"said late": `header >Cache-Control max-age=600
			header >Content-Security-Policy "default-src 'self'"
			header >Strict-Transport-Security x
			` + gate + "reverse_proxy {app}",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "http", directives)
			check := func(what string, a response, status int) {
				t.Helper()
				if a.StatusCode != status || a.Header.Get("Cache-Control") != "no-store" ||
					!slices.Contains(strings.Split(strings.Join(a.Header["Vary"], ", "), ", "), "Cookie") {
					t.Errorf("%s: status %d, headers %v", what, a.StatusCode, a.Header)
				}
				if a.Header.Get("Cdn-Cache-Control") != "" || a.Header.Get("Expires") != "" {
					t.Errorf("%s: caches may have it: %v", what, a.Header)
				}
				if csp := a.Header.Get("Content-Security-Policy"); strings.HasPrefix(a.Header.Get("Content-Type"),
					"text/html") && (!strings.HasPrefix(csp, "default-src 'none'") ||
					a.Header.Get("X-Frame-Options") != "DENY") {
					t.Errorf("%s: the page has another's policy: %s", what, csp)
				}
				if a.Header.Get("Strict-Transport-Security") == "" {
					t.Errorf("%s: what else the site sets is gone: %v", what, a.Header)
				}
			}
			v := s.visitor()
			check("the page that asks for the fragment", v.open("/page"), http.StatusOK)
			check("redirect to WeChat", v.open("/_wechat/login?return_to=/page"), http.StatusFound)
			check("consent page", v.open("/_wechat/login?return_to=/page&profile=1"), http.StatusOK)
			check("JSON", v.open("/_wechat/me", "Accept: application/json"), http.StatusUnauthorized)
			check("nothing there", v.open("/_wechat/nothing"), http.StatusNotFound)
			check("health", v.open("/_wechat/health"), http.StatusOK)
			check("a script's request", v.open("/data", "X-Requested-With: XMLHttpRequest"), http.StatusUnauthorized)
			check("a verification file", v.open("/MP_verify_0123456789abcdef.txt"), http.StatusNotFound)
			chain := v.follow("/_wechat/login?return_to=/page")
			check("callback", chain[len(chain)-2], http.StatusFound)
			a := chain[len(chain)-1]
			if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Text, "GET /page") {
				t.Fatalf("status %d: %s", a.StatusCode, a.Text)
			}
			if got := a.Header.Get("Cache-Control"); got != "max-age=600" {
				t.Errorf("the app's answer: Cache-Control %q", got)
			}
			check("logout", v.open("/_wechat/logout", byALink...), http.StatusOK)
		})
	}
}

func TestLateHeaders_DoNotChangeAResponseWithANewCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", `header {
		Cache-Control "public, max-age=600"
		-Server
	}
	wechat_auth {
		{account}
		session {
			idle 10s
		}
	}
	reverse_proxy {app}`)
	v := s.visitor()
	v.follow("/page")
	for range 100 {
		a := v.open("/page")
		if a.Header.Get("Set-Cookie") == "" {
			time.Sleep(50 * time.Millisecond) // a tenth of the idle time, and the session is noted again
			continue
		}
		if got := a.Header.Get("Cache-Control"); got != "private, no-store" {
			t.Errorf("Cache-Control %q beside a session's cookie", got)
		}
		return
	}
	t.Error("no new cookie")
}
