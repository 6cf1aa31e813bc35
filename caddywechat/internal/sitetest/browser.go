package sitetest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// User-Agents.
const (
	InWeChat  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.59"
	InWeCom   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) wxwork/4.1.22 MicroMessenger/7.0.1"
	OnDesktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/132.0.0.0 Safari/537.36"
	OnPhone   = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/132.0.0.0 Mobile"
)

// Headers of requests, a line each.
const (
	Fetch     = "Accept: */*"           // a script asks
	ForImage  = "Sec-Fetch-Dest: image" // not a person
	CrossSite = "Sec-Fetch-Site: cross-site"
	SameSite  = "Sec-Fetch-Site: same-origin"
)

// Server is the web server around a request.
type Server struct {
	ID      string     // of each request; "": request-1
	Address netip.Addr // of each client
	Trusts  bool       // whether each peer is a trusted proxy
	Omitted int        // how many requests are kept out of access logs
}

// RequestID implements [visitor.Server].
func (s *Server) RequestID(*http.Request) string { return cmp.Or(s.ID, "request-1") }

// ClientIP implements [visitor.Server].
func (s *Server) ClientIP(*http.Request) string { return s.Address.String() }

// ClientAddress implements [visitor.Server].
func (s *Server) ClientAddress(*http.Request) netip.Addr { return s.Address }

// IsTrustedProxy implements [visitor.Server].
func (s *Server) IsTrustedProxy(*http.Request) bool { return s.Trusts }

// OmitFromLog implements [visitor.Server].
func (s *Server) OmitFromLog(*http.Request) { s.Omitted++ }

// Browser is a visitor's, with cookies of its own, or a program with a token. It goes to pages by GET as a person does
// unless a header line says something else.
type Browser struct {
	parts   *Parts
	Agent   string // User-Agent
	Host    string // that requests are sent to
	HTTP    bool   // not https
	Token   string // "" for none
	Server  *Server
	Cookies map[string]string
}

// Browser returns a browser inside WeChat that has no cookies yet.
func (p *Parts) Browser() *Browser {
	return &Browser{parts: p, Agent: InWeChat, Host: Host, Server: new(Server), Cookies: make(map[string]string)}
}

// At returns the browser as another instance of the site sees it.
func (b *Browser) At(p *Parts) *Browser {
	other := *b
	other.parts = p
	return &other
}

// LogIn gives the browser a session.
func (b *Browser) LogIn(s session.Session) {
	b.parts.T.Helper()
	r := b.Request("GET", "/")
	cookie, err := b.parts.Sessions.Cookie(r.Context(), r.Origin, s)
	if err != nil {
		b.parts.T.Fatal(err)
	}
	b.Cookies[cookie.Name] = cookie.Value
}

// UseToken lets the browser be a program with the token of a session.
func (b *Browser) UseToken(s session.Session) {
	b.parts.T.Helper()
	r := b.Request("GET", "/")
	token, _, err := b.parts.Sessions.Token(r.Context(), r.Origin, s)
	if err != nil {
		b.parts.T.Fatal(err)
	}
	b.Token = token
}

// Request returns a request of the browser, with header lines ("Name: value") in place of its own. What stands behind
// an empty line is the body.
func (b *Browser) Request(method, target string, lines ...string) *visitor.Request {
	scheme := "https"
	if b.HTTP {
		scheme = "http"
	}
	var body string
	for i, line := range lines {
		if line == "" {
			lines, body = lines[:i], strings.Join(lines[i+1:], "\n")
			break
		}
	}
	r := httptest.NewRequest(method, scheme+"://"+cmp.Or(b.Host, Host)+target, strings.NewReader(body))
	r.RequestURI, r.Host = target, b.Host
	r.Header.Set("User-Agent", b.Agent)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	in := &visitor.Request{Request: r, Server: b.Server, Origin: b.parts.Site.Origin(r, b.Server)}
	for name, value := range b.Cookies {
		in.Cookies = append(in.Cookies, visitor.Cookie{Name: name, Value: value})
	}
	if b.Token != "" {
		in.Tokens = []string{b.Token}
	}
	return in
}

