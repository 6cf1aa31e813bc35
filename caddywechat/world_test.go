package caddywechat

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	inWeChat   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"
	onDesktop  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"
	onPhone    = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Mobile Safari/537.36"
	host       = "h5.example.com"
	sessionKey = "Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP"
)

// world is a site behind the gate with a simulated WeChat, in this process and with a clock of its own.
type world struct {
	t       *testing.T
	sim     *simulator.Simulator
	simURL  string
	handler *Handler
	gate    *httptest.Server
	scheme  string
	logs    *observer.ObservedLogs
	storage string // the folder of Caddy's storage

	isAtomic, keepsNoKey bool // of the stores of handlers that are made from now on

	server *caddyhttp.Server // whose trusted_proxies count; nil: nobody is trusted

	mu       sync.Mutex
	loaded   map[*Handler]loaded
	time     time.Time
	upstream []*http.Request // what the app received
	app      http.HandlerFunc
}

// newWorld makes a world with the given lines in the wechat_auth block, beside those of an account, a key and the
// simulator.
func newWorld(t *testing.T, options string) *world { return makeWorld(t, "http", "", options) }

func makeWorld(t *testing.T, scheme, matcher, options string) *world {
	t.Helper()
	w := startWorld(t, scheme, simulator.Config{})
	w.handler = w.provision(fmt.Sprintf("wechat_auth %s {\nofficial_account %s %s\nplatform %s\n%s\n}",
		matcher, simulator.DemoAppID, simulator.DemoSecret, w.simURL, options))
	return w
}

// newWorldWith makes a world around a simulator with other people or habits. It still needs a handler.
func newWorldWith(t *testing.T, config simulator.Config) *world { return startWorld(t, "http", config) }

func startWorld(t *testing.T, scheme string, config simulator.Config) *world {
	t.Helper()
	w := &world{t: t, scheme: scheme, time: time.Date(2026, 11, 20, 9, 0, 0, 300e6, time.UTC)}
	if config.Accounts == nil {
		config.Accounts = []simulator.OfficialAccount{{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host, OpenPlatform: "x"}}
	}
	config.DenyRedirects, config.Now = true, w.now
	var err error
	if w.sim, err = simulator.New(config); err != nil {
		t.Fatal(err)
	}
	simServer := httptest.NewServer(w.sim)
	t.Cleanup(func() { w.sim.Close(); simServer.Close() })
	w.simURL = simServer.URL
	w.serve()
	return w
}

// provision makes the handler of a directive.
func (w *world) provision(directive string) *Handler {
	w.t.Helper()
	if !strings.Contains(directive, "session {") && !strings.Contains(directive, "store ") {
		i := strings.LastIndexByte(directive, '}')
		directive = directive[:i] + "session {\nkey " + sessionKey + "\n}\n}"
	}
	return w.load(adaptHandler(w.t, "wechat_auth", directive), environment{now: w.now, memory: fmt.Sprintf("%s %p", w.t.Name(), w)})
}

// load makes a handler of its JSON as Caddy does, in an environment, with a store that does as the test likes.
func (w *world) load(raw json.RawMessage, in environment) *Handler {
	w.t.Helper()
	if w.storage == "" {
		w.storage = w.t.TempDir()
	}
	core, logs := observer.New(zap.DebugLevel)
	control := &storeControl{place: in.memory, isAtomic: w.isAtomic, keepsNoKey: w.keepsNoKey}
	config := w.configuration(logCores.add(w.t, core))
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx = ctx.WithValue(environmentKey{}, in)
	module, err := ctx.LoadModuleByID("http.handlers.wechat_auth", withStore(w.t, raw, storeControls.add(w.t, control)))
	if err != nil {
		w.t.Fatal(err)
	}
	h := module.(*Handler)
	w.logs = logs
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loaded == nil {
		w.loaded = make(map[*Handler]loaded)
	}
	w.loaded[h] = loaded{raw, control, logs}
	w.t.Cleanup(func() { h.Cleanup() })
	return h
}

