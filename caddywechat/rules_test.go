package caddywechat

import (
	"net/http"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
)

func TestRules_MatchUnambiguousPathsOnly(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "http", "/app*", "public /app/a/*\noptional /app/b/*\nlogin /app/c/d/*\npublic /app/c/*\n")
	for path, want := range map[string]gate.Ask{
		"/app":           gate.Login,
		"/app/x":         gate.Login,
		"/app/a/x":       gate.Public,
		"/app/b/x":       gate.Optional,
		"/app/c/x":       gate.Public,
		"/app/c/d/x":     gate.Login,
		"/elsewhere":     gate.Public,
		"/x?y=/app/":     gate.Public,
		"/app/x?/app/a/": gate.Login,

		// Paths that servers read differently are inside the matcher, and never public.
		"/app/a/%2e%2e/x":       gate.Login,
		"/app/a/%2E/x":          gate.Login,
		"/app/a/../x":           gate.Login,
		"/app/a/./x":            gate.Login,
		"/app/a/..":             gate.Login,
		"/app/a/x%2fy":          gate.Login,
		"/app/a/x%5Cy":          gate.Login,
		"/app/a/x\\y":           gate.Login,
		"/app/a/x;y":            gate.Login,
		"/app/a/x%3by":          gate.Login,
		"/app/a/x%252fy":        gate.Login,
		"/app/a/x%00":           gate.Login,
		"/app/a/x%0a":           gate.Login,
		"/app/b/x;y":            gate.Login,
		"/app/a/%c0%ae%C0%AE/x": gate.Login,
		"/app/a/%c1%9cx":        gate.Login,
		"/elsewhere/..;/app":    gate.Login,
		"/elsewhere;x":          gate.Login,
		"/app%23/app/a/x":       gate.Login,
		"/app#/app/a/x":         gate.Login,
		"/app/a/admin%3f.css":   gate.Login,
		"/app/a/admin%23.css":   gate.Login,
		"/app/a/..%20/x":        gate.Login,
		"/app/a/%20.%20./x":     gate.Login,
		"/app/a/.../x":          gate.Login,

		// ASCII in overlong forms of UTF-8.
		"/app/a/%e0%80%afx":             gate.Login,
		"/app/a/%E0%81%A1dmin":          gate.Login,
		"/app/a/%c1%a1dmin":             gate.Login,
		"/app/a/%f0%80%80%af":           gate.Login,
		"/app/a/%f8%80%80%80%af":        gate.Login,
		"/app/a/%fc%80%80%80%80%af":     gate.Login,
		"/app/a/\xe0\x80\xaf":           gate.Login,
		"/elsewhere/%e0%80%ae%e0%80%ae": gate.Login,

		// More after the name of a script.
		"/app/a/index.php/a.css":     gate.Login,
		"/app/a/index.PHP/":          gate.Login,
		"/app/a/index.php5/a.css":    gate.Login,
		"/app/a/index.ph%70/a.css":   gate.Login,
		"/app/a/index.php%20/a.css":  gate.Login,
		"/app/a/index.php./a.css":    gate.Login,
		"/app/a/index.php.bak/a.css": gate.Login,
		"/app/a/x.phtml/a.css":       gate.Login,
		"/app/a/x.phar/a.css":        gate.Login,
		"/app/a/x.jsp/a.css":         gate.Login,
		"/app/a/x.jspx/a.css":        gate.Login,
		"/app/a/x.asp/a.css":         gate.Login,
		"/app/a/x.aspx/a.css":        gate.Login,
		"/app/a/x.ashx/a.css":        gate.Login,
		"/app/a/x.asmx/a.css":        gate.Login,
		"/app/a/x.cgi/a.css":         gate.Login,
		"/app/a/x.fcgi/a.css":        gate.Login,
		"/app/a/x.pl/a.css":          gate.Login,
		"/app/a/x.py/a.css":          gate.Login,
		"/app/a/x.cfm/a.css":         gate.Login,
		"/app/b/index.php/a":         gate.Login,
		"/elsewhere/index.php/a.css": gate.Login,

		// Paths that all servers read alike.
		"/app/a/x%20y":              gate.Public,
		"/app/a/x.y":                gate.Public,
		"/app/a/x?y=;%2f..":         gate.Public,
		"/app/a/..x":                gate.Public,
		"/app/a/x..":                gate.Public,
		"/app/a/index.php":          gate.Public,
		"/app/a/v1.2/x.php":         gate.Public,
		"/app/a/com.python/x":       gate.Public,
		"/app/a/jquery.js/x":        gate.Public,
		"/app/a/php/x.php":          gate.Public,
		"/app/a/x?y=/index.php/a":   gate.Public,
		"/app/a//x.css":             gate.Public,
		"/app/a/%E6%9D%8E.jpg":      gate.Public, // 李 in UTF-8
		"/app/a/%e0%a4%85.jpg":      gate.Public, // three bytes, and not overlong
		"/app/a/\xc0\xae\xc0\xae/x": gate.Login,
		"/app/a/x%c0%80":            gate.Login,
		"/app/a/%C0%EE.jpg":         gate.Public, // 李 in GBK
		"/app/a/中":                  gate.Public,
	} {
		w.received()
		a := w.browser(inWeChat).open(path)
		switch want {
		case gate.Public, gate.Optional:
			if a.StatusCode != http.StatusOK || w.received() == nil {
				t.Errorf("%s: status %d, want it passed on", path, a.StatusCode)
			}
		case gate.Login:
			if a.StatusCode != http.StatusFound || w.received() != nil {
				t.Errorf("%s: status %d, want a login", path, a.StatusCode)
			}
		}
	}
}

func TestRules_OptionalForwardsTheIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional /o\npublic /p")
	b := w.browser(inWeChat)
	b.login("/")
	b.open("/o")
	if got := w.received().Header.Get("X-Wechat-User"); got != person {
		t.Errorf("optional: %q", got)
	}
	b.open("/p")
	if got := w.received().Header.Get("X-Wechat-User"); got != "" {
		t.Errorf("public: %q", got)
	}
}