// Serve is a method that answers requests.
type Serve func(http.ResponseWriter, *visitor.Request) error

// Open goes to a page, and keeps the cookies of the answer.
func (b *Browser) Open(serve Serve, target string, lines ...string) *Answer {
	b.parts.T.Helper()
	return b.Send(serve, "GET", target, lines...)
}

// Send is Open with any method.
func (b *Browser) Send(serve Serve, method, target string, lines ...string) *Answer {
	b.parts.T.Helper()
	return b.Do(serve, b.Request(method, target, lines...))
}

// Do has a request of the browser answered, and keeps the cookies of the answer.
func (b *Browser) Do(serve Serve, r *visitor.Request) *Answer {
	b.parts.T.Helper()
	w := httptest.NewRecorder()
	if err := serve(w, r); err != nil {
		b.parts.T.Fatal(err)
	}
	a := &Answer{w.Result(), w.Body.String(), w.Result().Cookies()}
	for _, c := range a.Set {
		if c.MaxAge < 0 {
			delete(b.Cookies, c.Name)
		} else {
			b.Cookies[c.Name] = c.Value
		}
	}
	return a
}

// HasSession reports whether the browser carries a session that lives.
func (b *Browser) HasSession() bool {
	b.parts.T.Helper()
	return b.Session() != nil
}

// Session returns the live session that the browser carries, nil for none.
func (b *Browser) Session() *session.Session {
	b.parts.T.Helper()
	s, err := b.parts.Sessions.Find(b.Request("GET", "/"))
	if err != nil {
		b.parts.T.Fatal(err)
	}
	return s
}

// Forget removes the cookies whose names hold a word.
func (b *Browser) Forget(word string) {
	for name := range b.Cookies {
		if strings.Contains(name, word) {
			delete(b.Cookies, name)
		}
	}
}

// Count returns how many cookies have a name that holds a word.
func (b *Browser) Count(word string) (n int) {
	for name := range b.Cookies {
		if strings.Contains(name, word) {
			n++
		}
	}
	return n
}

// Answer is an answer with its body read.
type Answer struct {
	*http.Response
	Body string
	Set  []*http.Cookie
}

// To returns where the answer leads.
func (a *Answer) To() string { return a.Header.Get("Location") }

// SetCookie returns the cookie that the answer sets whose name holds a word, nil for none.
func (a *Answer) SetCookie(word string) *http.Cookie {
	for _, c := range a.Set {
		if strings.Contains(c.Name, word) {
			return c
		}
	}
	return nil
}

// Want fails the test at once unless the answer has a status.
func (a *Answer) Want(t testing.TB, status int) *Answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: to %q: %.300s", a.StatusCode, status, a.To(), a.Body)
	}
	return a
}

// WantTo fails the test at once unless the answer redirects a browser to an address.
func (a *Answer) WantTo(t testing.TB, location string) *Answer {
	t.Helper()
	if a.To() != location || a.StatusCode != http.StatusFound {
		t.Fatalf("status %d to %q, want 302 to %q: %.300s", a.StatusCode, a.To(), location, a.Body)
	}
	return a
}

// WantPage fails the test at once unless the answer is the page with a status and a text.
func (a *Answer) WantPage(t testing.TB, status int, text string) *Answer {
	t.Helper()
	if a.Want(t, status); !strings.Contains(a.Body, text) {
		t.Fatalf("%q is not on the page: %s", text, a.Body)
	}
	return a
}

// WantWord fails the test at once unless the answer is the JSON of a problem with a word, and returns what it says.
func (a *Answer) WantWord(t testing.TB, status int, word string) map[string]any {
	t.Helper()
	body := a.Want(t, status).JSON(t)
	if body["error"] != word {
		t.Fatalf("%v, want %s", body, word)
	}
	return body
}

// JSON returns the body as JSON.
func (a *Answer) JSON(t testing.TB) (body map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		t.Fatalf("%v: %.300s", err, a.Body)
	}
	return body
}
