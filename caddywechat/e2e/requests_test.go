package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// modernApp is an app with streams and sockets. Under …/events it sends an event and goes on when it is told to, under
// …/socket it echoes messages, elsewhere it tells in headers what it got.
type modernApp struct {
	*httptest.Server
	goOn chan struct{}
}

func newModernApp(t *testing.T) *modernApp {
	t.Helper()
	app := &modernApp{goOn: make(chan struct{})}
	echo := websocket.Server{Handler: func(conn *websocket.Conn) {
		user := conn.Request().Header.Get("X-Wechat-User")
		for {
			var message string
			if websocket.Message.Receive(conn, &message) != nil {
				return
			}
			websocket.Message.Send(conn, user+" says "+message)
		}
	}}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App", "reached")
		switch {
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: hello %s\n\n", r.Header.Get("X-Wechat-User"))
			w.(http.Flusher).Flush()
			select {
			case <-app.goOn:
				fmt.Fprint(w, "data: bye\n\n")
			case <-r.Context().Done():
			}
		case r.Header.Get("Upgrade") != "" && strings.HasSuffix(r.URL.Path, "/socket"):
			echo.ServeHTTP(w, r)
		default:
			body := sha256.New()
			size, err := io.Copy(body, r.Body)
			w.Header().Set("X-App-User", r.Header.Get("X-Wechat-User"))
			w.Header().Set("X-App-Got", fmt.Sprintf("%s %s %d %x %v", r.Method, r.RequestURI, size, body.Sum(nil), err))
		}
	}))
	t.Cleanup(app.Close)
	return app
}

// got is what the header X-App-Got says of a request that arrived as it was sent.
func got(method, uri, body string) string {
	return fmt.Sprintf("%s %s %d %x %v", method, uri, len(body), sha256.Sum256([]byte(body)), nil)
}

func allRules(app string) string {
	return `@site not path /outside/*
	wechat_auth @site {
		{account}
		public /public/*
		optional /optional/*
		userinfo /profile/*
	}
	reverse_proxy ` + app
}

