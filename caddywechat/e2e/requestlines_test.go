package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestRequestLine_OddOnesOpenNothing(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	v := s.visitor()
	v.follow("/page")
	page := []string{"Host: {host}", "User-Agent: " + inWeChat, "Accept: text/html"}
	for _, tc := range []struct {
		line    string
		session bool
		status  int
		app     string // method and target that the app gets, "" where it gets nothing
	}{
		{"GET /page HTTP/1.0", false, 302, ""},
		{"GET /page HTTP/1.0", true, 200, "GET /page"},
		{"GET /public/x HTTP/1.0", false, 200, "GET /public/x"},
		{"GET http://{host}/page?x=1 HTTP/1.1", false, 302, ""},
		{"GET http://{host}/page?x=1 HTTP/1.1", true, 200, "GET /page?x=1"},
		{"GET http://{host}/public/x HTTP/1.1", false, 200, "GET /public/x"},
		{"GET http://{host}/public/../page HTTP/1.1", false, 302, ""},
		{"GET http://{host}/public/%2e%2e/page HTTP/1.1", false, 302, ""},
		{"GET http://{host}/public%2f..%2fpage HTTP/1.1", false, 302, ""},
		{`GET http://{host}/public\..\page HTTP/1.1`, false, 302, ""},
		{"GET http://{host}/public/x;y HTTP/1.1", false, 302, ""},
		{"GET http://{host}/_wechat/nothing HTTP/1.1", true, 404, ""},
		{"GET http://{host} HTTP/1.1", false, 400, ""},
		{"GET http:///public/x HTTP/1.1", false, 200, "GET /public/x"},
		{"GET x:/public/x HTTP/1.1", false, 200, "GET /public/x"},
		{"GET x:public/x HTTP/1.1", false, 400, ""},
		{"GET public/x HTTP/1.1", false, 400, ""},
		{"GET x:https://evil.example/ HTTP/1.1", false, 400, ""},
		{"GET http:evil HTTP/1.1", false, 400, ""},
		{"GET * HTTP/1.1", false, 400, ""},
		{"OPTIONS * HTTP/1.1", false, 200, ""},
		{"CONNECT {host} HTTP/1.1", false, 400, ""},
		{"CONNECT /public/x HTTP/1.1", false, 405, ""},
		{"GET /public/x#/page HTTP/1.1", false, 200, "GET /public/x%23/page"},
		{"GET /page#/public/x HTTP/1.1", false, 302, ""},
		{"GET /page%23/public/x HTTP/1.1", false, 302, ""},
		{"GET /page?/public/x HTTP/1.1", false, 302, ""},
		{"GET /page\x01 HTTP/1.1", false, 400, ""},
		{"GET /public/\x01 HTTP/1.1", false, 400, ""},
		{"GET /public/%00 HTTP/1.1", false, 302, ""},
		{"GET /public/%zz HTTP/1.1", false, 400, ""},
	} {
		lines := append([]string{tc.line}, page...)
		if tc.session {
			lines = append(lines, "Cookie: "+v.cookies())
		}
		a := s.send(head(lines...))
		method, rest, _ := strings.Cut(a.Header.Get("X-App-Got"), " ")
		uri, _, _ := strings.Cut(rest, " ")
		if got := strings.TrimSpace(method + " " + uri); a.StatusCode != tc.status || got != "" && got != tc.app {
			t.Errorf("%q, session %t: status %d, the app got %q", tc.line, tc.session, a.StatusCode, got)
		}
		if o := outcomeOf(a); !tc.session && o.user != "" {
			t.Errorf("%q without a session: as %s", tc.line, o.user)
		}
	}
}

// TestLogin_ReturnsToTheExactBytes begins with the bytes that a browser may send and looks where the callback redirects
// to.
func TestLogin_ReturnsToTheExactBytes(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	origin := s.url("")
	long := strings.Repeat("0123456789", 800)
	const shared = "/page?from=singlemessage&isappinstalled=0&code=OLD&state=OLD"
	for target, want := range map[string]string{
		"/":                                      "/",
		"/?":                                     "/?",
		"/page?":                                 "/page?",
		"/page?a=1&&b=;c&=&a":                    "/page?a=1&&b=;c&=&a",
		"/page?a=%zz&b=%":                        "/page?a=%zz&b=%",
		"/page?q=a+b%20c%2B&next=/x?y=1":         "/page?q=a+b%20c%2B&next=/x?y=1",
		`/page?x="<script>'&y=[]{}|^` + "`":      `/page?x="<script>'&y=[]{}|^` + "`",
		"/%E8%AE%A2%e5%8d%95":                    "/%E8%AE%A2%e5%8d%95",
		"/订单/5?名=值":                              "/订单/5?名=值",
		"/\xff\xfe?\x80":                         "/\xff\xfe?\x80",
		"/a%2Fb/%2e%2E/c":                        "/a%2Fb/%2e%2E/c",
		"/a;v=1/b;w=2":                           "/a;v=1/b;w=2",
		`/a\b`:                                   `/a\b`,
		"/./a/../b/":                             "/./a/../b/",
		"/a//b///":                               "/a//b///",
		"//evil.example/x":                       origin + "//evil.example/x",
		"//":                                     origin + "//",
		`/\evil.example`:                         origin + `/\evil.example`,
		`/\/evil.example`:                        origin + `/\/evil.example`,
		"///evil.example":                        origin + "///evil.example",
		"/%2F/evil.example":                      "/%2F/evil.example",
		shared:                                   shared,
		"/page?to=/_wechat/logout":               "/page?to=/_wechat/logout",
		"/page?x=" + long[:1990-len("/page?x=")]: "/page?x=" + long[:1990-len("/page?x=")],
		"/page?x=" + long:                        "/page",
		"/" + long:                               "/",
	} {
		name := fmt.Sprintf("%.60q", target)
		v := s.visitor()
		a := s.send(head("GET "+target+" HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat, "Accept: text/html"))
		if a.StatusCode != http.StatusFound {
			t.Errorf("%s: status %d", name, a.StatusCode)
			continue
		}
		v.keep(a)
		callback := v.open(a.Header.Get("Location")).Header.Get("Location")
		if !strings.HasPrefix(callback, origin+"/_wechat/callback?") {
			t.Errorf("%s: WeChat redirects to %s", name, callback)
			continue
		}
		if a = v.open(callback); a.StatusCode != http.StatusFound || a.Header.Get("Location") != want {
			t.Errorf("%s: status %d, redirect to %.200q, want %.200q", name, a.StatusCode, a.Header.Get("Location"),
				want)
		}
		if len(target) > 512 {
			if regexp.MustCompile(`[?&]to=`).MatchString(callback) == (want == target) {
				t.Errorf("%s: WeChat redirects to %s", name, callback)
			}
			continue
		}
		// The browser asks for that, and the app gets it.
		back := strings.TrimPrefix(a.Header.Get("Location"), origin)
		a = s.send(head("GET "+back+" HTTP/1.1", "Host: {host}", "Cookie: "+v.cookies()))
		if a.StatusCode != http.StatusOK || a.Header.Get("X-App-User") != person {
			t.Errorf("%s: then status %d as %q", name, a.StatusCode, a.Header.Get("X-App-User"))
		}
	}
}

// keep puts an answer's cookies where the visitor keeps them.
func (v *visitor) keep(a response) {
	v.t.Helper()
	u, err := url.Parse(v.url("/"))
	if err != nil {
		v.t.Fatal(err)
	}
	v.Jar.SetCookies(u, a.Cookies())
}
