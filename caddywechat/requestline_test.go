package caddywechat

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestRequestLine_InvalidHostIsRefused(t *testing.T) {
	w := newWorld(t, "public /open")
	for _, hostile := range []string{"evil.example\"><script>", "a@b.example", "h5.example.com:x", "[::1", "a b"} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nAccept: text/html\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", hostile, inWeChat)
		all, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || strings.Contains(string(all), "Location") {
			t.Errorf("%s: %.100s", hostile, all)
		}
	}
}

func TestRequestLine_WithoutAPathIsRefused(t *testing.T) {
	w := makeWorld(t, "http", "/admin/*", "public *")
	for _, line := range []string{
		"GET x:admin/secret HTTP/1.1", "GET http:admin/secret HTTP/1.1", "GET mailto:a@b HTTP/1.1", "CONNECT admin:80 HTTP/1.1", "GET * HTTP/1.1",
		"GET http://h5.example.com HTTP/1.1",
	} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s\r\nHost: %s\r\nConnection: close\r\n\r\n", line, host)
		all, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || w.received() != nil {
			t.Errorf("%s: %.60s", line, all)
		}
	}
}

func TestRequestLine_AbsoluteFormIsMatchedByItsPath(t *testing.T) {
	w := makeWorld(t, "http", "/admin/*", "")
	for path, status := range map[string]string{"/admin/secret": "302", "/else": "200"} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET http://%s%s HTTP/1.1\r\nHost: other.example\r\nAccept: text/html\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", host, path, inWeChat)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if !strings.HasPrefix(res.Status, status) {
			t.Errorf("%s: %s", path, res.Status)
		}
		if location := res.Header.Get("Location"); location != "" && !strings.Contains(location, url.QueryEscape("callback?to=%2Fadmin%2Fsecret")) {
			t.Errorf("%s: Location %s", path, location)
		}
	}
}

// serveDirectly sends a request through a handler by itself, as a server would.
func serveDirectly(h *Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
	return w
}

func TestEarlyData_IsRefusedByCallbackAndLogout(t *testing.T) {
	w := newWorld(t, "")
	for path, status := range map[string]int{
		"/_wechat/callback?code=x&state=y": http.StatusTooEarly, "/_wechat/logout": http.StatusTooEarly, "/_wechat/me": http.StatusUnauthorized,
	} {
		for name, r := range map[string]*http.Request{
			"here":       httptest.NewRequest("GET", "https://"+host+path, nil),
			"at a proxy": httptest.NewRequest("GET", "http://"+host+path, nil),
		} {
			if name == "here" {
				r.TLS = &tls.ConnectionState{HandshakeComplete: false}
			} else {
				r.Header.Set("Early-Data", "1")
			}
			if got := serveDirectly(w.handler, r).Code; got != status {
				t.Errorf("%s, early %s: status %d, want %d", path, name, got, status)
			}
		}
	}
}