// requestKinds are what browsers and programs send, without cookies.
var requestKinds = []struct {
	name       string
	navigation bool
	method     string
	body       string
	headers    []string
}{
	{"navigation", true, "GET", "", []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none"}},
	{"navigation of an old browser", true, "GET", "", []string{"Accept: text/html,*/*;q=0.8"}},
	{"navigation of an Android WebView", true, "GET", "", []string{"Accept: text/html,*/*;q=0.8", "X-Requested-With: com.tencent.mm"}},
	{"navigation by HEAD", true, "HEAD", "", []string{"Accept: text/html"}},
	{"fetch", false, "GET", "", []string{"Accept: */*", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin"}},
	{"fetch that asks for a page", false, "GET", "", []string{"Accept: text/html", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}},
	{"XHR", false, "GET", "", []string{"Accept: text/html, */*; q=0.01", "X-Requested-With: XMLHttpRequest"}},
	{"XHR of an Android WebView", false, "GET", "", []string{"Accept: application/json", "X-Requested-With: com.tencent.mm"}},
	{"form", false, "POST", "a=1&b=%E4%BD%A0", []string{"Accept: text/html", "Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}},
	{"JSON by PUT", false, "PUT", `{"a":1}`, []string{"Accept: */*", "Content-Type: application/json"}},
	{"DELETE", false, "DELETE", "", []string{"Accept: */*"}},
	{"a method of nobody's", false, "PROPFIND", "<x/>", []string{"Accept: text/html"}},
	{"image", false, "GET", "", []string{"Accept: image/avif,image/webp,*/*", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}},
	{"image of an old browser", false, "GET", "", []string{"Accept: image/png,image/*;q=0.8,*/*;q=0.5"}},
	{"script", false, "GET", "", []string{"Accept: */*", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}},
	{"frame", false, "GET", "", []string{"Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}},
	{"prefetch", false, "GET", "", []string{"Accept: text/html", "Sec-Purpose: prefetch;prerender", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}},
	{"preflight", false, "OPTIONS", "", []string{"Accept: */*", "Origin: https://other.example", "Access-Control-Request-Method: PUT"}},
	{"HEAD of a program", false, "HEAD", "", []string{"Accept: */*"}},
	{"a health check", false, "GET", "", []string{"User-Agent: kube-probe/1.32"}},
	{"a crawler", false, "GET", "", []string{"User-Agent: GoogleHC/1.0", "Accept: */*"}},
}

// outcome is what becomes of a request.
type outcome struct {
	status int
	app    bool
	user   string
	word   string // what JSON calls the error
}

func outcomeOf(a response) outcome {
	o := outcome{status: a.StatusCode, app: a.Header.Get("X-App") != "", user: a.Header.Get("X-App-User")}
	var body struct{ Error string }
	if !o.app && json.Unmarshal([]byte(a.Text), &body) == nil {
		o.word = body.Error
	}
	return o
}

// wanted says what is to become of a request without a session, and with one that lacks the profile.
func wanted(path string, navigation, session bool) outcome {
	anonymous, known := outcome{200, true, "", ""}, outcome{200, true, person, ""}
	switch {
	case strings.HasPrefix(path, "/outside/"), strings.HasPrefix(path, "/public/"):
		return anonymous
	case strings.HasPrefix(path, "/optional/") && !session:
		return anonymous
	case strings.HasPrefix(path, "/optional/"):
		return known
	case strings.HasPrefix(path, "/profile/") && navigation:
		return outcome{status: 200} // our own page with one button
	case strings.HasPrefix(path, "/profile/") && session:
		return outcome{status: 401, word: "profile_required"}
	case session:
		return known
	case navigation:
		return outcome{status: 302}
	default:
		return outcome{status: 401, word: "login_required"}
	}
}

func TestRequests_OfEveryKindGetWhatTheirPathNeeds(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/1.1 and TLS", "HTTP/2", "HTTP/3"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			scheme := "https"
			if protocol == "HTTP/1.1" {
				scheme = "http"
			}
			s := newSite(t, scheme, allRules(app.Listener.Addr().String()))
			loggedIn := s.visitor()
			loggedIn.follow("/page")
			cookie, base := "Cookie: "+loggedIn.cookies(), s.url("")
			if protocol == "HTTP/3" {
				base = newHTTP3Front(t, s)
			}
			for _, kind := range requestKinds {
				for _, path := range []string{"/outside/x", "/public/x", "/optional/x", "/page", "/profile/x"} {
					for _, session := range []bool{false, true} {
						v, headers := s.visitor(), kind.headers
						v.Transport.(*http.Transport).ForceAttemptHTTP2 = protocol == "HTTP/2"
						if session {
							headers = append([]string{cookie}, headers...)
						}
						a := v.request(kind.method, base+path+"?a=b;c", kind.body, headers...)
						v.CloseIdleConnections()
						want := wanted(path, kind.navigation, session)
						if kind.name == "form" || kind.name == "frame" {
							want.word = "" // a page with a button, for the person who is there
						}
						if kind.method == "HEAD" {
							want.word = ""
						}
						about := fmt.Sprintf("%s, %s, session %t", kind.name, path, session)
						if o := outcomeOf(a); o != want {
							t.Errorf("%s: %+v, want %+v", about, o, want)
						}
						if want.app && a.Header.Get("X-App-Got") != got(kind.method, path+"?a=b;c", kind.body) {
							t.Errorf("%s: the app got %s", about, a.Header.Get("X-App-Got"))
						}
						if want.status == 401 && (a.Header.Get("Set-Cookie") != "" || a.Header.Get("Location") != "") {
							t.Errorf("%s: %v", about, a.Header)
						}
						if !want.app && a.Header.Get("Cache-Control") != "no-store" {
							t.Errorf("%s: Cache-Control: %s", about, a.Header.Get("Cache-Control"))
						}
						if proto := strings.Fields(protocol)[0]; protocol != "HTTP/3" && !strings.HasPrefix(a.Proto, proto) {
							t.Fatalf("%s by %s", about, a.Proto)
						}
					}
				}
				// Its own addresses are never passed on, whoever asks and how.
				a := s.visitor().request(kind.method, base+"/_wechat/nothing", kind.body, append([]string{cookie}, kind.headers...)...)
				if o := outcomeOf(a); o.status != 404 || o.app {
					t.Errorf("%s, under the prefix: %+v", kind.name, o)
				}
			}
			if protocol == "HTTP/3" {
				s.caddy.waitFor(`"proto":"HTTP/3\.0"[^\n]*"uri":"/page`)
			}
		})
	}
}

// newHTTP3Front starts a Caddy that speaks HTTP/3 to the site and HTTP/1.1 to us, and returns its address.
func newHTTP3Front(t *testing.T, s *site) string {
	t.Helper()
	port := freeport.Get(t)
	config := fmt.Sprintf(`{
	admin off
	persist_config off
}
http://127.0.0.1:%d {
	reverse_proxy https://127.0.0.1:%d {
		header_up Host %s
		transport http {
			versions 3
			tls_server_name %s
			tls_insecure_skip_verify
		}
	}
}
`, port, s.port, s.authority(), s.host)
	front := start(t, home(t), "run", "--config", write(t, "Caddyfile", config), "--adapter", "caddyfile")
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	front.answers(base + "/public/x")
	return base
}

func TestLoginURL_ReturnsToThePageOfTheScript(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	v := s.visitor()
	loginURL := func(a response) string {
		var body struct {
			LoginURL string `json:"login_url"`
		}
		if err := json.Unmarshal([]byte(a.Text), &body); err != nil {
			t.Fatalf("status %d: %s", a.StatusCode, a.Text)
		}
		return body.LoginURL
	}
	a := v.request("POST", "/api/save", `{"a":1}`, "Referer: "+s.url("/form?id=5"), "Content-Type: application/json")
	if got := loginURL(a); got != "/_wechat/login?return_to="+url.QueryEscape("/form?id=5") {
		t.Errorf("login_url %s", got)
	}
	chain := v.follow(loginURL(a))
	if last := chain[len(chain)-1]; last.Request.URL.String() != s.url("/form?id=5") || last.Header.Get("X-App-User") != person {
		t.Errorf("landed at %s as %s", last.Request.URL, last.Header.Get("X-App-User"))
	}
	// The session lacks the profile, which login_url then asks for.
	a = v.request("POST", "/profile/save", `{}`, "Referer: "+s.url("/form?id=6"))
	if got := loginURL(a); got != "/_wechat/login?return_to="+url.QueryEscape("/form?id=6")+"&profile=1" {
		t.Errorf("login_url %s", got)
	}
}

func TestBodies_ArriveWhole(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	for _, scheme := range []string{"http", "https"} {
		s := newSite(t, scheme, allRules(app.Listener.Addr().String()))
		v := s.visitor()
		v.follow("/page")
		body := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
		for _, path := range []string{"/page", "/public/x", "/optional/x", "/outside/x"} {
			for _, header := range []string{"X-Else: 1", "Expect: 100-continue"} {
				a := v.request("POST", path, body, header)
				if a.Header.Get("X-App-Got") != got("POST", path, body) {
					t.Errorf("%s, %s, %s: status %d, %s", a.Proto, path, header, a.StatusCode, a.Header.Get("X-App-Got"))
				}
			}
		}
		// One that may not pass is refused without being read to its end.
		if a := s.visitor().request("POST", "/page", body, "Expect: 100-continue"); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d", a.Proto, a.StatusCode)
		}
	}
}

func TestWebSockets_NeedWhatTheirPathNeeds(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	v := s.visitor()
	v.follow("/page")
	for _, tc := range []struct {
		path    string
		session bool
		says    string // "" where there is to be no socket
	}{
		{"/socket", true, person + " says hi"},
		{"/socket", false, ""},
		{"/optional/socket", true, person + " says hi"},
		{"/optional/socket", false, " says hi"},
		{"/public/socket", true, " says hi"},
		{"/outside/socket", true, " says hi"},
		{"/profile/socket", true, ""},
		{"/_wechat/socket", true, ""},
	} {
		config, err := websocket.NewConfig("ws"+strings.TrimPrefix(s.url(tc.path), "http"), s.url(""))
		if err != nil {
			t.Fatal(err)
		}
		config.Header = http.Header{"User-Agent": {inWeChat}, "X-Wechat-User": {evil}, "Accept": {"text/html"}}
		if tc.session {
			config.Header.Set("Cookie", v.cookies())
		}
		says, err := askBySocket(t, s, config)
		if (err == nil) != (tc.says != "") || says != tc.says {
			t.Errorf("%s, session %t: %q, %v", tc.path, tc.session, says, err)
		}
	}
	// The answer to a handshake without a session is JSON, and leaves no cookie.
	a := s.send(head("GET /socket HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat, "Accept: text/html", "Connection: Upgrade",
		"Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="))
	if o := outcomeOf(a); o != (outcome{status: 401, word: "login_required"}) || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("%+v, Set-Cookie: %s", o, a.Header.Get("Set-Cookie"))
	}
}

// askBySocket opens a socket, says hi and returns what comes back.
func askBySocket(t *testing.T, s *site, config *websocket.Config) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	socket, err := websocket.NewClient(config, conn)
	if err != nil {
		return "", err
	}
	var says string
	err = errors.Join(websocket.Message.Send(socket, "hi"), websocket.Message.Receive(socket, &says))
	return says, err
}

func TestEvents_ArriveWhenTheyAreSent(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	for _, scheme := range []string{"http", "https"} {
		s := newSite(t, scheme, allRules(app.Listener.Addr().String()))
		v := s.visitor()
		v.follow("/page")
		for path, event := range map[string]string{"/events": "data: hello " + person, "/public/events": "data: hello ", "/optional/events": "data: hello " + person} {
			app.wantEvents(v, path, event, "Accept: text/event-stream")
		}
		a := s.visitor().request("GET", "/events", "", "Accept: text/event-stream")
		if o := outcomeOf(a); o != (outcome{status: 401, word: "login_required"}) {
			t.Errorf("%s, without a session: %+v", scheme, o)
		}
	}
}

func TestEvents_StreamBesideANewCookie(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", `wechat_auth {
		{account}
		session {
			idle 5s
		}
	}
	reverse_proxy `+app.Listener.Addr().String())
	v := s.visitor()
	v.follow("/page")
	// The cookie comes again after a tenth of the time that a visitor may be idle.
	s.caddy.eventually("a page brings the cookie again", func() bool {
		header := app.wantEvents(v, "/events", "data: hello "+person, "Accept: text/html")
		if header.Get("Set-Cookie") == "" {
			return false
		}
		if got := header["Cache-Control"]; len(got) != 1 || got[0] != "private, no-store" {
			t.Errorf("Cache-Control: %q", got)
		}
		return true
	})
}

// wantEvents asks for events, and fails the test unless each arrives before the app sends the next one. It returns the
// answer's headers.
func (app *modernApp) wantEvents(v *visitor, path, event string, headers ...string) http.Header {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", v.url(path), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	res, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != event {
		v.t.Fatalf("%s: status %d, %q, %v", path, res.StatusCode, lines.Text(), lines.Err())
	}
	app.goOn <- struct{}{}
	lines.Scan() // the blank line that ends an event
	if !lines.Scan() || lines.Text() != "data: bye" {
		v.t.Errorf("%s: then %q, %v", path, lines.Text(), lines.Err())
	}
	return res.Header
}

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

// TestLogin_ReturnsToTheExactBytes begins with the bytes that a browser may send and looks where the callback leads to.
func TestLogin_ReturnsToTheExactBytes(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	s := newSite(t, "http", allRules(app.Listener.Addr().String()))
	origin := s.url("")
	long := strings.Repeat("0123456789", 800)
	for target, lands := range map[string]string{
		"/":                                 "/",
		"/?":                                "/?",
		"/page?":                            "/page?",
		"/page?a=1&&b=;c&=&a":               "/page?a=1&&b=;c&=&a",
		"/page?a=%zz&b=%":                   "/page?a=%zz&b=%",
		"/page?q=a+b%20c%2B&next=/x?y=1":    "/page?q=a+b%20c%2B&next=/x?y=1",
		`/page?x="<script>'&y=[]{}|^` + "`": `/page?x="<script>'&y=[]{}|^` + "`",
		"/%E8%AE%A2%e5%8d%95":               "/%E8%AE%A2%e5%8d%95",
		"/订单/5?名=值":                         "/订单/5?名=值",
		"/\xff\xfe?\x80":                    "/\xff\xfe?\x80",
		"/a%2Fb/%2e%2E/c":                   "/a%2Fb/%2e%2E/c",
		"/a;v=1/b;w=2":                      "/a;v=1/b;w=2",
		`/a\b`:                              `/a\b`,
		"/./a/../b/":                        "/./a/../b/",
		"/a//b///":                          "/a//b///",
		"//evil.example/x":                  origin + "//evil.example/x",
		"//":                                origin + "//",
		`/\evil.example`:                    origin + `/\evil.example`,
		`/\/evil.example`:                   origin + `/\/evil.example`,
		"///evil.example":                   origin + "///evil.example",
		"/%2F/evil.example":                 "/%2F/evil.example",
		"/page?from=singlemessage&isappinstalled=0&code=OLD&state=OLD": "/page?from=singlemessage&isappinstalled=0&code=OLD&state=OLD",
		"/page?to=/_wechat/logout":                                     "/page?to=/_wechat/logout",
		"/page?x=" + long[:1990-len("/page?x=")]:                       "/page?x=" + long[:1990-len("/page?x=")],
		"/page?x=" + long:                                              "/page",
		"/" + long:                                                     "/",
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
			t.Errorf("%s: WeChat leads to %s", name, callback)
			continue
		}
		if a = v.open(callback); a.StatusCode != http.StatusFound || a.Header.Get("Location") != lands {
			t.Errorf("%s: status %d, lands at %.200q, want %.200q", name, a.StatusCode, a.Header.Get("Location"), lands)
		}
		if len(target) > 512 {
			if regexp.MustCompile(`[?&]to=`).MatchString(callback) == (lands == target) {
				t.Errorf("%s: WeChat leads to %s", name, callback)
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
