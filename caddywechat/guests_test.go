package caddywechat

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// The codes that one client may have refused, or that wait for others, as the contract has it.
const (
	maxRefused = 10
	maxWaiting = 64
)

// Journals of a store.
const (
	sessionJournal  = "revoked"
	operatorJournal = "revoked-by-operator"
)

// A registry has what tests put into a configuration, which has to be named there.
type registry[T any] struct {
	mu sync.Mutex
	of map[string]T
	n  int
}

// add returns a name for a value until the test ends.
func (r *registry[T]) add(t *testing.T, value T) (name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	name = strconv.Itoa(r.n)
	if r.of == nil {
		r.of = make(map[string]T)
	}
	r.of[name] = value
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.of, name)
	})
	return name
}

func (r *registry[T]) get(name string) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[name]
}

var (
	logCores      registry[zapcore.Core]
	storeControls registry[*storeControl]
)

func init() {
	caddy.RegisterModule(new(testCore))
	caddy.RegisterModule(new(testStore))
}

// testCore is a place where log lines go.
type testCore struct {
	Name string `json:"name"`
	zapcore.Core
}

func (*testCore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.cores.test", New: func() caddy.Module { return new(testCore) }}
}

func (c *testCore) Provision(caddy.Context) error {
	c.Core = logCores.get(c.Name)
	return nil
}

// storeControl says how a store behaves.
type storeControl struct {
	place string // what tells it from other places: instances that are apart have nothing in common but what is stored

	mu         sync.Mutex
	wrap       func(store.Store) store.Store // nil: as it is
	isAtomic   bool
	keepsNoKey bool
}

// use makes the store behave as what wrap makes of it, nil: as it is.
func (c *storeControl) use(wrap func(store.Store) store.Store) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrap = wrap
}

var errKeepsNoKey = errors.New("this store is no place for a key")

// failWhen makes the store fail to be read, and to take what goes into a journal, as long as fail says so.
func (c *storeControl) failWhen(fail *bool) {
	c.use(func(s store.Store) store.Store { return failingStore{s, fail} })
}

// testStore is another store, which does as the test likes.
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

// withStore returns a handler's JSON with a test's store around its own.
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

func (s *testStore) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	return s.store().Put(ctx, key, value, life)
}

func (s *testStore) PutIfAbsent(ctx context.Context, key string, value []byte, life time.Duration) ([]byte, error) {
	return s.store().PutIfAbsent(ctx, key, value, life)
}

func (s *testStore) Take(ctx context.Context, key string) ([]byte, error) {
	return s.store().Take(ctx, key)
}

func (s *testStore) Delete(ctx context.Context, key string) error { return s.store().Delete(ctx, key) }

func (s *testStore) Append(ctx context.Context, journal string, value []byte, life time.Duration) error {
	return s.store().Append(ctx, journal, value, life)
}

func (s *testStore) Follow(journal string) store.Reader { return &testReader{s: s, journal: journal} }

// testReader reads by whatever the store is at that moment.
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
	return s.control.place + "\n" + inner
}

func (s *testStore) IsAtomic() bool {
	atomic, ok := s.inner.(store.Atomic)
	return s.control.isAtomic || ok && atomic.IsAtomic()
}

func (s *testStore) CheckKeyStorage() (warning string, err error) {
	if s.control.keepsNoKey {
		return "", errKeepsNoKey
	}
	if keeper, ok := s.inner.(store.KeyStorage); ok {
		return keeper.CheckKeyStorage()
	}
	return "", nil
}
