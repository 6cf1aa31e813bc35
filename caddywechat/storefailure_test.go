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

func TestStoreFailure_RevocationsArePublishedLater(t *testing.T) {
	w := newWorld(t, "")
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b, other := w.browser(inWeChat), w.browser(inWeChat)
	b.login("/")
	other.login("/")

	b.logout("").wantStatus(t, http.StatusOK)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	other.send("GET", "/").wantStatus(t, http.StatusOK)
	status, text := requestRevocation(t, "POST", `{"openid":"`+person+`"}`)
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "revoked here") {
		t.Errorf("status %d: %s", status, text)
	}
	other.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	b.open("/_wechat/health").wantStatus(t, http.StatusServiceUnavailable)
	w.advance(2 * time.Second)
	b.login("/page") // a silent login needs no store
	if n := w.logs.FilterMessageSnippet("the store cannot be").Len(); n != 2 {
		t.Errorf("%d lines say so, want one for reading and one for writing", n)
	}

	fail = false
	w.handler.lease.shared.revoked.Exchange(t.Context())
	for _, journal := range []string{sessionJournal, operatorJournal} {
		if values, err := w.handler.lease.store.Follow(journal).Read(t.Context()); err != nil || len(values) != 1 {
			t.Errorf("%d revocations in %s, %v", len(values), journal, err)
		}
	}
	b.open("/_wechat/health").wantStatus(t, http.StatusOK)
	if n := w.logs.FilterMessageSnippet("again").Len(); n != 2 {
		t.Errorf("%d lines say that it works again, want 2", n)
	}
}

func TestStoreFailure_LastSitePublishesPendingRevocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	fail := true
	bare := w.handler.lease.store.(store.Watched).Store
	w.storeOf(w.handler).failWhen(&fail)
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	fail = false
	if err := w.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	wantJournal(t, bare, sessionJournal, 1)
}

// An abandoned request, such as one that waits for the session key, is not logged as an error.
func TestStoreFailure_AbandonedRequestIsNoError(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "http", simulator.Config{})
	w.provisionAccount("", "store caddy") // the key is read from it
	broken := &brokenStore{hang: make(chan struct{}), err: store.ErrStore}
	w.storeOf(w.handler).use(func(store.Store) store.Store { return broken })
	defer close(broken.hang)
	for _, path := range []string{
		"/", "/_wechat/logout", "/_wechat/me", "/_wechat/callback?state=x&code=y",
		"/_wechat/login",
	} {
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

// The end of a configuration does not wait for the store.
func TestStoreFailure_CleanupDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	w.storeOf(w.handler).use(func(s store.Store) store.Store { return &hangingStore{Store: s} })
	start := time.Now()
	if err := w.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}
