package caddywechat

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestRequestLine_InvalidHostIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public /open")
	for _, invalid := range []string{"evil.example\"><script>", "a@b.example", "h5.example.com:x", "[::1", "a b"} {
		a := w.sendRaw("GET / HTTP/1.1\r\nHost: " + invalid + "\r\nAccept: text/html\r\nUser-Agent: " + inWeChat +
			"\r\nConnection: close\r\n\r\n")
		if a.StatusCode != http.StatusBadRequest || a.location() != "" {
			t.Errorf("%s: %s %.100s", invalid, a.Status, a.body)
		}
	}
}

func TestRequestLine_WithoutAPathIsRefused(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "http", "/admin/*", "public *")
	for _, line := range []string{
		"GET x:admin/secret HTTP/1.1", "GET http:admin/secret HTTP/1.1", "GET mailto:a@b HTTP/1.1",
		"CONNECT admin:80 HTTP/1.1", "GET * HTTP/1.1",
		"GET http://h5.example.com HTTP/1.1",
	} {
		a := w.sendRaw(line + "\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if a.StatusCode != http.StatusBadRequest || w.received() != nil {
			t.Errorf("%s: %s %.60s", line, a.Status, a.body)
		}
	}
}

func TestRequestLine_AbsoluteFormIsMatchedByItsPath(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "http", "/admin/*", "")
	for path, status := range map[string]int{"/admin/secret": 302, "/else": 200} {
		a := w.sendRaw("GET http://" + host + path + " HTTP/1.1\r\nHost: other.example\r\nAccept: text/html\r\n" +
			"User-Agent: " + inWeChat + "\r\nConnection: close\r\n\r\n")
		if a.StatusCode != status {
			t.Errorf("%s: %s", path, a.Status)
		}
		callback := url.QueryEscape("callback?to=%2Fadmin%2Fsecret")
		if location := a.location(); location != "" && !strings.Contains(location, callback) {
			t.Errorf("%s: Location %s", path, location)
		}
	}
}

func TestEarlyData_IsRefusedByCallbackAndLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for path, status := range map[string]int{
		"/_wechat/callback?code=x&state=y": http.StatusTooEarly, "/_wechat/logout": http.StatusTooEarly,
		"/_wechat/me": http.StatusUnauthorized,
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
