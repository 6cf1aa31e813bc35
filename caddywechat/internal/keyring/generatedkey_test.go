package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestKeyring_AMadeKeyIsMadeOnceForAllInstances(t *testing.T) {
	w := newWorld()
	first, second := w.keyring(t), w.keyring(t)
	if known, err := second.Known(t.Context()); known != nil || err != nil {
		t.Errorf("known before anybody needs it: %v, %v", known, err)
	}
	if !first.NeedsStore() || len(w.calls) != 0 {
		t.Errorf("needs no store, or asked it %v", w.calls)
	}
	got := ids(t, first)
	if len(got) != 1 || !slices.Equal(ids(t, second), got) {
		t.Errorf("the keys differ: %v, %v", got, ids(t, second))
	}
	if w.asked("PutIfAbsent") != 1 {
		t.Errorf("made %d times", w.asked("PutIfAbsent"))
	}
	calls := len(w.calls)
	if !slices.Equal(ids(t, first), got) || len(w.calls) != calls || first.NeedsStore() {
		t.Error("the store is asked for a key that is known")
	}
	made, err := MadeKey(t.Context(), w.store)
	if err != nil || !slices.Equal(known(t, second), []string{string(made)}) {
		t.Errorf("made %q, %v", made, err)
	}
}

func TestKeyring_NoKeyIsMadeWhereTheStoreCannotBeRead(t *testing.T) {
	w := newWorld()
	w.failing = "Get"
	if keys, err := w.keyring(t).Keyset(t.Context()); keys != nil || !errors.Is(err, store.ErrStore) {
		t.Errorf("%v, %v", keys, err)
	}
	if w.asked("PutIfAbsent") != 0 {
		t.Error("it was made all the same")
	}
}

func TestKeyring_RecoversWithTheStoreAndSaysOnceWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.keyring(t)
		w.failing = "PutIfAbsent"
		for range 3 {
			if keys, err := k.Keyset(t.Context()); keys != nil || !errors.Is(err, store.ErrStore) {
				t.Fatalf("%v, %v", keys, err)
			}
			time.Sleep(madeKeyPause)
		}
		if w.asked("PutIfAbsent") != 3 || w.log.Len() != 1 {
			t.Errorf("asked %d times, %d lines", w.asked("PutIfAbsent"), w.log.Len())
		}
		w.failing = ""
		if n := len(ids(t, k)); n != 1 {
			t.Errorf("%d keys", n)
		}
	})
}

func TestKeyring_ItsOwnersWordIsEnough(t *testing.T) {
	w := newWorld()
	k := w.keyring(t)
	if !k.NeedsStore() {
		t.Fatal("it needs no store")
	}
	w.failing = "Get"
	if _, err := k.Keyset(t.Context()); err == nil || w.log.Len() != 0 {
		t.Errorf("%v, %d lines beside those of whoever asked", err, w.log.Len())
	}
}

func TestKeyring_AKeyThatWasAlteredIsNone(t *testing.T) {
	w := newWorld()
	w.put(t, madeKeyName, "short")
	if keys, err := w.keyring(t).Keyset(t.Context()); keys != nil || err == nil {
		t.Errorf("%v, %v", keys, err)
	}
	if got := ids(t, w.keyring(t, one)); len(got) != 1 {
		t.Errorf("beside a configured one: %v", got)
	}
}

// put puts a text into the store.
func (w *world) put(t *testing.T, key, value string) {
	t.Helper()
	if err := w.store.Put(t.Context(), key, []byte(value), store.Forever); err != nil {
		t.Fatal(err)
	}
}

func TestKeyring_ConfiguredKeysNeedNoStore(t *testing.T) {
	w := newWorld()
	w.failing = "Get"
	k := w.keyring(t, one, two)
	if k.NeedsStore() {
		t.Error("it needs the store")
	}
	if got := ids(t, k); len(got) != 2 || !slices.Equal(got[:1], ids(t, w.keyring(t, one))) {
		t.Errorf("got %v", got)
	}
	if secrets, err := k.Known(t.Context()); secrets != nil || !errors.Is(err, store.ErrStore) {
		t.Errorf("the store does not say whether there is a made one: %v, %v", secrets, err)
	}
	w.failing = ""
	if got := known(t, k); !slices.Equal(got, []string{one, two}) {
		t.Errorf("known: %q", got)
	}
	calls := len(w.calls)
	if known(t, k); len(w.calls) != calls {
		t.Error("the store is asked for what is known")
	}
}

func TestKeyring_AMadeKeyOpensForALifetimeAfterOneWasConfigured(t *testing.T) {
	w := newWorld()
	before := ids(t, w.keyring(t))
	w.now = w.now.Add(30 * day)
	k := w.keyring(t, one)
	if got := ids(t, k); len(got) != 2 || got[1] != before[0] {
		t.Fatalf("got %v, before %v", got, before)
	}
	if len(known(t, k)) != 2 || w.log.FilterMessageSnippet("goes on opening").Len() != 1 {
		t.Error("not known, or not said")
	}
	w.now = w.now.Add(3 * day)
	rotated := w.keyring(t, two, one) // the life of the made one does not begin anew
	if n := len(ids(t, rotated)); n != 3 {
		t.Errorf("%d keys, rotated", n)
	}
	w.now = w.now.Add(lifetime - 3*day - time.Second)
	if len(ids(t, k)) != 2 || len(known(t, k)) != 2 || len(ids(t, rotated)) != 3 {
		t.Error("it ends before its time")
	}
	w.now = w.now.Add(time.Second)
	w.calls, w.failing = nil, "Get"
	if len(ids(t, k)) != 1 || len(known(t, rotated)) != 2 || len(ids(t, rotated)) != 2 || len(w.calls) != 0 {
		t.Errorf("it goes on, or the store was asked: %v", w.calls)
	}
	w.failing = ""
	if n := len(ids(t, w.keyring(t, one))); n != 1 {
		t.Errorf("%d keys after a reload", n)
	}
}