// loaded is what a handler was made of.
type loaded struct {
	raw   json.RawMessage
	store *storeControl
	logs  *observer.ObservedLogs
}

// logsOf returns what a handler logged.
func (w *world) logsOf(h *Handler) *observer.ObservedLogs {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded[h].logs
}

// storeOf returns what controls a handler's store.
func (w *world) storeOf(h *Handler) *storeControl {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded[h].store
}

// apart makes of a handler an instance of its own: a process with another memory, and with a clock that is ahead. It shares
// the store with the others.
func (w *world) apart(h *Handler, ahead time.Duration) *Handler {
	w.t.Helper()
	w.mu.Lock()
	of := w.loaded[h]
	w.mu.Unlock()
	if err := h.Cleanup(); err != nil {
		w.t.Fatal(err)
	}
	now := func() time.Time { return w.now().Add(ahead) }
	return w.load(of.raw, environment{now: now, memory: fmt.Sprintf("%s %p", w.t.Name(), h)})
}

// configuration returns what is configured beside the handler.
func (w *world) configuration(logCore string) (config caddy.Config) {
	w.t.Helper()
	text := fmt.Appendf(nil, `{
		"storage": {"module": "file_system", "root": %q},
		"logging": {"logs": {"default": {"writer": {"output": "discard"}, "core": {"module": "test", "name": %q}}}}
	}`, w.storage, logCore)
	if err := json.Unmarshal(text, &config); err != nil {
		w.t.Fatal(err)
	}
	return config
}

// adaptHandler returns the JSON that a directive becomes.
func adaptHandler(t *testing.T, name, directive string) json.RawMessage {
	t.Helper()
	config, err := adaptSite(directive)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(config, &tree); err != nil {
		t.Fatal(err)
	}
	object := findHandler(tree, name)
	if object == nil {
		t.Fatalf("no handler %s in %s", name, config)
	}
	delete(object, "handler")
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func adaptSite(directives string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(
		[]byte("http://"+host+" {\n"+directives+"\n}\n"), map[string]any{"filename": "Caddyfile"})
	return config, err
}

func findHandler(tree any, name string) map[string]any {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == name {
			return node
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if found := findHandler(node[key], name); found != nil {
				return found
			}
		}
	case []any:
		for _, child := range node {
			if found := findHandler(child, name); found != nil {
				return found
			}
		}
	}
	return nil
}

func (w *world) serve() {
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(rw, "app %s", r.Header.Get("X-Wechat-User"))
	}
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		repl := caddy.NewReplacer()
		r = caddyhttp.PrepareRequest(r, repl, rw, w.server)
		if w.server == nil {
			ip, _, _ := net.SplitHostPort(r.RemoteAddr)
			caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, ip)
		}
		err := w.current().ServeHTTP(rw, r, caddyhttp.HandlerFunc(w.receive))
		if err != nil {
			status := http.StatusInternalServerError
			if handlerErr, ok := err.(caddyhttp.HandlerError); ok {
				status = handlerErr.StatusCode
			}
			rw.WriteHeader(status)
		}
	})
	if w.scheme == "https" {
		w.gate = httptest.NewTLSServer(handler)
	} else {
		w.gate = httptest.NewServer(handler)
	}
	w.t.Cleanup(w.gate.Close)
}

func (w *world) current() *Handler {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handler
}

// swap puts another handler in place while requests are under way.
func (w *world) swap(h *Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handler = h
}

// receive is the app behind the gate.
func (w *world) receive(rw http.ResponseWriter, r *http.Request) error {
	io.Copy(io.Discard, r.Body)
	w.mu.Lock()
	w.upstream = append(w.upstream, r)
	app := w.app
	w.mu.Unlock()
	app(rw, r)
	return nil
}

