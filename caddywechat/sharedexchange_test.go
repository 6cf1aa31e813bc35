package caddywechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// newPair makes a world of two instances that share a store which is instant, and nothing else.
func newPair(t *testing.T) (w *world, instances [2]*Handler) {
	t.Helper()
	w = startWorld(t, "http", simulator.Config{})
	for i := range instances {
		h := w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nstore memory\nsession {\nkey %s\n}\n}",
			simulator.DemoAppID, simulator.DemoSecret, w.simURL, sessionKey))
		h.instant, h.memory = h.store.(store.Watched).Store, newMemory()
		instances[i] = h
	}
	w.handler = instances[0]
	return w, instances
}

func TestACallbackThatComesToTwoInstancesLeadsToOneExchange(t *testing.T) {
	w, instances := newPair(t)
	b := w.browser(inWeChat)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	callback := b.toCallback("/page?x=1")
	cookies := "Cookie: " + b.attemptCookie()
	w.faultOf(t, simulator.Fault{Path: token, Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond})
	var answers [2]answer
	var wait sync.WaitGroup
	wait.Go(func() { answers[0] = w.browser(inWeChat).open(callback, cookies) })
	w.untilExchanged(1)
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
	// And once more on the other one, when all is over.
	w.swap(instances[1])
	w.browser(inWeChat).open(callback, cookies).wantRedirect(t, "/page?x=1")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges after the callback came again", n)
	}
	// Another browser gets nothing of it.
	if got := w.browser(inWeChat).open(callback); got.Header.Get("Location") == "/page?x=1" {
		t.Error("a browser without the attempt landed")
	}
}

// attemptCookie returns the cookie of the only attempt that the browser carries, as it sends it.
func (b *browser) attemptCookie() string {
	for _, name := range b.cookieNames() {
		if session.IsOwnCookie(name) {
			return name + "=" + b.cookie(name)
		}
	}
	return ""
}

// untilExchanged waits until WeChat was given so many codes.
func (w *world) untilExchanged(n int) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); w.exchanges() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d exchanges, want %d", w.exchanges(), n)
		}
	}
}

func TestWhatFailedOnOneInstanceFailsOnTheOther(t *testing.T) {
	for word, tt := range map[string]struct {
		fault  simulator.Fault
		status int
	}{
		"refused": {simulator.Fault{Path: token, Kind: simulator.FaultErrcode, Errcode: 40029}, http.StatusFound},
		"broken":  {simulator.Fault{Path: token, Kind: simulator.FaultHTML}, http.StatusBadGateway},
	} {
		t.Run(word, func(t *testing.T) {
			w, instances := newPair(t)
			w.faultOf(t, tt.fault)
			b := w.browser(inWeChat)
			callback := b.toCallback("/page")
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

// deafStore answers nobody before they leave.
type deafStore struct{ store.Store }

func (deafStore) PutIfAbsent(ctx context.Context, _ string, _ []byte, _ time.Duration) ([]byte, error) {
	<-ctx.Done()
	return nil, store.ErrStore
}

func TestALoginDoesNotNeedTheStore(t *testing.T) {
	w, instances := newPair(t)
	for _, h := range instances {
		h.instant = deafStore{h.instant}
	}
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	cookies := "Cookie: " + b.attemptCookie()
	w.browser(inWeChat).open(callback, cookies).wantRedirect(t, "/page")
	w.swap(instances[1])
	// WeChat refuses the second exchange, and the login begins afresh.
	again := w.browser(inWeChat)
	if a := again.follow(again.open(callback, cookies).Header.Get("Location")); a.StatusCode != http.StatusOK {
		t.Errorf("status %d", a.StatusCode)
	}
	if instances[0].shared.IsFailing() {
		t.Error("that a login did not wait counts as a failure of the store")
	}
}

func TestWhoNeverFinishesIsNotWaitedForForEver(t *testing.T) {
	_, instances := newPair(t)
	h := instances[0]
	s, err := h.keyring.sealers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		key := sharedExchangeKey("attempt")
		there, err := h.claim(t.Context(), key, "theirs")
		if err != nil || there != "theirs" {
			t.Fatalf("%q, %v", there, err)
		}
		if there, err = h.claim(t.Context(), key, "mine"); err != nil || there != "theirs" {
			t.Fatalf("%q, %v", there, err)
		}
		begun := time.Now()
		if _, ok := h.awaitResult(t.Context(), s, key, there); ok {
			t.Error("there is a result of nothing")
		}
		if waited, want := time.Since(begun), h.timeout+time.Second; waited != want {
			t.Errorf("waited %s, want %s", waited, want)
		}
	})
}

func TestResultsSurviveTheirWay(t *testing.T) {
	_, instances := newPair(t)
	s, err := instances[0].keyring.sealers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	over := func(r login.Result) login.Result {
		text, err := s.store.Seal("key", newExchanged(r))
		if err != nil {
			t.Fatal(err)
		}
		var e exchanged
		if s.store.Open("other key", text, &e) {
			t.Error("it opens under another key")
		}
		if !s.store.Open("key", text, &e) {
			t.Fatal("it does not open")
		}
		return e.result()
	}
	id := session.ID{1, 2, 3}
	made := session.New(nil, time.Now(), time.Hour)
	made.ID = id
	if got := over(login.Result{Session: made}); got.Err != nil || got.Session.ID != id || !got.Session.Expires.Equal(made.Expires) {
		t.Errorf("got %+v", got)
	}
	for _, want := range []error{account.ErrCodeRefused, errNeedsConsent, errSnapshot, errNoUnionID, store.ErrStore, weixin.ErrTimeout, weixin.ErrBusy, errElsewhere} {
		if got := over(login.Result{Err: fmt.Errorf("it was %w", want)}); !errors.Is(got.Err, want) {
			t.Errorf("%v became %v", want, got.Err)
		}
	}
}
