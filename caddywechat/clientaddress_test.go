package caddywechat

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestClientAddress_BehindProxies(t *testing.T) {
	for name, tt := range map[string]struct {
		options, peer string
		headers       []string
		want          string
	}{
		"a visitor":                 {"", "203.0.113.5:1", nil, "203.0.113.5"},
		"over IPv6":                 {"", "[2001:db8::5]:1", nil, "2001:db8::5"},
		"with a zone":               {"", "[fe80::1%eth0]:1", nil, "fe80::1"},
		"IPv4 in IPv6":              {"", "[::ffff:203.0.113.5]:1", nil, "203.0.113.5"},
		"nobody is trusted":         {"", "203.0.113.5:1", []string{"192.0.2.1"}, "203.0.113.5"},
		"a proxy that is not":       {trustingPrivate, "203.0.113.5:1", []string{"192.0.2.1"}, "203.0.113.5"},
		"a proxy":                   {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5"}, "203.0.113.5"},
		"a proxy that says nothing": {trustingPrivate, "10.0.0.1:1", nil, "10.0.0.1"},
		"what the client wrote":     {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, 203.0.113.5"}, "203.0.113.5"},
		"in a line of its own": {
			trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1", "203.0.113.5"}, "203.0.113.5",
		},
		"a trusted address that it wrote": {
			trustingPrivate, "10.0.0.1:1", []string{"10.0.0.9, 203.0.113.5"}, "203.0.113.5",
		},
		"two proxies": {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, 203.0.113.5, 10.0.0.2"}, "203.0.113.5"},
		"two proxies over IPv6": {
			trustingPrivate, "[2001:db8:f::1]:1", []string{"2001:db8::5, 2001:db8:f::2"}, "2001:db8::5",
		},
		"a port":           {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5:4711"}, "203.0.113.5"},
		"a port over IPv6": {trustingPrivate, "10.0.0.1:1", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		"brackets":         {trustingPrivate, "10.0.0.1:1", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"a proxy as IPv4 in IPv6": {
			trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5, ::ffff:10.0.0.2"}, "203.0.113.5",
		},
		"unknown": {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		"unknown before a proxy": {
			trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, unknown, 10.0.0.2"}, "10.0.0.2",
		},
		"blanks":                    {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5, , "}, "203.0.113.5"},
		"one of the network behind": {trustingPrivate, "10.0.0.1:1", []string{"10.0.0.77"}, "10.0.0.77"},
		"hops without end": {
			trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5" + strings.Repeat(", 10.0.0.2", 1000)}, "10.0.0.2",
		},
		"strict": {
			trustingPrivate + `,"trusted_proxies_strict":1`, "10.0.0.1:1",
			[]string{"192.0.2.1, 203.0.113.5"},
			"203.0.113.5",
		},
		"a header of the site's choice": {
			trustingPrivate + `,"client_ip_headers":["X-Client"]`, "10.0.0.1:1", []string{"192.0.2.1"}, "10.0.0.1",
		},
		"a header of the site's, and this": {
			trustingPrivate + `,"client_ip_headers":["X-Client","X-Forwarded-For"]`, "10.0.0.1:1",
			[]string{"203.0.113.5"},
			"203.0.113.5",
		},
		"a unix socket": {"", "@", []string{"203.0.113.5"}, "invalid IP"},
		"a trusted unix socket": {
			`,"trusted_proxies_unix":true`, "@", []string{"192.0.2.1, 203.0.113.5"}, "203.0.113.5",
		},
		"a peer that is none": {"", "somebody", nil, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = tt.peer
		r.Header["X-Forwarded-For"] = tt.headers
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, newServer(t, tt.options))
		before := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey)
		if got := new(server).ClientAddress(r).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
		if after := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey); after != before {
			t.Errorf("%s: the request's own client_ip became %v", name, after)
		}
	}
}
