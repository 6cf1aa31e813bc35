package caddywechat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// From a person's 50th live entry on, one entry ends all of theirs: here and elsewhere. Nobody else notices.
func TestTheFiftiethLogoutEndsAllOfAPersonsSessions(t *testing.T) {
	w := newWorld(t, "")
	here := w.handler
	w.provisionAccount("", "")
	elsewhere := w.apart(w.handler, 0)
	w.swap(here)
	if err := w.sim.Hold("afang"); err != nil {
		t.Fatal(err)
	}
	other := w.browser(inWeChat)
	other.login("/")
	if err := w.sim.Hold("xiaoming"); err != nil {
		t.Fatal(err)
	}
	stays := w.browser(inWeChat)
	stays.login("/")
	b := w.browser(inWeChat)
	for n := 1; n <= 52; n++ {
		b.login("/")
		kept := b.cookie("wechat_session")
		b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
		elsewhere.read(t)
		want := http.StatusOK
		if n >= 50 {
			want = http.StatusUnauthorized
		}
		for _, h := range []*Handler{here, elsewhere} {
			w.swap(h)
			if got := stays.send("GET", "/").StatusCode; got != want {
				t.Fatalf("after %d logouts: status %d, want %d", n, got, want)
			}
			w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
			other.send("GET", "/").wantStatus(t, http.StatusOK)
		}
		w.swap(here)
	}
	// When they have ended, each logout is one again.
	w.pass(8 * 24 * time.Hour)
	stays.login("/")
	b.login("/")
	b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
	stays.send("GET", "/").wantStatus(t, http.StatusOK)
}

// hangingStore takes nothing before whoever asks has left.
type hangingStore struct {
	store.Store
	appends int
}

func (s *hangingStore) Append(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	s.appends++
	<-ctx.Done()
	return ctx.Err()
}

// A logout that ends many sessions waits for the store as long as one that ends one.
func TestALogoutOfManySessionsWaitsOnce(t *testing.T) {
	w := newWorld(t, "")
	hanging := new(hangingStore)
	w.storeOf(w.handler).use(func(s store.Store) store.Store {
		hanging.Store = s
		return hanging
	})
	var cookies []string
	for range 10 {
		b := w.browser(inWeChat)
		b.login("/")
		cookies = append(cookies, "wechat_session="+b.cookie("wechat_session"))
	}
	begun := time.Now()
	w.browser(inWeChat).send("POST", "/_wechat/logout", "Cookie: "+strings.Join(cookies, "; ")).wantStatus(t, http.StatusOK)
	if took := time.Since(begun); took > 1900*time.Millisecond || hanging.appends != 1 {
		t.Errorf("it took %s and %d calls", took, hanging.appends)
	}
	for _, cookie := range cookies {
		w.browser(inWeChat).send("GET", "/", "Cookie: "+cookie).wantStatus(t, http.StatusUnauthorized)
	}
}

// A visitor who does not wait for the session key, or for anything else, is no fault of the site's.
func TestAVisitorWhoLeavesIsNoError(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	w.provisionAccount("", "store caddy") // which is asked for the key
	broken := &brokenStore{hang: make(chan struct{}), err: store.ErrStore}
	w.storeOf(w.handler).use(func(store.Store) store.Store { return broken })
	defer close(broken.hang)
	for _, path := range []string{"/", "/_wechat/logout", "/_wechat/me", "/_wechat/callback?state=x&code=y", "/_wechat/login"} {
		ctx, leave := context.WithCancel(t.Context())
		leave()
		r := httptest.NewRequest("GET", "http://"+host+path, nil).WithContext(ctx)
		r.Header.Set("Cookie", "wechat_session=x")
		rw := httptest.NewRecorder()
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), rw, nil)
		if err := w.handler.ServeHTTP(rw, r, caddyhttp.HandlerFunc(w.receive)); err != nil {
			t.Error(err)
		}
	}
	for _, line := range w.logs.FilterLevelExact(zap.ErrorLevel).All() {
		t.Errorf("%s %v", line.Message, line.ContextMap())
	}
}

// Nobody waits while a configuration ends, whatever the store does.
func TestCleanupDoesNotWaitForTheStore(t *testing.T) {
	w := newWorld(t, "")
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	w.storeOf(w.handler).use(func(s store.Store) store.Store { return &hangingStore{Store: s} })
	begun := time.Now()
	if err := w.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}