func TestKeyring_AMadeKeyThatIsConfiguredNeverEnds(t *testing.T) {
	w := newWorld()
	made := known(t, withKeys(t, w.keyring(t)))[0]
	k := w.keyring(t, made)
	if got := known(t, k); !slices.Equal(got, []string{made}) {
		t.Errorf("known: %q", got)
	}
	w.now = w.now.Add(2 * lifetime)
	if got := known(t, k); !slices.Equal(got, []string{made}) || w.log.Len() != 0 {
		t.Errorf("known at last: %q", got)
	}
}

// withKeys is a keyring that has its keys.
func withKeys(t *testing.T, k *Keyring) *Keyring {
	t.Helper()
	ids(t, k)
	return k
}

func TestKeyring_AMadeKeyCountsOnlyWhereTheStoreIsAPlaceForIt(t *testing.T) {
	w := newWorld()
	ids(t, w.keyring(t))
	k := w.keyring(t, one)
	k.KeepsKey = false
	if n := len(ids(t, k)); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestKeyring_WhatTheStoreDoesNotSayIsAskedAgain(t *testing.T) {
	for _, failing := range []string{
		"Get session_key", "Get session_key_replaced", "PutIfAbsent session_key_replaced",
	} {
		w := newWorld()
		ids(t, w.keyring(t))
		k := w.keyring(t, one)
		w.failing = failing
		if n := len(ids(t, k)); n != 1 {
			t.Errorf("%s fails: %d keys", failing, n)
		}
		if secrets, err := k.Known(t.Context()); !errors.Is(err, store.ErrStore) {
			t.Errorf("%s fails: known %v, %v", failing, secrets, err)
		}
		w.failing = ""
		if len(known(t, k)) != 2 || len(ids(t, k)) != 2 {
			t.Errorf("%s failed: it is not found afterwards", failing)
		}
	}
}

// A request that began while the store said nothing must not put its keys in place of those that came meanwhile.
func TestKeyring_SlowRequestsTakeNoKeyAway(t *testing.T) {
	w := newWorld()
	ids(t, w.keyring(t))
	k := w.keyring(t, one)
	w.failing = "Get"
	slow, err := k.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.failing = ""
	if len(known(t, k)) != 2 {
		t.Fatal("the made key is not known")
	}
	if _, err := k.derive(slow); err != nil {
		t.Fatal(err)
	}
	if n := len(ids(t, k)); n != 2 {
		t.Errorf("%d keys", n)
	}
}

func TestKeyring_SomebodyElsesClockMayBeWrong(t *testing.T) {
	for value, want := range sinces {
		w := newWorld()
		ids(t, w.keyring(t))
		k := w.keyring(t, one)
		ids(t, w.keyring(t, one))
		name := ""
		for _, call := range w.calls {
			if key, ok := strings.CutPrefix(call, "Get session_key_replaced/"); ok {
				name = "session_key_replaced/" + key
			}
		}
		w.put(t, name, value)
		w.wantMade(t, k, value, want)
	}
}

// sinces are what the store may say of since when a made key is replaced, each with how long that goes on opening.
var sinces = map[string]time.Duration{
	"garbage": lifetime, "99999999999": lifetime, fmt.Sprint(begin.Add(-3 * day).Unix()): lifetime - 3*day,
}

// wantMade fails unless a made key opens beside the configured one for as long as that.
func (w *world) wantMade(t *testing.T, k *Keyring, since string, lasts time.Duration) {
	t.Helper()
	for _, tt := range []struct {
		after time.Duration
		keys  int
	}{{0, 2}, {lasts - time.Second, 2}, {lasts, 1}} {
		w.now = begin.Add(tt.after)
		if got := len(ids(t, k)); got != tt.keys {
			t.Errorf("since %s: %d keys after %s, want %d", since, got, tt.after, tt.keys)
		}
	}
}

// first is a store in which somebody else was first to say since when a key is replaced.
type first struct {
	store.Store
	value string
}

func (f first) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if key == madeKeyName {
		return f.Store.PutIfAbsent(ctx, key, value, ttl)
	}
	return []byte(f.value), nil
}

func TestKeyring_TheFirstWhoReplacesAMadeKeySaysSinceWhen(t *testing.T) {
	for value, want := range sinces {
		w := newWorld()
		ids(t, w.keyring(t))
		k := w.keyring(t, one)
		k.Store = first{k.Store, value}
		w.wantMade(t, k, value, want)
	}
}

func TestKeyring_NobodyWaitsToKnowLongerThanTheyWantTo(t *testing.T) {
	s := &brokenStore{hang: make(chan struct{}), err: store.ErrStore}
	defer close(s.hang)
	k := newKeyring(s, one)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if secrets, err := k.Known(ctx); secrets != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", secrets, err)
	}
}

func TestKeyring_WaitsForTheStoreABitAndDoesWithoutItThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &brokenStore{hang: make(chan struct{})}
		begun := time.Now()
		if got := ids(t, newKeyring(s, one)); len(got) != 1 || time.Since(begun) != formerKeyTimeout {
			t.Errorf("%v after %s", got, time.Since(begun))
		}
		begun = time.Now()
		if _, err := newKeyring(s).Keyset(t.Context()); err == nil || time.Since(begun) != madeKeyTimeout {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}
