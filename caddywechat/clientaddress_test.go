package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// newServer provisions a server with such options, as Caddy does.
func newServer(t *testing.T, options string) *caddyhttp.Server {
	t.Helper()
	var config caddy.Config
	app := fmt.Sprintf(`{"apps":{"http":{"servers":{"site":{"listen":[":0"]%s}}}}}`, options)
	if err := json.Unmarshal([]byte(app), &config); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		t.Fatal(err)
	}
	module, err := ctx.App("http")
	if err != nil {
		t.Fatal(err)
	}
	return module.(*caddyhttp.App).Servers["site"]
}

const trustingPrivate = `,"trusted_proxies":{"source":"static","ranges":["10.0.0.0/8","127.0.0.0/8","2001:db8:f::/48"]}`

func TestTheAddressThatLimitsCountBy(t *testing.T) {
	for name, tt := range map[string]struct {
		options, peer string
		headers       []string
		want          string
	}{
		"a visitor":                        {"", "203.0.113.5:1", nil, "203.0.113.5"},
		"over IPv6":                        {"", "[2001:db8::5]:1", nil, "2001:db8::5"},
		"with a zone":                      {"", "[fe80::1%eth0]:1", nil, "fe80::1"},
		"IPv4 in IPv6":                     {"", "[::ffff:203.0.113.5]:1", nil, "203.0.113.5"},
		"nobody is trusted":                {"", "203.0.113.5:1", []string{"192.0.2.1"}, "203.0.113.5"},
		"a proxy that is not":              {trustingPrivate, "203.0.113.5:1", []string{"192.0.2.1"}, "203.0.113.5"},
		"a proxy":                          {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5"}, "203.0.113.5"},
		"a proxy that says nothing":        {trustingPrivate, "10.0.0.1:1", nil, "10.0.0.1"},
		"what the client wrote":            {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, 203.0.113.5"}, "203.0.113.5"},
		"in a line of its own":             {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1", "203.0.113.5"}, "203.0.113.5"},
		"a trusted address that it wrote":  {trustingPrivate, "10.0.0.1:1", []string{"10.0.0.9, 203.0.113.5"}, "203.0.113.5"},
		"two proxies":                      {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, 203.0.113.5, 10.0.0.2"}, "203.0.113.5"},
		"two proxies over IPv6":            {trustingPrivate, "[2001:db8:f::1]:1", []string{"2001:db8::5, 2001:db8:f::2"}, "2001:db8::5"},
		"a port":                           {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5:4711"}, "203.0.113.5"},
		"a port over IPv6":                 {trustingPrivate, "10.0.0.1:1", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		"brackets":                         {trustingPrivate, "10.0.0.1:1", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"a proxy as IPv4 in IPv6":          {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5, ::ffff:10.0.0.2"}, "203.0.113.5"},
		"unknown":                          {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		"unknown before a proxy":           {trustingPrivate, "10.0.0.1:1", []string{"192.0.2.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"blanks":                           {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5, , "}, "203.0.113.5"},
		"one of the network behind":        {trustingPrivate, "10.0.0.1:1", []string{"10.0.0.77"}, "10.0.0.77"},
		"hops without end":                 {trustingPrivate, "10.0.0.1:1", []string{"203.0.113.5" + strings.Repeat(", 10.0.0.2", 1000)}, "10.0.0.2"},
		"strict":                           {trustingPrivate + `,"trusted_proxies_strict":1`, "10.0.0.1:1", []string{"192.0.2.1, 203.0.113.5"}, "203.0.113.5"},
		"a header of the site's choice":    {trustingPrivate + `,"client_ip_headers":["X-Client"]`, "10.0.0.1:1", []string{"192.0.2.1"}, "10.0.0.1"},
		"a header of the site's, and this": {trustingPrivate + `,"client_ip_headers":["X-Client","X-Forwarded-For"]`, "10.0.0.1:1", []string{"203.0.113.5"}, "203.0.113.5"},
		"a unix socket":                    {"", "@", []string{"203.0.113.5"}, "invalid IP"},
		"a trusted unix socket":            {`,"trusted_proxies_unix":true`, "@", []string{"192.0.2.1, 203.0.113.5"}, "203.0.113.5"},
		"a peer that is none":              {"", "somebody", nil, "invalid IP"},
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

// A client that writes X-Forwarded-For itself neither evades the limit nor turns it on somebody else.
func TestTheLimitOnCodesFollowsTheClientBehindAProxy(t *testing.T) {
	w, b := newKiosk(t, "")
	w.server = newServer(t, trustingPrivate)
	const victim, attacker = "192.0.2.1", "203.0.113.5"
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, fmt.Sprintf("X-Forwarded-For: %s, %s", victim, attacker)).
			wantJSON(t, http.StatusConflict, "code_used")
	}
	for i := range 5 { // whatever it calls itself
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, %s", i, attacker)).
			wantJSON(t, http.StatusTooManyRequests, "too_many")
	}
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: "+victim).wantStatus(t, http.StatusOK)
}

func TestASubscriberOfIPv6IsOne(t *testing.T) {
	w, b := newKiosk(t, "")
	w.server = newServer(t, trustingPrivate)
	for i := range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, fmt.Sprintf("X-Forwarded-For: 2001:db8::%d", i+1)).
			wantJSON(t, http.StatusConflict, "code_used")
	}
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 2001:db8::ffff:1").wantJSON(t, http.StatusTooManyRequests, "too_many")
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 2001:db8:0:1::1").wantStatus(t, http.StatusOK)
}

func TestAProxyThatIsNotTrustedIsToldOnce(t *testing.T) {
	w, b := newKiosk(t, "")
	hints := func() int { return w.logs.FilterMessageSnippet("trusted_proxies").Len() }
	b.post("/_wechat/kiosk/login", `{"code":"7"}`)
	if hints() != 0 {
		t.Error("a hint at a proxy that nobody saw")
	}
	for range 3 {
		b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 203.0.113.5")
	}
	if hints() != 1 {
		t.Errorf("%d hints", hints())
	}
	// One that says nothing of it shows where the limit bites.
	for range 2 * maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`)
	}
	lines := w.logs.FilterMessageSnippet("too many codes").All()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["cure"]), "trusted_proxies") {
		t.Errorf("got %v", lines)
	}

	w, b = newKiosk(t, "")
	w.server = newServer(t, trustingPrivate)
	b.post("/_wechat/kiosk/login", `{"code":"7"}`, "X-Forwarded-For: 203.0.113.5")
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, "X-Forwarded-For: 203.0.113.5")
	}
	if n := w.logs.FilterMessageSnippet("trusted_proxies").Len(); n != 0 {
		t.Errorf("%d hints at a proxy that is trusted", n)
	}
	if lines := w.logs.FilterMessageSnippet("too many codes").All(); len(lines) != 1 || lines[0].ContextMap()["cure"] != nil {
		t.Errorf("got %v", lines)
	}
}
