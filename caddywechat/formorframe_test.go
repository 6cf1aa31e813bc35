package caddywechat

import (
	"html"
	"net/http"
	"strings"
	"testing"
)

// A person may post a form when the session has ended, or return from a payment by POST.
func TestFormOrFrame_GetsAPageWithALoginButton(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "userinfo /profile/*")
	silent := w.browser(inWeChat)
	silent.login("/")
	w.received()
	form := []string{
		"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
		"Content-Type: application/x-www-form-urlencoded",
	}
	frame := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}
	for name, tt := range map[string]struct {
		b            *browser
		method, path string
		headers      []string
		referer      string
		action       string
		unsent       bool
	}{
		"a form": {
			w.browser(inWeChat), "POST", "/save?id=1", form, w.site("/edit?id=1"),
			"/_wechat/login?return_to=%2Fedit%3Fid%3D1", true,
		},
		"a form of an older browser": {
			w.browser(inWeChat), "POST", "/save",
			[]string{"Accept: text/html,*/*;q=0.8"},
			w.site("/edit"),
			"/_wechat/login?return_to=%2Fedit", true,
		},
		"a payment that comes back": {
			w.browser(inWeChat), "POST", "/paid?order=5",
			append([]string{"Sec-Fetch-Site: cross-site", "Origin: https://pay.example.org"}, form...),
			"https://pay.example.org/x",
			"/_wechat/login?return_to=%2Fpaid%3Forder%3D5", false,
		},
		"a form without a Referer": {
			w.browser(inWeChat), "POST", "/save", form, "", "/_wechat/login?return_to=%2Fsave", false,
		},
		"a form of a page of ours": {
			w.browser(inWeChat), "POST", "/save", form, w.site("/_wechat/logout"), "/_wechat/login?return_to=%2F", true,
		},
		"a frame": {
			w.browser(inWeChat), "GET", "/inner?a=1", frame, w.site("/outer#x"), "/_wechat/login?return_to=%2Fouter",
			false,
		},
		"a frame on another site": {
			w.browser(inWeChat), "GET", "/inner?a=1", frame, "https://else.example.org/",
			"/_wechat/login?return_to=%2Finner%3Fa%3D1", false,
		},
		"a form that needs the profile": {
			silent, "POST", "/profile/save", form, w.site("/profile/edit"),
			"/_wechat/login?return_to=%2Fprofile%2Fedit&profile=1", true,
		},
		"a frame that needs it": {
			silent, "GET", "/profile/inner", frame, w.site("/"), "/_wechat/login?return_to=%2F&profile=1", false,
		},
		"outside WeChat": {
			w.browser(onDesktop), "POST", "/save", form, w.site("/edit"), "/_wechat/login?return_to=%2Fedit", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			headers := tt.headers
			if tt.referer != "" {
				headers = append([]string{"Referer: " + tt.referer}, headers...)
			}
			a := tt.b.send(tt.method, tt.path, headers...).wantStatus(t, http.StatusUnauthorized)
			if !strings.Contains(html.UnescapeString(a.body), `href="`+tt.action+`" target="_top"`) {
				t.Errorf("no button to %s: %s", tt.action, a.body)
			}
			if strings.Contains(a.body, "没有提交") != tt.unsent {
				t.Errorf("what it says of what was submitted: %s", a.body)
			}
			if h := a.Header; h.Get("Set-Cookie") != "" || h.Get("X-Frame-Options") != "SAMEORIGIN" ||
				!strings.HasSuffix(h.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
				t.Errorf("headers: %v", h)
			}
			if w.received() != nil {
				t.Error("it reached the app")
			}
		})
	}
	// No other page may be framed.
	a := silent.open("/_wechat/logout", "Sec-Fetch-Site: cross-site").wantStatus(t, http.StatusOK)
	if h := a.Header; h.Get("X-Frame-Options") != "DENY" ||
		!strings.HasSuffix(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("headers: %v", h)
	}
}
