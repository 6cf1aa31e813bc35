// Package storetest says whether a store is one: whoever implements [store.Store] runs it in a test. It knows the
// contracts of package store and no store. It is for tests only.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Backend is where a store keeps its entries: a folder, a server. It is empty when a test gets it.
type Backend struct {
	// Open returns a store on the backend. Each stands for an instance of its own.
	Open func() store.Store
	// TTL is one that is over soon. Where the test has a clock of its own it may be an hour.
	TTL time.Duration
	// Pass lets at least so much time pass.
	Pass func(time.Duration)
}

// long is a ttl that does not end while a test runs, whatever the clock.
const long = 1000 * time.Hour

const key = "area/4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"

// Run runs every test. Around is called for each of them, and calls it with a backend: in a synctest bubble, say.
func Run(t *testing.T, around func(t *testing.T, test func(*testing.T, Backend))) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"what is not there is not found", absent},
		{"what is put is there for every instance", put},
		{"put replaces value and ttl", overwrite},
		{"any bytes are a value", values},
		{"entries expire", ends},
		{"put if absent keeps the first value", putIfAbsent},
		{"put if absent for ever", forever},
		{"all who put if absent at once get the same value", putIfAbsentRace},
		{"what is taken is gone", take},
		{"of all who take at once one gets it", takeRace},
		{"what is deleted is gone", remove},
		{"a journal is read by every instance, once", journal},
		{"what journals hold expires", journalEnds},
		{"a reader that was away reads all that it missed", journalAway},
		{"no append is missed", journalRace},
		{"keys, values and ttls have bounds", bounds},
		{"a context that is over ends a call", cancelled},
		{"all instances have the same connection", connection},
	} {
		t.Run(tt.name, func(t *testing.T) { around(t, tt.test) })
	}
}

func wantValue(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); err != nil || string(got) != want {
		t.Errorf("%s: got %.40q, %v, want %.40q", key, got, err, want)
	}
}

func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrStore) || got != nil {
		t.Errorf("%s: got %.40q, %v, want ErrNotFound", key, got, err)
	}
}

