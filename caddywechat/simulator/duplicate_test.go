package simulator

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// callbackApp is where callbacks go; it hands on the requests that it got.
func callbackApp(t *testing.T, server func(http.Handler) *httptest.Server) (base string, requests chan *http.Request) {
	requests = make(chan *http.Request, 10)
	app := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		http.Redirect(w, r, "/home", http.StatusFound)
	}))
	t.Cleanup(app.Close)
	return app.URL, requests
}

func (h *harness) wantOutcome(want string) {
	h.Helper()
	found := h.sim.await(h.Context(), journalQuery{path: "/callback", wait: 5 * time.Second})
	if len(found.Calls) != 1 || found.Calls[0].Outcome != want {
		h.Errorf("got %+v, want %s", found.Calls, want)
	}
}

func TestDuplicateCallback_ComesWithoutCookies(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(http.Handler) *httptest.Server{
		"http": httptest.NewServer, "https": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			app, requests := callbackApp(t, server)
			h := newHarness(t, Config{Quirks: Quirks{DuplicateCallback: time.Millisecond}})
			r := h.get(authorizePath+"?"+queryTo(app+"/callback?a=1#b"), "Cookie", "simulator_person=emma")
			location := r.header.Get("Location")

			got := <-requests
			if want, _, _ := strings.Cut(location, "#"); app+got.URL.String() != want {
				t.Errorf("got %s, want %s", got.URL, want)
			}
			if got.Header.Get("Cookie") != "" || got.UserAgent() != wechatUserAgent {
				t.Errorf("got %v", got.Header)
			}
			h.wantOutcome("duplicate: 302")
			if len(requests) != 0 {
				t.Error("the redirect was followed")
			}
		})
	}
}

func TestDuplicateCallback_IsOffByDefaultAndGivenUpByReset(t *testing.T) {
	t.Parallel()
	app, requests := callbackApp(t, httptest.NewServer)
	h := newHarness(t, Config{DenyRedirects: true})
	h.get(authorizePath + "?" + queryTo(app+"/callback"))
	h.patchQuirks(`{"duplicate_callback":"20ms"}`)
	h.consent(strings.Replace(queryTo(app+"/callback"), ScopeBase, ScopeUserinfo, 1), "deny", "")
	h.get(authorizePath + "?" + queryTo(app+"/callback"))
	h.sim.Reset() // gives up the one under way
	time.Sleep(50 * time.Millisecond)
	if len(requests) != 0 || h.sim.Calls("/callback") != 0 {
		t.Errorf("%d requests", len(requests))
	}
}

func TestDuplicateCallback_GoesToLocalAddressesOnly(t *testing.T) {
	t.Parallel()
	// An address for documentation, RFC 5737, so that nothing is sent anywhere even if this fails.
	account := demoAccount()
	account.Domain = "203.0.113.9"
	h := newHarness(t, Config{
		Accounts: []OfficialAccount{account}, Quirks: Quirks{DuplicateCallback: time.Millisecond},
	})
	h.get(authorizePath + "?" + queryTo("http://203.0.113.9/callback"))
	h.wantOutcome("duplicate: not sent, the address is neither loopback nor private")

	for address, local := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "10.1.2.3:80": true, "192.168.1.1:443": true, "172.16.0.1:1": true,
		"[fd00::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"8.8.8.8:80": false, "169.254.169.254:80": false, "0.0.0.0:80": false, "[::ffff:8.8.8.8]:80": false,
		"[fe80::1%eth0]:80": false, "": false,
	} {
		if err := onlyLocal("tcp", address, nil); (err == nil) != local {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestDuplicateCallback_RecordsAMissingAnswer(t *testing.T) {
	t.Parallel()
	// An app that hangs up. A port that nobody listens on could be the next that the simulator gets.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			c.Close()
		}
	}()
	h := newHarness(t, Config{Quirks: Quirks{DuplicateCallback: time.Millisecond}})
	h.get(authorizePath + "?" + queryTo("http://"+l.Addr().String()+"/callback"))
	h.wantOutcome("duplicate: no answer")
}

func TestDuplicateCallback_IsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Quirks: Quirks{DuplicateCallback: time.Minute}})
	for range maxDuplicates + 5 {
		h.silentCode()
	}
	if n := len(h.sim.duplicates); n != maxDuplicates {
		t.Errorf("%d under way", n)
	}
	h.sim.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for len(h.sim.duplicates) > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if n := len(h.sim.duplicates); n != 0 {
		t.Errorf("%d under way after Close", n)
	}
}
