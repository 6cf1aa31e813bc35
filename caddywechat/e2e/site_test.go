package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"syscall"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/testbrowser"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	inWeChat = testbrowser.InWeChat
	host     = "h5.example.com"
)

var person = simulator.OpenID(simulator.DemoAppID, "xiaoming")

// site is a Caddy with an app and a simulated WeChat around it.
type site struct {
	t         *testing.T
	sim       *simulator.Simulator
	simURL    string
	app       *httptest.Server
	port      int
	admin     int
	env       []string
	config    string
	caddy     *process
	scheme    string
	host      string
	caddyfile func(directives string) string
}

// newApp starts a legacy application: it answers with the request that it got.
func newApp(t *testing.T) *httptest.Server {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Write(dump)
	}))
	t.Cleanup(app.Close)
	return app
}

// newSimulator starts a simulator of its own for a test.
func newSimulator(t *testing.T, config simulator.Config) (sim *simulator.Simulator, address string) {
	t.Helper()
	sim, err := simulator.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	return sim, server.URL
}

// newSite starts Caddy with the given directives on one site, and further variables in its environment. In the
// directives {account} is the account's line with the simulator as platform, and {app} the app's address.
func newSite(t *testing.T, scheme, directives string, env ...string) *site {
	t.Helper()
	return newSiteAt(t, scheme, host, directives, false, env...)
}

// newSiteAt is newSite for another host, or for a WeChat that takes every browser for its own.
func newSiteAt(t *testing.T, scheme, host, directives string, anyBrowser bool, env ...string) *site {
	t.Helper()
	s := &site{t: t, app: newApp(t), port: freeport.Get(t), admin: freeport.Get(t), scheme: scheme, host: host}
	s.env = home(t, append(env, "WECHAT_APP_SECRET="+simulator.DemoSecret)...)
	s.sim, s.simURL = newSimulator(t, simulator.Config{Accounts: []simulator.OfficialAccount{
		{
			AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host,
			OpenPlatform: simulator.DemoOpenPlatform,
		},
	}, AnyBrowser: anyBrowser})
	s.caddyfile = func(directives string) string {
		directives = strings.NewReplacer(
			"{account}", fmt.Sprintf(
				"official_account %s {env.WECHAT_APP_SECRET}\n\t\tplatform %s", simulator.DemoAppID, s.simURL),
			"{app}", s.app.Listener.Addr().String(),
		).Replace(directives)
		tlsLine := ""
		if scheme == "https" {
			tlsLine = "tls internal"
		}
		return fmt.Sprintf(`{
	admin 127.0.0.1:%[1]d
	skip_install_trust
	auto_https disable_redirects
	persist_config off
	debug
}
%[3]s://%[4]s:%[2]d, %[3]s://other.example.com:%[2]d {
	%[5]s
	log
	%[6]s
}
`, s.admin, s.port, scheme, s.host, tlsLine, directives)
	}
	s.config = write(t, "Caddyfile", s.caddyfile(directives))
	s.restart()
	return s
}

// adminAddress is where the admin API listens.
func (s *site) adminAddress() string { return fmt.Sprintf("127.0.0.1:%d", s.admin) }

// restart starts Caddy, after stopping the one that runs.
func (s *site) restart() {
	s.t.Helper()
	if s.caddy != nil {
		s.caddy.stop()
	}
	s.caddy = start(s.t, s.env, "run", "--config", s.config, "--adapter", "caddyfile")
	s.caddy.answers("http://" + s.adminAddress() + "/config/")
	s.caddy.waitFor("serving initial configuration")
	v := s.visitor()
	s.caddy.eventually("the site answers", func() bool {
		res, err := v.Get(s.url("/_wechat/")) // touches nothing
		if err != nil {
			return false // the certificate is being made
		}
		res.Body.Close()
		return true
	})
}

// reload gives the running Caddy other directives.
func (s *site) reload(directives string) {
	s.t.Helper()
	s.config = write(s.t, "Caddyfile", s.caddyfile(directives))
	out, err := run(s.t, s.env, "reload", "--force", "--config", s.config, "--adapter", "caddyfile",
		"--address", s.adminAddress())
	if err != nil {
		s.t.Fatalf("reload: %v\n%s", err, out)
	}
}

func (s *site) url(path string) string {
	return fmt.Sprintf("%s://%s:%d%s", s.scheme, s.host, s.port, path)
}

// visitor is a browser inside WeChat with cookies of its own. It follows no redirect by itself.
type visitor struct {
	*site
	*testbrowser.Browser
}

// response is a response with its body read.
type response = testbrowser.Response

func (s *site) visitor() *visitor {
	v := &visitor{s, testbrowser.New(testbrowser.Config{
		Base: s.url(""),
		// Caddy was just reloaded: the connection had been given to the listener, or the server, that closed.
		Retry: func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) },
	})}
	s.t.Cleanup(v.CloseIdleConnections)
	return v
}

// open goes to an address, or a path of the site, as a person does.
func (v *visitor) open(address string, lines ...string) response {
	v.t.Helper()
	return v.must(v.Open(v.t.Context(), address, lines...))
}

// request sends a request with these header lines and a User-Agent, unless they name one, and nothing else.
func (v *visitor) request(method, address, body string, lines ...string) response {
	v.t.Helper()
	return v.must(v.Send(v.t.Context(), method, address, body, lines...))
}

// must fails the test where there is no response.
func (v *visitor) must(a response, err error) response {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("%v\n%s", err, v.caddy.log.tail())
	}
	return a
}

// follow opens an address and follows redirects. It returns every response.
func (v *visitor) follow(address string) []response {
	v.t.Helper()
	chain, err := v.Follow(v.t.Context(), address)
	if err != nil {
		v.t.Fatalf("%v\n%s", err, v.caddy.log.tail())
	}
	return chain
}

// login logs the visitor in by way of a page, and checks that they get back to it.
func (v *visitor) login(page string) {
	v.t.Helper()
	chain := v.follow(page)
	last := chain[len(chain)-1]
	if last.StatusCode != http.StatusOK || last.Request.URL.String() != v.url(page) ||
		!strings.Contains(last.Text, "X-Wechat-User: "+person) {
		v.t.Fatalf("login by %s ended with %s\n%s", page, last, v.caddy.log.tail())
	}
}

// cookies returns the visitor's cookies for the site as a header's value.
func (v *visitor) cookies() string { return testbrowser.CookieHeader(v.Cookies("/")) }
