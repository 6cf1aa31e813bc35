package simulator

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// requestUnder is a request to the simulator under a host.
func requestUnder(method, host, path, form string) *http.Request {
	r := httptest.NewRequest(method, "http://"+host+path, strings.NewReader(form))
	r.Host = host
	r.Header.Set("User-Agent", wechatUserAgent)
	r.Header.Set("Sec-Fetch-Site", "same-origin") // so a browser says when the page itself came under that host
	if form != "" {
		r.Header.Set("Content-Type", formType)
	}
	return r
}

// What needs a host of the simulator's own: whatever controls it or logs somebody in.
var hostCalls = []struct{ method, path, form string }{
	{"GET", "/simulator/", ""},
	{"POST", "/simulator/", "person=emma"},
	{"PUT", "/simulator/holder", `{"person":"emma"}`},
	{"GET", "/simulator/calls", ""},
	{"GET", "/simulator/people", ""},
	{"POST", "/simulator/reset", ""},
	{"POST", "/simulator/mini_program/login", ""},
	{"GET", authorizePath + "?" + authorizeQuery(ScopeBase), ""},
	{"POST", consentPath, "answer=allow&authorize=" + url.QueryEscape(authorizeQuery(ScopeBase))},
	{"POST", confirmPath, "answer=allow&uuid=0123456789abcdef"},
}

func TestHosts_GiveStrangersNamesTheAPIOnly(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, host := range []string{
		"evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example", "wechat", "xlocalhost",
		"localhost@evil", "",
	} {
		for _, call := range hostCalls {
			w := httptest.NewRecorder()
			r := requestUnder(call.method, "localhost", call.path, call.form)
			r.Host = host
			h.sim.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "--host") {
				t.Errorf("%s %.40s under %q: status %d: %.200s", call.method, call.path, host, w.Code, w.Body)
			}
			if text := w.Body.String(); strings.Contains(text, DemoSecret) || strings.Contains(text, "code=") {
				t.Errorf("%s %.40s under %q tells %s", call.method, call.path, host, text)
			}
		}
		if got := h.get("/simulator/holder").body; !strings.Contains(got, `"xiaoming"`) {
			t.Errorf("under %q somebody was made to hold the phone: %s", host, got)
		}
		// Servers ask for the API under whatever name.
		w := httptest.NewRecorder()
		r := requestUnder("GET", "localhost", accessTokenPath, "")
		r.Host = host
		h.sim.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "41002") {
			t.Errorf("the API under %q: status %d: %s", host, w.Code, w.Body)
		}
	}
}

func TestHosts_AcceptItsOwnNames(t *testing.T) {
	t.Parallel()
	account := OfficialAccount{AppID: DemoAppID, Secret: DemoSecret, Domain: "h5.example.com/mp"}
	h := newHarness(t, Config{
		Hosts: []string{"WeChat", "sim.internal"}, Accounts: []OfficialAccount{account},
		PublicURL: "http://wx.example.com:9090/base",
	})
	for _, host := range []string{
		"localhost", "LOCALHOST:9090", "localhost.", "wechat.localhost:9090", "127.0.0.1:9090", "127.8.9.10",
		"[::1]:9090", "192.168.1.5:9090", "8.8.8.8", "[2001:db8::1]", "wechat:9090", "WECHAT", "sim.internal.",
		"h5.example.com", "wx.example.com:9090",
	} {
		for _, path := range []string{"/simulator/", "/simulator/calls"} {
			w := httptest.NewRecorder()
			r := requestUnder("GET", "localhost", path, "")
			r.Host = host
			h.sim.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("%s under %q: status %d: %.200s", path, host, w.Code, w.Body)
			}
		}
	}
	for _, host := range []string{"http://wechat", "wechat:9090", "", "*", "a/b", "a..b"} {
		_, err := New(Config{Hosts: []string{host}})
		if err == nil || !strings.Contains(err.Error(), "without scheme and port") {
			t.Errorf("host %q: %v", host, err)
		}
	}
}

// A phone opens the app by the address that the machine has in its network.
func TestSameHost_TakesLocalhostForEveryAddressOfThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.0.0.2": true, "::1": true,
		"198.51.100.77": false, "example.com": false, "": false,
	} {
		if got := sameHost("localhost", host); got != want {
			t.Errorf("localhost covers %q: %v", host, got)
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		ip := addr.(*net.IPNet).IP.String()
		if !sameHost("localhost", ip) {
			t.Errorf("localhost does not cover %s, an address of this machine", ip)
		}
		if sameHost("h5.example.com", ip) {
			t.Errorf("another domain covers %s", ip)
		}
	}
}
