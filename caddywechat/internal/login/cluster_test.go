package login

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func newKeys(t *testing.T) *keys {
	t.Helper()
	set, err := seal.NewKeyset([]byte("a key with at least 32 bytes in it, for tests"))
	if err != nil {
		t.Fatal(err)
	}
	return keysOf(set)
}

func TestExchangeOnce_WaitsForNobodyForEver(t *testing.T) {
	f := &Flow{Config: Config{Cluster: new(storetest.Memory), Timeout: 5 * time.Second}}
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		key := exchangeKey("attempt")
		there, err := f.claim(t.Context(), key, "theirs")
		if err != nil || there != "theirs" {
			t.Fatalf("%q, %v", there, err)
		}
		if there, err = f.claim(t.Context(), key, "mine"); err != nil || there != "theirs" {
			t.Fatalf("%q, %v", there, err)
		}
		begun := time.Now()
		if _, ok := f.awaitResult(t.Context(), k, key, there); ok {
			t.Error("there is a result of nothing")
		}
		if waited, want := time.Since(begun), f.Timeout+time.Second; waited != want {
			t.Errorf("waited %s, want %s", waited, want)
		}
	})
}

func TestExchanged_ReadsAsItWasWritten(t *testing.T) {
	k := newKeys(t)
	over := func(r Result) Result {
		text, err := k.store.Seal("key", newExchanged(r))
		if err != nil {
			t.Fatal(err)
		}
		var e exchanged
		if k.store.Open("other key", text, &e) {
			t.Error("it opens under another key")
		}
		if !k.store.Open("key", text, &e) {
			t.Fatal("it does not open")
		}
		return e.result()
	}
	id := session.ID{1, 2, 3}
	made := session.New(nil, time.Now(), time.Hour)
	made.ID = id
	got := over(Result{Session: made})
	if got.Err != nil || got.Session.ID != id || !got.Session.Expires.Equal(made.Expires) {
		t.Errorf("got %+v", got)
	}
	for _, want := range []error{
		account.ErrCodeRefused, errNeedsConsent, problem.ErrSnapshot, problem.ErrNoUnionID, store.ErrStore,
		weixin.ErrTimeout, weixin.ErrBusy, errElsewhere,
	} {
		if got := over(Result{Err: fmt.Errorf("it was %w", want)}); !errors.Is(got.Err, want) {
			t.Errorf("%v became %v", want, got.Err)
		}
	}
}
