package caddywechat

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zaptest/observer"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	host       = "h5.example.com"
	sessionKey = "Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP"
)

// world is a site with wechat_auth and a simulated WeChat, in this process and with its own clock.
type world struct {
	t       *testing.T
	sim     *simulator.Simulator
	simURL  string
	handler *Handler
	gate    *httptest.Server
	scheme  string
	logs    *observer.ObservedLogs
	storage string // the folder of Caddy's storage

	isAtomic, unfitForKeys bool // what the stores of handlers made from now on are

	server *caddyhttp.Server // whose trusted_proxies count; nil: nobody is trusted

	mu       sync.Mutex
	loaded   map[*Handler]loaded
	time     time.Time
	upstream []*http.Request // what the app received
	app      http.HandlerFunc
}

// newWorld makes a world with these lines in the wechat_auth block, beside an account, a key and the simulator.
func newWorld(t *testing.T, options string) *world { return makeWorld(t, "http", "", options) }

func makeWorld(t *testing.T, scheme, matcher, options string) *world {
	t.Helper()
	w := startWorld(t, scheme, simulator.Config{})
	w.handler = w.provision(fmt.Sprintf("wechat_auth %s {\n%s\nplatform %s\n%s\n}", matcher, officialAccount,
		w.simURL, options))
	return w
}

// newWorldWith makes a world with another simulator. It has no handler yet.
func newWorldWith(t *testing.T, config simulator.Config) *world { return startWorld(t, "http", config) }

func startWorld(t *testing.T, scheme string, config simulator.Config) *world {
	t.Helper()
	w := &world{t: t, scheme: scheme, time: time.Date(2026, 11, 20, 9, 0, 0, 300e6, time.UTC)}
	if config.Accounts == nil {
		config.Accounts = []simulator.OfficialAccount{{
			AppID: simulator.DemoAppID, Secret: simulator.DemoSecret,
			Domain: host, OpenPlatform: "x",
		}}
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

// provision makes the handler of a directive, with the usual key unless it has one or a store.
func (w *world) provision(directive string) *Handler {
	w.t.Helper()
	if !strings.Contains(directive, "session {") && !strings.Contains(directive, "store ") {
		i := strings.LastIndexByte(directive, '}')
		directive = directive[:i] + "session {\nkey " + sessionKey + "\n}\n}"
	}
	return w.load(adaptHandler(w.t, "wechat_auth", directive),
		environment{now: w.now, memory: fmt.Sprintf("%s %p", w.t.Name(), w)})
}

// load makes a handler of its JSON as Caddy does, in an environment and with a testStore.
func (w *world) load(raw json.RawMessage, in environment) *Handler {
	w.t.Helper()
	if w.storage == "" {
		w.storage = w.t.TempDir()
	}
	control := &storeControl{process: in.memory, isAtomic: w.isAtomic, unfitForKeys: w.unfitForKeys}
	base, logs := observedContext(w.t, w.storage)
	ctx, cancel := caddy.NewContext(base)
	w.t.Cleanup(cancel) // cleans up the handler and its store
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

// otherInstance makes the handler one of another instance: a process with its own memory, whose clock is ahead. It
// shares the store with the others.
func (w *world) otherInstance(h *Handler, ahead time.Duration) *Handler {
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

// swap replaces the handler, also while requests are under way.
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

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}
