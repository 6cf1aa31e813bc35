package site_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
)

func TestIsAmbiguous_WhereServersDisagree(t *testing.T) {
	for target, want := range map[string]bool{
		"/": false, "/a/b.css": false, "/a.b/c": false, "/%E5%BC%A0": false, "/a?x=/../;": false,
		"/.well-known/x": false,
		"/a%20b":         false, "/index.php": false, "/a.png/b": false, "/...x": false,
		"/a/../b": true, "/a/./b": true, "/a/..": true, "/a%2fb": true, "/a%5cb": true, "/a%2e/b": true, "/a;x": true,
		"/a%3bx": true, "/a%253f": true, "/a%3f": true, "/a%23": true, "/a%00": true, "/a%7f": true, "/a\\b": true,
		"/%c0%af": true, "/%e0%80%af": true, "/a/%20../b": true, "/a/. ./b": true,
		"/index.php/x.css": true, "/x.phtml/y": true, "/x.JSP/y": true, "/x.cgi/y": true, "/a.php./b": true,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = target
		path, _, _ := strings.Cut(target, "?")
		r.URL = &url.URL{Path: unescape(path), RawPath: path}
		if got := site.IsAmbiguous(r); got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
	// What the site made of the path counts as well.
	r := httptest.NewRequest("GET", "/plain", nil)
	r.URL = &url.URL{Path: "/x.php/y"}
	if !site.IsAmbiguous(r) {
		t.Error("a path that was rewritten is not looked at")
	}
	r.URL = &url.URL{Path: "/a/../b"}
	if !site.IsAmbiguous(r) {
		t.Error("dots in a path that was rewritten are not looked at")
	}
}

// unescape decodes a path, which stays as it is where that cannot be.
func unescape(path string) string {
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	return path
}

func TestHasPath_IsNoOtherThing(t *testing.T) {
	for name, tt := range map[string]struct {
		url  url.URL
		want bool
	}{
		"a path":           {url.URL{Path: "/x"}, true},
		"an authority":     {url.URL{Host: "a.example:443"}, false},
		"the star":         {url.URL{Path: "*"}, false},
		"without a slash":  {url.URL{Scheme: "x", Opaque: "admin/secret"}, false},
		"opaque and more ": {url.URL{Scheme: "x", Opaque: "admin", Path: "/x"}, false},
	} {
		if got := site.HasPath(&http.Request{URL: &tt.url}); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
