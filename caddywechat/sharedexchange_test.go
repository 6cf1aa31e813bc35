package caddywechat

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// newPair makes a world of two instances that share an atomic store, and nothing else.
func newPair(t *testing.T, options string) (w *world, instances [2]*Handler) {
	t.Helper()
	w = startWorld(t, "http", simulator.Config{})
	w.isAtomic = true
	for i := range instances {
		h := w.newHandler(officialAccount, "store memory", sessionKeys(sessionKey), options)
		instances[i] = w.otherInstance(h, 0)
	}
	w.handler = instances[0]
	return w, instances
}

func TestSharedExchange_TwoInstancesExchangeACodeOnce(t *testing.T) {
	w, instances := newPair(t, "")
	b := w.browser(inWeChat)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	callback := b.callbackFor("/page?x=1")
	cookies := "Cookie: " + b.attemptCookie()
	w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond})
	var answers [2]response
	var wait sync.WaitGroup
	wait.Go(func() { answers[0] = w.browser(inWeChat).open(callback, cookies) })
	waitFor(t, "WeChat gets the code", func() bool { return w.exchanges() == 1 })
	w.swap(instances[1])
	answers[1] = w.browser(inWeChat).open(callback, cookies)
	wait.Wait()
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
	for i, h := range instances {
		answers[i].wantRedirect(t, "/page?x=1")
		w.swap(h)
		for _, c := range answers[1-i].Cookies() {
			if c.Name == "wechat_session" {
				b.open("/", "Cookie: "+c.Name+"="+c.Value).wantStatus(t, http.StatusOK)
			}
		}
	}
	// The callback once more at the other instance.
	w.swap(instances[1])
	w.browser(inWeChat).open(callback, cookies).wantRedirect(t, "/page?x=1")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges after the callback came again", n)
	}
	// Another browser gets no session.
	if got := w.browser(inWeChat).open(callback); got.location() == "/page?x=1" {
		t.Error("a browser without the attempt is redirected to the page")
	}
}

func TestSharedExchange_FailureIsShared(t *testing.T) {
	for word, tt := range map[string]struct {
		fault  simulator.Fault
		status int
	}{
		"refused": {
			simulator.Fault{Path: exchangePath, Kind: simulator.FaultErrcode, Errcode: 40029}, http.StatusFound,
		},
		"broken": {simulator.Fault{Path: exchangePath, Kind: simulator.FaultHTML}, http.StatusBadGateway},
	} {
		t.Run(word, func(t *testing.T) {
			w, instances := newPair(t, "")
			w.fault(tt.fault)
			b := w.browser(inWeChat)
			callback := b.callbackFor("/page")
			cookies := "Cookie: " + b.attemptCookie()
			for _, h := range instances {
				w.swap(h)
				w.browser(inWeChat).open(callback, cookies).wantStatus(t, tt.status)
			}
			if n := w.exchanges(); n != 1 {
				t.Errorf("%d exchanges", n)
			}
		})
	}
}

func TestSharedExchange_WorksWithoutTheStore(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a store")
	}
	w, instances := newPair(t, "")
	for _, h := range instances {
		w.storeOf(h).use(func(s store.Store) store.Store { return waitingStore{s} })
	}
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	cookies := "Cookie: " + b.attemptCookie()
	w.browser(inWeChat).open(callback, cookies).wantRedirect(t, "/page")
	w.swap(instances[1])
	// WeChat refuses the second exchange, and the login restarts.
	again := w.browser(inWeChat)
	if a := again.follow(again.open(callback, cookies).location()); a.StatusCode != http.StatusOK {
		t.Errorf("status %d", a.StatusCode)
	}
	if instances[0].lease.shared.status.IsFailing() {
		t.Error("a login that did not wait counts as a failure of the store")
	}
}
