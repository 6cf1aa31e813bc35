package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	inWeChat = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"
	host     = "h5.example.com"
)

var person = simulator.OpenID(simulator.DemoAppID, "xiaoming")

// site is a Caddy with an app and a simulated WeChat around it.
type site struct {
	t         *testing.T
	sim       *simulator.Simulator
	simURL    string
	app       *app
	port      int
	admin     int
	env       []string
	config    string
	caddy     *process
	scheme    string
	host      string
	caddyfile func(directives string) string
}

// app is a legacy application: it answers with the request that it got.
type app struct {
	*httptest.Server
	mu   sync.Mutex
	last string
}

func newApp(t *testing.T) *app {
	a := new(app)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		a.mu.Lock()
		a.last = string(dump)
		a.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain")
		w.Write(dump)
	}))
	t.Cleanup(a.Close)
	return a
}

// newSite starts Caddy with the given directives on one site, and further variables in its environment. In the directives
// {account} is the account's line with the simulator as platform, and {app} the app's address.
func newSite(t *testing.T, scheme, directives string, env ...string) *site {
	t.Helper()
	return newSiteAt(t, scheme, host, directives, false, env...)
}

func newSiteAt(t *testing.T, scheme, host, directives string, anyBrowser bool, env ...string) *site {
	t.Helper()
	s := &site{t: t, app: newApp(t), port: freePort(t), admin: freePort(t), env: home(t, append(env, "WECHAT_APP_SECRET="+simulator.DemoSecret)...), scheme: scheme, host: host}
	var err error
	s.sim, err = simulator.New(simulator.Config{Accounts: []simulator.OfficialAccount{
		{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host, OpenPlatform: simulator.DemoOpenPlatform},
	}, AnyBrowser: anyBrowser})
	if err != nil {
		t.Fatal(err)
	}
	sim := httptest.NewServer(s.sim)
	t.Cleanup(func() { s.sim.Close(); sim.Close() })
	s.simURL = sim.URL
	s.caddyfile = func(directives string) string {
		directives = strings.NewReplacer(
			"{account}", fmt.Sprintf("official_account %s {env.WECHAT_APP_SECRET}\n\t\tplatform %s", simulator.DemoAppID, s.simURL),
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

// restart starts Caddy, after stopping the one that runs.
func (s *site) restart() {
	s.t.Helper()
	if s.caddy != nil {
		s.caddy.stop()
	}
	s.caddy = start(s.t, s.env, "run", "--config", s.config, "--adapter", "caddyfile")
	s.caddy.answers(fmt.Sprintf("http://127.0.0.1:%d/config/", s.admin))
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
	out, err := run(s.t, s.env, "reload", "--force", "--config", s.config, "--adapter", "caddyfile", "--address", fmt.Sprintf("127.0.0.1:%d", s.admin))
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
	agent string
	*http.Client
}

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if name, port, _ := net.SplitHostPort(addr); strings.HasSuffix(name, "example.com") {
			addr = "127.0.0.1:" + port
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{site: s, agent: inWeChat, Client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// open goes to an address, or a path of the site, as a person does.
func (v *visitor) open(address string, headers ...string) answer {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.url(address)
	}
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("User-Agent", v.agent)
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	res, err := v.Do(req)
	if errors.Is(err, syscall.ECONNRESET) {
		// Caddy was just reloaded: the kernel had given the connection to the listener that closed. Browsers ask again, too.
		res, err = v.Do(req)
	}
	if err != nil {
		v.t.Fatalf("%s: %v\n%s", address, err, v.caddy.log.tail())
	}
	return answer{res, readAll(v.t, res.Body)}
}

// follow opens an address and goes on as long as it is redirected. It returns every answer.
func (v *visitor) follow(address string) []answer {
	v.t.Helper()
	var chain []answer
	for len(chain) < 20 {
		a := v.open(address)
		chain = append(chain, a)
		location, err := a.Location()
		if err != nil {
			return chain
		}
		address = location.String()
	}
	v.t.Fatal("redirected for ever")
	return nil
}

// login logs the visitor in by way of a page, and checks that they land there.
func (v *visitor) login(page string) {
	v.t.Helper()
	chain := v.follow(page)
	last := chain[len(chain)-1]
	if last.StatusCode != http.StatusOK || last.Request.URL.String() != v.url(page) || !strings.Contains(last.body, "X-Wechat-User: "+person) {
		v.t.Fatalf("login by %s ended at %s with status %d: %s\n%s", page, last.Request.URL, last.StatusCode, last.body, v.caddy.log.tail())
	}
}