// received returns the last request that the app got since the last call, nil if there was none.
func (w *world) received() *http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.upstream) == 0 {
		return nil
	}
	last := w.upstream[len(w.upstream)-1]
	w.upstream = nil
	return last
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// exchanges returns how many codes WeChat was given.
func (w *world) exchanges() int { return w.sim.Calls("/sns/oauth2/access_token") }

// browser is a visitor's browser with cookies of its own. It follows no redirect by itself.
type browser struct {
	*world
	agent   string
	client  *http.Client
	cookies bool
}

func (w *world) browser(agent string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.Contains(strings.ToLower(addr), "example") {
			addr = w.gate.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{world: w, agent: agent, cookies: true, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// site returns the address of a page of the site.
func (w *world) site(pathAndQuery string) string { return w.scheme + "://" + host + pathAndQuery }

// open goes to an address as a person does; header lines ("Name: value") come on top.
func (b *browser) open(address string, headers ...string) answer {
	b.t.Helper()
	return b.send("GET", address, append([]string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, headers...)...)
}

func (b *browser) send(method, address string, headers ...string) answer {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site(address)
	}
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	// Byte by byte what is asked for, whatever net/url makes of it.
	if target, ok := strings.CutPrefix(address, b.site("")); ok && strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") {
		req.URL.Opaque, req.URL.RawQuery = target, ""
	}
	req.Header.Set("User-Agent", b.agent)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	client := *b.client
	if !b.cookies {
		client.Jar = nil
	}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(body)}
}

// follow opens an address and goes on as long as it is redirected.
func (b *browser) follow(address string) answer {
	b.t.Helper()
	for range 20 {
		a := b.open(address)
		location := a.Header.Get("Location")
		if location == "" {
			return a
		}
		next, err := a.Request.URL.Parse(location)
		if err != nil {
			b.t.Fatal(err)
		}
		address = next.String()
	}
	b.t.Fatalf("redirected for ever, at last to %s", address)
	return answer{}
}

// login logs the browser in by way of the page at path.
func (b *browser) login(path string) answer {
	b.t.Helper()
	a := b.follow(path)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "app o") {
		b.t.Fatalf("login by %s ended with status %d: %.300s", path, a.StatusCode, a.body)
	}
	return a
}

// logout goes to the logout by a link on a page of the site.
func (b *browser) logout(query string, headers ...string) answer {
	b.t.Helper()
	return b.open("/_wechat/logout"+query, append([]string{"Referer: " + b.site("/page")}, headers...)...)
}

// toCallback opens a page, lets WeChat answer, and returns the callback's address without going there.
func (b *browser) toCallback(path string) string {
	b.t.Helper()
	a := b.open(path)
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("%s: status %d: %.200s", path, a.StatusCode, a.body)
	}
	a = b.open(a.Header.Get("Location"))
	if a.StatusCode != http.StatusFound {
		b.t.Fatalf("authorize page: status %d: %.500s", a.StatusCode, a.body)
	}
	return a.Header.Get("Location")
}

// cookieNames returns the names of the cookies that the browser has for the site.
func (b *browser) cookieNames() []string {
	u, _ := url.Parse(b.site("/"))
	var names []string
	for _, c := range b.client.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// cookie returns the value of a cookie.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.site("/"))
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) forget(name string) {
	u, _ := url.Parse(b.site("/"))
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1, Secure: b.scheme == "https"}})
}

func (a answer) json(t *testing.T) map[string]string {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return m
}

// wantStatus fails the test unless the answer has that status.
func (a answer) wantStatus(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %.300s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.body)
	}
	return a
}

// wantJSON fails the test unless the answer is an error with that word.
func (a answer) wantJSON(t *testing.T, status int, word string) map[string]string {
	t.Helper()
	a.wantStatus(t, status)
	m := a.json(t)
	if m["error"] != word {
		t.Fatalf("error %q, want %q", m["error"], word)
	}
	return m
}

func (a answer) wantRedirect(t *testing.T, to string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusFound || got != to {
		t.Fatalf("%s: status %d to %q, want 302 to %q", a.Request.URL, a.StatusCode, got, to)
	}
}
