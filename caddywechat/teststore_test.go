package caddywechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// testStore is another store under the control of a test.
type testStore struct {
	Name  string          `json:"name"`
	Inner json.RawMessage `json:"inner"`

	inner   store.Store
	control *storeControl
}

func (*testStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.test", New: func() caddy.Module { return new(testStore) }}
}

func (s *testStore) Provision(ctx caddy.Context) error {
	var inner map[string]json.RawMessage
	if err := json.Unmarshal(s.Inner, &inner); err != nil {
		return err
	}
	var name string
	if err := json.Unmarshal(inner["module"], &name); err != nil {
		return err
	}
	delete(inner, "module")
	raw, err := json.Marshal(inner)
	if err != nil {
		return err
	}
	module, err := ctx.LoadModuleByID("wechat.stores."+name, raw)
	if err != nil {
		return err
	}
	s.inner, s.control = module.(store.Store), storeControls.get(s.Name)
	return nil
}

// withStore returns a handler's JSON with its store wrapped in a testStore.
func withStore(t *testing.T, raw json.RawMessage, name string) json.RawMessage {
	t.Helper()
	var handler map[string]any
	if err := json.Unmarshal(raw, &handler); err != nil {
		t.Fatal(err)
	}
	inner := handler["store"]
	if inner == nil {
		inner = map[string]string{"module": "caddy"}
	}
	handler["store"] = map[string]any{"module": "test", "name": name, "inner": inner}
	changed, err := json.Marshal(handler)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// storeControl controls how a store behaves.
type storeControl struct {
	process string // part of the connection, so that instances share what is stored and nothing else

	mu           sync.Mutex
	wrap         func(store.Store) store.Store // nil: unchanged
	isAtomic     bool
	unfitForKeys bool
}

// use wraps the store from now on, nil: no more.
func (c *storeControl) use(wrap func(store.Store) store.Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrap = wrap
}

// failWhen makes reads and appends fail as long as *fail is true.
func (c *storeControl) failWhen(fail *bool) {
	c.use(func(s store.Store) store.Store { return failingStore{s, fail} })
}

func (s *testStore) store() store.Store {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	if s.control.wrap != nil {
		return s.control.wrap(s.inner)
	}
	return s.inner
}

func (s *testStore) Get(ctx context.Context, key string) ([]byte, error) {
	return s.store().Get(ctx, key)
}

func (s *testStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.store().Put(ctx, key, value, ttl)
}

func (s *testStore) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	return s.store().PutIfAbsent(ctx, key, value, ttl)
}

func (s *testStore) Take(ctx context.Context, key string) ([]byte, error) {
	return s.store().Take(ctx, key)
}

func (s *testStore) Delete(ctx context.Context, key string) error { return s.store().Delete(ctx, key) }

func (s *testStore) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	return s.store().Append(ctx, journal, value, ttl)
}

func (s *testStore) Follow(journal string) store.Reader { return &testReader{s: s, journal: journal} }

// testReader reads from the store as it is wrapped at that moment.
type testReader struct {
	s       *testStore
	journal string
	by      store.Store
	reader  store.Reader
}

func (r *testReader) Read(ctx context.Context) ([][]byte, error) {
	if now := r.s.store(); r.reader == nil || now != r.by {
		r.by, r.reader = now, now.Follow(r.journal)
	}
	return r.reader.Read(ctx)
}

func (s *testStore) UseClock(now func() time.Time) {
	if clocked, ok := s.inner.(store.Clocked); ok {
		clocked.UseClock(now)
	}
}

func (s *testStore) Connection() string {
	inner := string(s.Inner)
	if connected, ok := s.inner.(store.Connected); ok {
		inner = connected.Connection()
	}
	return s.control.process + "\n" + inner
}

func (s *testStore) IsAtomic() bool {
	atomic, ok := s.inner.(store.Atomic)
	return s.control.isAtomic || ok && atomic.IsAtomic()
}

var errUnfitForKeys = errors.New("this store is not fit for a key")

func (s *testStore) CheckKeyStorage() (warning string, err error) {
	if s.control.unfitForKeys {
		return "", errUnfitForKeys
	}
	if keeper, ok := s.inner.(store.KeyStorage); ok {
		return keeper.CheckKeyStorage()
	}
	return "", nil
}

// failingStore fails as long as *fail is true.
type failingStore struct {
	store.Store
	fail *bool
}

func (s failingStore) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if *s.fail {
		return store.ErrStore
	}
	return s.Store.Append(ctx, journal, value, ttl)
}

func (s failingStore) Get(ctx context.Context, key string) ([]byte, error) {
	if *s.fail {
		return nil, store.ErrStore
	}
	return s.Store.Get(ctx, key)
}

// brokenStore fails or hangs.
type brokenStore struct {
	store.Store // nil: other methods panic
	value       []byte
	err         error
	hang        chan struct{}
	calls       atomic.Int64
}

func (s *brokenStore) Get(ctx context.Context, _ string) ([]byte, error) {
	s.calls.Add(1)
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.value, s.err
}

func (s *brokenStore) PutIfAbsent(context.Context, string, []byte, time.Duration) ([]byte, error) {
	return nil, s.err
}

// hangingStore does not take a record before the context ends.
type hangingStore struct {
	store.Store
	appends int
}

func (s *hangingStore) Append(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	s.appends++
	<-ctx.Done()
	return ctx.Err()
}

// waitingStore does not answer PutIfAbsent before the context ends.
type waitingStore struct{ store.Store }

func (waitingStore) PutIfAbsent(ctx context.Context, _ string, _ []byte, _ time.Duration) ([]byte, error) {
	<-ctx.Done()
	return nil, store.ErrStore
}

// wantJournal waits until a journal has so many records.
func wantJournal(t *testing.T, s store.Store, journal string, want int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d records in %s", want, journal), func() bool {
		values, err := s.Follow(journal).Read(t.Context())
		return err == nil && len(values) == want
	})
}

// inStorage returns a file of Caddy's storage with a text in its name or content, "" for none.
func (w *world) inStorage(text string) (found string) {
	w.t.Helper()
	err := filepath.WalkDir(w.storage, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if strings.Contains(string(content), text) || strings.Contains(name, text) {
			found = name
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}
