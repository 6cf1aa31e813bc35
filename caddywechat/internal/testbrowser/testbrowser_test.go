package testbrowser

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// newSite starts a server and returns its port: every host name is reached there.
func newSite(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func newBrowser(t *testing.T, c Config) *Browser {
	t.Helper()
	b := New(c)
	t.Cleanup(b.CloseIdleConnections)
	return b
}

func TestOpen_SendsWhatANavigationSends(t *testing.T) {
	requests := make(chan *http.Request, 1)
	port := newSite(t, func(_ http.ResponseWriter, r *http.Request) { requests <- r })
	b := newBrowser(t, Config{Base: "http://shop.example.com:" + port})
	for _, tt := range []struct {
		lines         []string
		accept, agent string
	}{
		{nil, AcceptPage, InWeChat},
		{[]string{"accept: text/plain", "User-Agent: curl"}, "text/plain", "curl"},
	} {
		if r, err := b.Open(t.Context(), "/page", tt.lines...); err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}
		got := <-requests
		if got.Host != "shop.example.com:"+port || got.URL.Path != "/page" {
			t.Errorf("it asked %s for %s", got.Host, got.URL)
		}
		if accept, agent := got.Header["Accept"], got.Header["User-Agent"]; !slices.Equal(accept,
			[]string{tt.accept}) ||
			!slices.Equal(agent, []string{tt.agent}) {
			t.Errorf("with %q: Accept %q, User-Agent %q", tt.lines, accept, agent)
		}
	}
}

func TestOpen_AsksOnceMoreWhereItIsToldTo(t *testing.T) {
	var requests atomic.Int64
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler) // ends the connection
		}
	})
	for _, retries := range []bool{false, true} {
		b := newBrowser(t, Config{Retry: func(err error) bool { return retries && errors.Is(err, io.EOF) }})
		requests.Store(0)
		if r, err := b.Open(t.Context(), "http://127.0.0.1:"+port+"/"); (err == nil) != retries {
			t.Errorf("retries %t: %s, %v", retries, r, err)
		}
	}
}

func TestSend_SendsLinesAsTheyAreWritten(t *testing.T) {
	b := newBrowser(t, Config{})
	req, err := b.NewRequest(t.Context(), "POST", "http://shop.example.com/", "a=1", "X_Wechat_User: x", "a: 1", "a: 2")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"X_Wechat_User": {"x"}, "a": {"1", "2"}} {
		if got := req.Header[name]; !slices.Equal(got, want) {
			t.Errorf("%s is %q in %v", name, got, req.Header)
		}
	}
	if _, ok := req.Header["Accept"]; ok || req.ContentLength != 3 {
		t.Errorf("Accept %q, %d bytes", req.Header["Accept"], req.ContentLength)
	}
}

func TestFollow_ReturnsEveryResponseAndKeepsCookies(t *testing.T) {
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			http.Redirect(w, r, "/next?x=1", http.StatusFound)
		default:
			fmt.Fprint(w, r.URL, " ", r.Header.Get("Cookie"))
		}
	})
	base := "http://shop.example.com:" + port
	b := newBrowser(t, Config{Base: base})
	chain, err := b.Follow(t.Context(), "/")
	if err != nil || len(chain) != 2 {
		t.Fatalf("%d responses, %v", len(chain), err)
	}
	if next := chain[0].Next(); next != base+"/next?x=1" {
		t.Errorf("redirected to %q", next)
	}
	if text := chain[1].Text; text != "/next?x=1 a=1" || chain[1].Next() != "" {
		t.Errorf("at last %q, redirected to %q", text, chain[1].Next())
	}
	if got := CookieHeader(b.Cookies("/")); got != "a=1" {
		t.Errorf("the browser has the cookies %q", got)
	}
	b.SetCookies("/", &http.Cookie{Name: "a", Path: "/", MaxAge: -1}, &http.Cookie{Name: "b", Value: "2"})
	if got := CookieHeader(b.Cookies("/")); got != "b=2" {
		t.Errorf("then it has %q", got)
	}
	if got := CookieHeader(b.Cookies("http://other.example.com/")); got != "" {
		t.Errorf("another host gets %q", got)
	}
}

func TestFollow_EndsWhereRedirectsDoNot(t *testing.T) {
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	chain, err := newBrowser(t, Config{}).Follow(t.Context(), "http://shop.example.com:"+port)
	if err == nil || len(chain) != maxRedirects || !strings.Contains(err.Error(), "/again") {
		t.Errorf("%d responses, %v", len(chain), err)
	}
}

func TestBrowser_WithoutAJarKeepsNoCookies(t *testing.T) {
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	b := newBrowser(t, Config{Base: "http://shop.example.com:" + port})
	b.Jar = nil
	for _, lines := range [][]string{nil, nil, {"Cookie: b=2"}} {
		r, err := b.Open(t.Context(), "/", lines...)
		if want := strings.TrimPrefix(strings.Join(lines, ""), "Cookie: "); err != nil || r.Text != want {
			t.Errorf("with %q the site got %q, %v", lines, r.Text, err)
		}
	}
}

func TestNewTransport_ConnectsWhereItIsTold(t *testing.T) {
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	transport := NewTransport(func(string) string { return "127.0.0.1:" + port })
	b := newBrowser(t, Config{Transport: transport})
	if r, err := b.Open(t.Context(), "http://shop.example/"); err != nil || r.Text != "shop.example" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestLoopback_LeavesAddressesAlone(t *testing.T) {
	for hostPort, want := range map[string]string{
		"h5.example.com:443": "127.0.0.1:443", "localhost:80": "127.0.0.1:80",
		"192.0.2.1:80": "192.0.2.1:80", "[::1]:80": "[::1]:80", "nonsense": "nonsense",
	} {
		if got := Loopback(hostPort); got != want {
			t.Errorf("%s is reached at %s, want %s", hostPort, got, want)
		}
	}
}

func TestResponse_DescribesItself(t *testing.T) {
	if got := (Response{}).String(); got != "no response" {
		t.Errorf("%q", got)
	}
	port := newSite(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no tea", http.StatusTeapot) })
	r, err := newBrowser(t, Config{}).Send(t.Context(), "PUT", "http://127.0.0.1:"+port+"/pot", "")
	if got := r.String(); err != nil || !strings.Contains(got, "PUT http://127.0.0.1:"+port+"/pot: status 418") ||
		!strings.Contains(got, "no tea") {
		t.Errorf("%q, %v", got, err)
	}
}
