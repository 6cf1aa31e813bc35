package storetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Memory is a store in memory, for tests of what uses a store: without Caddy, and with a clock of the test's. Its zero
// value is ready to use, by the system's clock. It is safe for concurrent use.
type Memory struct {
	mu       sync.Mutex
	now      func() time.Time // nil: the system's
	entries  map[string]entry
	journals map[string][]entry
}

type entry struct {
	value   []byte
	expires time.Time // zero: never
}

// UseClock implements [store.Clocked].
func (m *Memory) UseClock(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// IsAtomic implements [store.Atomic].
func (*Memory) IsAtomic() bool { return true }

// isOver reports whether an entry has expired. The lock is held.
func (m *Memory) isOver(e entry) bool { return !e.expires.IsZero() && !m.time().Before(e.expires) }

func (m *Memory) time() time.Time {
	if m.now == nil {
		return time.Now()
	}
	return m.now()
}

// entry returns an entry with that lifetime. The lock is held.
func (m *Memory) entry(value []byte, lifetime time.Duration) entry {
	e := entry{value: slices.Clone(value)}
	if lifetime != store.Forever {
		e.expires = m.time().Add(lifetime)
	}
	return e
}

// get returns the value of a key. The lock is held.
func (m *Memory) get(key string) ([]byte, bool) {
	e, ok := m.entries[key]
	if !ok || m.isOver(e) {
		return nil, false
	}
	return slices.Clone(e.value), true
}

func (m *Memory) put(key string, e entry) {
	if m.entries == nil {
		m.entries = make(map[string]entry)
	}
	m.entries[key] = e
}

// Get implements [store.Store].
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.get(key)
	if !ok {
		return nil, store.ErrNotFound
	}
	return value, nil
}

// Put implements [store.Store].
func (m *Memory) Put(ctx context.Context, key string, value []byte, lifetime time.Duration) error {
	if err := store.CheckPut(ctx, key, value, lifetime); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, m.entry(value, lifetime))
	return nil
}

// PutIfAbsent implements [store.Store].
func (m *Memory) PutIfAbsent(ctx context.Context, key string, value []byte, lifetime time.Duration) ([]byte, error) {
	if lifetime == 0 {
		lifetime = store.Forever
	}
	if err := store.CheckPut(ctx, key, value, lifetime); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, ok := m.get(key); ok {
		return kept, nil
	}
	m.put(key, m.entry(value, lifetime))
	return slices.Clone(value), nil
}

// Take implements [store.Store].
func (m *Memory) Take(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.get(key)
	if !ok {
		return nil, store.ErrNotFound
	}
	delete(m.entries, key)
	return value, nil
}

// Delete implements [store.Store].
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := store.Check(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

// Append implements [store.Store].
func (m *Memory) Append(ctx context.Context, journal string, value []byte, lifetime time.Duration) error {
	if err := store.CheckPut(ctx, journal, value, lifetime); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.journals == nil {
		m.journals = make(map[string][]entry)
	}
	m.journals[journal] = append(m.journals[journal], m.entry(value, lifetime))
	return nil
}

// Follow implements [store.Store].
func (m *Memory) Follow(journal string) store.Reader {
	return &memoryReader{memory: m, journal: journal}
}

type memoryReader struct {
	memory  *Memory
	journal string
	read    int
}

// Read implements [store.Reader].
func (r *memoryReader) Read(ctx context.Context) (values [][]byte, err error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	entries := r.memory.journals[r.journal]
	for _, e := range entries[r.read:] {
		if !r.memory.isOver(e) {
			values = append(values, slices.Clone(e.value))
		}
	}
	r.read = len(entries)
	return values, nil
}

var _ store.Store = (*Memory)(nil)
