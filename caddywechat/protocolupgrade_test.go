package caddywechat

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Each of these on a path that needs no login: what goes upstream must not switch the protocol.
func TestUpgrades_OnlyWebSocketGoesUpstream(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "http", "/site/*", "public /site/public\noptional /site/optional\n")
	in := w.browser(inWeChat)
	in.login("/site/")
	for name, tt := range map[string]struct {
		headers []string
		want    map[string]string
	}{
		"h2c": {
			[]string{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"},
			nil,
		},
		"h2c, other cases, beside what stays": {
			[]string{"UPGRADE: H2C", "http2-settings: AAMAAABk", "connection: keep-alive,UPGRADE , http2-settings"},
			map[string]string{"Connection": "keep-alive"},
		},
		"TLS":                     {[]string{"Upgrade: TLS/1.3", "Connection: Upgrade"}, nil},
		"two words":               {[]string{"Upgrade: websocket, h2c", "Connection: Upgrade"}, nil},
		"two words the other way": {[]string{"Upgrade: h2c,websocket", "Connection: Upgrade"}, nil},
		"two lines":               {[]string{"Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"}, nil},
		"the same twice":          {[]string{"Upgrade: websocket", "Upgrade: websocket", "Connection: Upgrade"}, nil},
		"with a version":          {[]string{"Upgrade: websocket/13", "Connection: Upgrade"}, nil},
		"settings alone":          {[]string{"HTTP2-Settings: AAMAAABk", "Connection: HTTP2-Settings"}, nil},
		"a Connection of no use": {
			[]string{"Upgrade: h2c", "Connection: close"}, map[string]string{"Connection": "close"},
		},
		"without a Connection":     {[]string{"Upgrade: h2c"}, nil},
		"an unknown one, no value": {[]string{"Upgrade: ", "Connection: Upgrade"}, nil},
		"WebSocket": {
			[]string{"Upgrade: WebSocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13"},
			map[string]string{
				"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade",
				"Sec-Websocket-Version": "13",
			},
		},
		"WebSocket with settings": {
			[]string{"Upgrade: websocket", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"},
			map[string]string{"Upgrade": "websocket", "Connection": "Upgrade"},
		},
	} {
		for _, path := range []string{"/site/public", "/site/optional", "/site/page", "/elsewhere"} {
			w.received()
			in.send("GET", path, tt.headers...)
			r := w.received()
			if r == nil {
				t.Errorf("%s, %s: nothing arrived", name, path)
				continue
			}
			got := map[string]string{}
			for _, header := range []string{"Upgrade", "Connection", "Http2-Settings", "Sec-Websocket-Version"} {
				if values := r.Header[header]; len(values) > 0 {
					got[header] = strings.Join(values, "|")
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("%s, %s: the app got %v, want %v", name, path, got, tt.want)
			}
		}
	}
}

func TestUpgrades_ConnectForAnotherProtocolIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public *")
	for name, tt := range map[string]struct {
		major    int
		proto    string
		protocol []string
		passes   bool
	}{
		"HTTP/2, WebSocket":     {2, "HTTP/2.0", []string{"websocket"}, true},
		"HTTP/2, UDP":           {2, "HTTP/2.0", []string{"connect-udp"}, false},
		"HTTP/2, two protocols": {2, "HTTP/2.0", []string{"websocket", "connect-udp"}, false},
		"HTTP/2, none":          {2, "HTTP/2.0", nil, false},
		"HTTP/3, WebSocket":     {3, "websocket", nil, true},
		"HTTP/3, WebTransport":  {3, "webtransport", nil, false},
		"HTTP/1.1":              {1, "HTTP/1.1", nil, false},
	} {
		w.received()
		r := httptest.NewRequest(http.MethodConnect, "https://"+host+"/public/x", nil)
		r.URL.Scheme, r.URL.Host, r.RequestURI = "", "", "/public/x"
		r.ProtoMajor, r.Proto = tt.major, tt.proto
		if tt.protocol != nil {
			r.Header[":protocol"] = slices.Clone(tt.protocol)
		}
		rec := httptest.NewRecorder()
		w.gate.Config.Handler.ServeHTTP(rec, r)
		if got := w.received(); (got != nil) != tt.passes || !tt.passes && rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d, the app got %v", name, rec.Code, got)
		}
	}
}
