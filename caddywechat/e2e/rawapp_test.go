package e2e

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newRawSite is a site with every kind of rule in front of an app that tells the bytes that it got.
func newRawSite(t *testing.T) (*site, *rawApp) {
	t.Helper()
	app := newRawApp(t)
	return newSite(t, "http", `@site not path /outside/*
	wechat_auth @site {
		{account}
		headers default wxcloud remote_user {
			openid X-My-Openid
		}
		public /public/*
		optional /optional/*
	}
	reverse_proxy `+app.address), app
}

// identityLines are what the app of newRawSite gets for the visitor.
var identityLines = []string{
	"Remote-User: " + person,
	"X-My-Openid: " + person,
	"X-Wechat-Account: official_account",
	"X-Wechat-Appid: " + simulator.DemoAppID,
	"X-Wechat-Openid: " + person,
	"X-Wechat-Scope: snsapi_base",
	"X-Wechat-User: " + person,
	"X-Wx-Appid: " + simulator.DemoAppID,
	"X-Wx-Openid: " + person,
	"X-Wx-Source: wx_client",
}

// identityOnTheWire returns the lines of a request's head that tell who is asking, as CGI would read their names.
func identityOnTheWire(request string) []string {
	text, _, _ := strings.Cut(request, "\r\n\r\n")
	var found []string
	for _, line := range strings.Split(text, "\r\n")[1:] {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		name = strings.NewReplacer("_", "-", ".", "-").Replace(name)
		for _, prefix := range []string{"x-wechat-", "x-wecom-", "x-wx-", "x-my-", "remote-"} {
			if strings.HasPrefix(name, prefix) {
				found = append(found, line)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestProxiedRequest_HasNoForgedHeaders(t *testing.T) {
	t.Parallel()
	s, app := newRawSite(t)
	v := s.visitor()
	v.follow("/page")
	for _, tc := range []struct {
		path     string
		session  bool
		identity []string
	}{
		{"/public/x", true, nil},
		{"/public/x", false, nil},
		{"/optional/x", true, identityLines},
		{"/optional/x", false, nil},
		{"/outside/x", true, nil},
		{"/outside/x", false, nil},
		{"/page", true, identityLines},
	} {
		for _, spelling := range slices.Sorted(maps.Keys(spellings)) {
			lines := []string{"GET " + tc.path + " HTTP/1.1", "Host: {host}"}
			lines = append(lines, hostile(spellings[spelling], 3)...)
			lines = append(lines, spellings[spelling]("X-My-Openid")+": "+evil)
			if tc.session {
				lines = append(lines, "Cookie: "+v.cookies())
			}
			a := s.send(head(lines...))
			if a.StatusCode != http.StatusOK || a.Header.Get("X-App") == "" {
				t.Errorf("%s, %s: status %d", tc.path, spelling, a.StatusCode)
			}
			if got := identityOnTheWire(a.Text); !slices.Equal(got, tc.identity) {
				t.Errorf("%s, session %t, %s: the app got\n%s", tc.path, tc.session, spelling, strings.Join(got, "\n"))
			}
		}
	}
	if strings.Contains(app.everything(), evil) {
		t.Error("something that the client made up reached the app")
	}
}

func TestProxiedRequest_KeepsTheIdentityWhateverConnectionNames(t *testing.T) {
	t.Parallel()
	s, _ := newRawSite(t)
	v := s.visitor()
	v.follow("/page")
	for name, lines := range map[string][]string{
		"one name":             {"Connection: X-Wechat-User"},
		"several":              {"Connection: close, X-Wechat-Openid, x-wechat-scope,remote-user"},
		"every case":           {"CONNECTION: X-WECHAT-USER,x-my-openid", "connection: x-wx-openid"},
		"several lines":        {"Connection: keep-alive", "Connection: X-Wechat-User", "Connection: X-My-Openid"},
		"folded names":         {"Connection: x_wechat_user, x.wechat.openid, Remote_User"},
		"odd blanks":           {"Connection: \t X-Wechat-User \t,, ,X-Wechat-Openid"},
		"with an upgrade":      {"Connection: Upgrade, X-Wechat-User", "Upgrade: websocket"},
		"names of others, too": {"Connection: X-Wechat-User, X-Else", "X-Else: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			request := append([]string{"GET /page HTTP/1.1", "Host: {host}", "Cookie: " + v.cookies()}, lines...)
			a := s.send(head(request...))
			if got := identityOnTheWire(a.Text); a.StatusCode != http.StatusOK || !slices.Equal(got, identityLines) {
				t.Errorf("status %d, the app got\n%s", a.StatusCode, a.Text)
			}
			if strings.Contains(a.Text, "X-Else") {
				t.Errorf("what the client may name stayed:\n%s", a.Text)
			}
		})
	}
}

func TestProxiedRequest_HasNoIdentityInTrailers(t *testing.T) {
	t.Parallel()
	s, app := newRawSite(t)
	v := s.visitor()
	v.follow("/page")
	const body = "5\r\nhello\r\n7\r\n, world\r\n0\r\n"
	for name, tc := range map[string]struct{ announced, trailers string }{
		"announced": {"X-Wechat-User, X_Wechat_Openid", "X-Wechat-User: " + evil + "\r\nX_Wechat_Openid: " +
			evil},
		"not announced":   {"", "x-wechat-user: " + evil + "\r\nRemote-User: " + evil},
		"beside an app's": {"X-Sum, Remote-User", "X-Sum: 9\r\nRemote-User: " + evil},
		"announced alone": {"X-Wechat-User", "X-Sum: 9"},
	} {
		for _, path := range []string{"/page", "/public/x", "/optional/x", "/outside/x"} {
			lines := []string{
				"POST " + path + " HTTP/1.1", "Host: {host}", "Cookie: " + v.cookies(),
				"Transfer-Encoding: chunked",
			}
			if tc.announced != "" {
				lines = append(lines, "Trailer: "+tc.announced)
			}
			a := s.send(head(lines...) + body + tc.trailers + "\r\n\r\n")
			if a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "hello") ||
				!strings.Contains(a.Text, ", world") {
				t.Errorf("%s, %s: status %d, the app got\n%s", path, name, a.StatusCode, a.Text)
			}
			if strings.Contains(tc.announced, "X-Sum") && !strings.Contains(a.Text, "X-Sum: 9\r\n") {
				t.Errorf("%s, %s: the app's own trailer is gone:\n%s", path, name, a.Text)
			}
			if _, after, _ := strings.Cut(a.Text, "\r\n0\r\n"); len(identityOnTheWire("\r\n"+after)) > 0 {
				t.Errorf("%s, %s: trailers %q", path, name, after)
			}
		}
	}
	if strings.Contains(app.everything(), evil) {
		t.Error("something that the client made up reached the app")
	}
}

func TestProxiedRequest_HasOtherCookiesByteForByteAndNoneOfOurs(t *testing.T) {
	t.Parallel()
	s, app := newRawSite(t)
	v := s.visitor()
	v.open("/begun")  // leaves an attempt
	v.follow("/page") // and a session
	own := v.cookies()
	if strings.Count(own, "wechat_login_") < 1 || !strings.Contains(own, "wechat_session=") {
		t.Fatalf("the visitor has %s", own)
	}
	for _, foreign := range []string{
		`JSESSIONID=0123; PHPSESSID=abc`,
		`a=1;b=2 ;  c = 3`,
		`quoted="with ; inside"; =noname; noequals; empty=`,
		`my_wechat_session=1; wechat_sessions=2; wechat_login_8=3; WECHAT_SESSION=4`,
		"nonascii=\xe4\xbd\xa0\xff",
		`a=1; a=2; A=3`,
	} {
		for name, lines := range map[string][]string{
			"before":          {"Cookie: " + foreign + "; " + own},
			"after":           {"Cookie: " + own + "; " + foreign},
			"on its own line": {"Cookie: " + own, "Cookie: " + foreign},
		} {
			request := append([]string{"GET /page HTTP/1.1", "Host: {host}"}, lines...)
			a := s.send(head(request...))
			if a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "\r\nCookie: "+foreign+"\r\n") {
				t.Errorf("%s, %s: status %d, the app got\n%s", foreign, name, a.StatusCode, a.Text)
			}
		}
	}
	// In every place where requests pass, and under the names that they have on https, too.
	for _, path := range []string{
		"/page", "/public/x", "/optional/x", "/outside/x",
		"/MP_verify_0123456789abcdef.txt",
	} {
		s.send(head("GET "+path+" HTTP/1.1", "Host: {host}", "Cookie: "+own,
			"Cookie: __Host-wechat_session=x; __Secure-wechat_session=x; __Host-wechat_login_0=x; wechat_hop=1"))
	}
	got := app.everything()
	for _, name := range []string{
		"\nCookie: wechat_", " wechat_session=", "__Host-wechat", "__Secure-wechat",
		" wechat_login_0", "wechat_hop",
	} {
		if strings.Contains(got, name) {
			t.Errorf("%q reached the app", name)
		}
	}
}

// TestProxiedRequest_IsNeverMalformed sends what servers read in different ways.
func TestProxiedRequest_IsNeverMalformed(t *testing.T) {
	t.Parallel()
	s, app := newRawSite(t)
	smuggled := head("GET /page HTTP/1.1", "Host: {host}", "X-Wechat-User: "+evil)
	for name, request := range map[string]string{
		"blank before the colon": head("GET /public/x HTTP/1.1", "Host: {host}", "X-Wechat-User : "+evil),
		"tab before the colon":   head("GET /public/x HTTP/1.1", "Host: {host}", "X-Wechat-User\t: "+evil),
		"blank before the name":  head("GET /public/x HTTP/1.1", "Host: {host}", " X-Wechat-User: "+evil),
		"folded line":            head("GET /public/x HTTP/1.1", "Host: {host}", "X-Else: 1", " X-Wechat-User: "+evil),
		"bare line feed":         "GET /public/x HTTP/1.1\nHost: {host}\nX-Wechat-User: " + evil + "\n\n",
		"bare carriage return":   head("GET /public/x HTTP/1.1", "Host: {host}", "X-Else: 1\rX-Wechat-User: "+evil),
		"NUL in the name":        head("GET /public/x HTTP/1.1", "Host: {host}", "X-Wechat-User\x00: "+evil),
		"no name":                head("GET /public/x HTTP/1.1", "Host: {host}", ": "+evil),
		"non-ASCII hyphen":       head("GET /public/x HTTP/1.1", "Host: {host}", "X\u2010Wechat\u2010User: "+evil),
		"length and chunked": head("POST /public/x HTTP/1.1", "Host: {host}", "Content-Length: 500",
			"Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled,
		"two lengths": head("POST /public/x HTTP/1.1", "Host: {host}", "Content-Length: 0",
			"Content-Length: 90") + smuggled,
		"chunked, twice": head("POST /public/x HTTP/1.1", "Host: {host}", "Transfer-Encoding: chunked",
			"Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled,
		"odd chunked": head("POST /public/x HTTP/1.1", "Host: {host}", "Transfer-Encoding: xchunked",
			"Content-Length: 5") + "0\r\n\r\n" + smuggled,
	} {
		if a := s.send(request); a.StatusCode >= http.StatusInternalServerError &&
			a.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	// A folded line belongs to the value of the header before it, wherever that goes.
	if got := app.everything(); regexp.MustCompile(`(?im)^[^:\r\n]*wechat[^:\r\n]*:`).MatchString(got) {
		t.Errorf("the app got\n%s", got)
	}
}

// TestErrorRoutes_GetNoSecrets lets the app fail, and another server make the page for that.
func TestErrorRoutes_GetNoSecrets(t *testing.T) {
	t.Parallel()
	app := newRawApp(t)
	s := newSite(t, "http", `wechat_auth {
		{account}
		public /public/*
		optional /optional/*
	}
	error /public/missing 404
	error /page 500
	error /optional/missing 404
	handle_errors {
		reverse_proxy `+app.address+`
	}`)
	v := s.visitor()
	v.follow("/page")
	for _, tc := range []struct {
		path     string
		cookie   string
		identity bool
	}{
		{"/public/missing", v.cookies(), false},
		{"/public/missing", "", false},
		{"/optional/missing", v.cookies(), true},
		{"/optional/missing", "", false},
		{"/page", v.cookies(), true},
	} {
		lines := append([]string{"GET " + tc.path + " HTTP/1.1", "Host: {host}", "Cookie: a=b; " + tc.cookie},
			hostile(mixedCase, 2)...)
		a := s.send(head(lines...))
		if a.Header.Get("X-App") == "" || strings.Contains(a.Text, evil) ||
			!strings.Contains(a.Text, "\r\nCookie: a=b") || strings.Contains(a.Text, "wechat_session") {
			t.Errorf("%s: status %d, the other server got\n%s", tc.path, a.StatusCode, a.Text)
		}
		if got := len(identityOnTheWire(a.Text)) > 0; got != tc.identity {
			t.Errorf("%s, cookie %t: the other server got\n%s", tc.path, tc.cookie != "", a.Text)
		}
	}
}
