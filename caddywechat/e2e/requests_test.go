package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

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
	{"navigation", true, "GET", "", []string{
		"Accept: text/html,application/xhtml+xml,*/*;q=0.8",
		"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none",
	}},
	{"navigation of an old browser", true, "GET", "", []string{"Accept: text/html,*/*;q=0.8"}},
	{"navigation of an Android WebView", true, "GET", "", []string{
		"Accept: text/html,*/*;q=0.8",
		"X-Requested-With: com.tencent.mm",
	}},
	{"navigation by HEAD", true, "HEAD", "", []string{"Accept: text/html"}},
	{"fetch", false, "GET", "", []string{
		"Accept: */*", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty",
		"Sec-Fetch-Site: same-origin",
	}},
	{"fetch that asks for a page", false, "GET", "", []string{
		"Accept: text/html", "Sec-Fetch-Mode: cors",
		"Sec-Fetch-Dest: empty",
	}},
	{"XHR", false, "GET", "", []string{"Accept: text/html, */*; q=0.01", "X-Requested-With: XMLHttpRequest"}},
	{"XHR of an Android WebView", false, "GET", "", []string{
		"Accept: application/json",
		"X-Requested-With: com.tencent.mm",
	}},
	{"form", false, "POST", "a=1&b=%E4%BD%A0", []string{
		"Accept: text/html",
		"Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
	}},
	{"JSON by PUT", false, "PUT", `{"a":1}`, []string{"Accept: */*", "Content-Type: application/json"}},
	{"DELETE", false, "DELETE", "", []string{"Accept: */*"}},
	{"a method of nobody's", false, "PROPFIND", "<x/>", []string{"Accept: text/html"}},
	{"image", false, "GET", "", []string{
		"Accept: image/avif,image/webp,*/*", "Sec-Fetch-Mode: no-cors",
		"Sec-Fetch-Dest: image",
	}},
	{"image of an old browser", false, "GET", "", []string{"Accept: image/png,image/*;q=0.8,*/*;q=0.5"}},
	{"script", false, "GET", "", []string{"Accept: */*", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}},
	{"frame", false, "GET", "", []string{"Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}},
	{"prefetch", false, "GET", "", []string{
		"Accept: text/html", "Sec-Purpose: prefetch;prerender",
		"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
	}},
	{"preflight", false, "OPTIONS", "", []string{
		"Accept: */*", "Origin: https://other.example",
		"Access-Control-Request-Method: PUT",
	}},
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
						if proto := strings.Fields(protocol)[0]; protocol != "HTTP/3" &&
							!strings.HasPrefix(a.Proto, proto) {
							t.Fatalf("%s by %s", about, a.Proto)
						}
					}
				}
				// Its own addresses are never passed on, whoever asks and how.
				a := s.visitor().request(kind.method, base+"/_wechat/nothing", kind.body,
					append([]string{cookie}, kind.headers...)...)
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
	if last := chain[len(chain)-1]; last.Request.URL.String() != s.url("/form?id=5") ||
		last.Header.Get("X-App-User") != person {
		t.Errorf("ended at %s as %s", last.Request.URL, last.Header.Get("X-App-User"))
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
					t.Errorf("%s, %s, %s: status %d, %s", a.Proto, path, header, a.StatusCode,
						a.Header.Get("X-App-Got"))
				}
			}
		}
		// One that may not pass is refused without being read to its end.
		a := s.visitor().request("POST", "/page", body, "Expect: 100-continue")
		if a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d", a.Proto, a.StatusCode)
		}
	}
}