func mustPut(t *testing.T, s store.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Put(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func absent(t *testing.T, b Backend) {
	s := b.Open()
	wantAbsent(t, s, key)
	got, err := s.Take(t.Context(), key)
	if !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrStore) || got != nil {
		t.Errorf("take: got %q, %v", got, err)
	}
	if err := s.Delete(t.Context(), key); err != nil {
		t.Errorf("delete: %v", err)
	}
	if got, err := s.Follow("log").Read(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("read: %q, %v", got, err)
	}
}

func put(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	mustPut(t, one, key, "value", long)
	mustPut(t, one, "word", "another", long)
	wantValue(t, one, key, "value")
	wantValue(t, other, key, "value")
	wantValue(t, other, "word", "another")
	wantAbsent(t, other, "area/other")
}

func overwrite(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	mustPut(t, one, key, "first, and longer", b.TTL)
	mustPut(t, other, key, "second", long)
	wantValue(t, one, key, "second")
	b.Pass(b.TTL)
	wantValue(t, one, key, "second")
	mustPut(t, one, key, "third", b.TTL)
	b.Pass(b.TTL)
	wantAbsent(t, other, key)
}

func values(t *testing.T, b Backend) {
	s := b.Open()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, value := range []string{"", "\x00", string(all), "\r\n$-1\r\n", strings.Repeat("\xff", store.MaxValue)} {
		key := fmt.Sprintf("value/%d", i)
		mustPut(t, s, key, value, long)
		wantValue(t, s, key, value)
		if got, err := s.PutIfAbsent(t.Context(), key, []byte("other"), long); err != nil || string(got) != value {
			t.Errorf("%d: put if absent: got %.40q, %v", i, got, err)
		}
		if got, err := s.Take(t.Context(), key); err != nil || string(got) != value {
			t.Errorf("%d: take: got %.40q, %v", i, got, err)
		}
	}
	mine := []byte("mine")
	if err := s.Put(t.Context(), key, mine, long); err != nil {
		t.Fatal(err)
	}
	copy(mine, "your")
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	copy(got, "your")
	wantValue(t, s, key, "mine")
}

func ends(t *testing.T, b Backend) {
	s := b.Open()
	mustPut(t, s, key, "short", b.TTL)
	mustPut(t, s, "kept", "long", long)
	b.Pass(b.TTL)
	wantAbsent(t, s, key)
	wantAbsent(t, b.Open(), key)
	if got, err := s.Take(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("take: got %q, %v", got, err)
	}
	wantValue(t, s, "kept", "long")
}

func putIfAbsent(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	for _, value := range []string{"first", "second"} {
		for _, s := range []store.Store{one, other} {
			if got, err := s.PutIfAbsent(t.Context(), key, []byte(value), long); err != nil || string(got) != "first" {
				t.Errorf("put %s: got %q, %v", value, got, err)
			}
		}
	}
	wantValue(t, other, key, "first")
	if got, err := one.PutIfAbsent(t.Context(), "short", []byte("short"), b.TTL); err != nil || string(got) != "short" {
		t.Errorf("got %q, %v", got, err)
	}
	b.Pass(b.TTL)
	wantAbsent(t, one, "short")
	if got, err := other.PutIfAbsent(t.Context(), "short", []byte("next"), long); err != nil || string(got) != "next" {
		t.Errorf("after its ttl: got %q, %v", got, err)
	}
}

func forever(t *testing.T, b Backend) {
	s := b.Open()
	if got, err := s.PutIfAbsent(t.Context(), key, []byte("value"), 0); err != nil || string(got) != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	b.Pass(b.TTL)
	wantValue(t, s, key, "value")
}

func take(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	mustPut(t, one, key, "value", long)
	if got, err := other.Take(t.Context(), key); err != nil || string(got) != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	wantAbsent(t, one, key)
	if got, err := one.Take(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("again: got %q, %v", got, err)
	}
	mustPut(t, one, key, "next", long)
	wantValue(t, other, key, "next")
}

func remove(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	mustPut(t, one, key, "value", long)
	mustPut(t, one, "area/other", "other", long)
	for range 2 {
		if err := other.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		wantAbsent(t, one, key)
	}
	wantValue(t, one, "area/other", "other")
}

func bounds(t *testing.T, b Backend) {
	s := b.Open()
	ctx := t.Context()
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrStore) || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	big := bytes.Repeat([]byte("x"), store.MaxValue+1)
	refused("put of a big value", s.Put(ctx, key, big, long))
	refused("append of a big value", s.Append(ctx, key, big, long))
	_, err := s.PutIfAbsent(ctx, key, big, long)
	refused("put if absent of a big value", err)
	for _, ttl := range []time.Duration{0, -time.Second} {
		refused("put without a ttl", s.Put(ctx, key, nil, ttl))
		refused("append without a ttl", s.Append(ctx, key, nil, ttl))
	}
	_, err = s.PutIfAbsent(ctx, key, nil, -1)
	refused("put if absent without a ttl", err)
	for _, key := range []string{
		"", "/", "a/", "/a", "a//b", "..", "a/../b", "A", "a b", "a.b", "a:b", "ä", "a\x00", "a\n",
		strings.Repeat("a", 201),
	} {
		refused("put "+key, s.Put(ctx, key, nil, long))
		refused("append "+key, s.Append(ctx, key, nil, long))
		refused("delete "+key, s.Delete(ctx, key))
		_, err := s.PutIfAbsent(ctx, key, nil, long)
		refused("put if absent "+key, err)
		_, err = s.Get(ctx, key)
		refused("get "+key, err)
		_, err = s.Take(ctx, key)
		refused("take "+key, err)
		_, err = s.Follow(key).Read(ctx)
		refused("read "+key, err)
	}
	wantAbsent(t, s, key)
	longest := strings.Repeat("a", 100) + "/" + strings.Repeat("b", 99)
	mustPut(t, s, longest, "value", long)
	wantValue(t, s, longest, "value")
	if _, err := s.PutIfAbsent(ctx, longest, []byte("x"), long); err != nil {
		t.Error(err)
	}
	if _, err := s.Take(ctx, longest); err != nil {
		t.Error(err)
	}
}

func cancelled(t *testing.T, b Backend) {
	s := b.Open()
	mustPut(t, s, key, "value", long)
	r := s.Follow("log")
	mustAppend(t, s, "log", "entry", long)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, get := s.Get(ctx, key)
	_, put := s.PutIfAbsent(ctx, "other", nil, long)
	_, take := s.Take(ctx, key)
	_, read := r.Read(ctx)
	for name, err := range map[string]error{
		"get": get, "put": s.Put(ctx, key, nil, long), "put if absent": put, "take": take,
		"delete": s.Delete(ctx, key), "append": s.Append(ctx, "log", nil, long), "read": read,
	} {
		if !errors.Is(err, store.ErrStore) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantValue(t, s, key, "value")
	wantAbsent(t, s, "other")
	wantRead(t, r, "entry")
}

func connection(t *testing.T, b Backend) {
	one, ok := b.Open().(store.Connected)
	if !ok {
		t.Skip("it names no connection")
	}
	other, ok := b.Open().(store.Connected)
	if !ok || one.Connection() == "" || one.Connection() != other.Connection() {
		t.Error("two stores of one place have different connections, or none")
	}
}
