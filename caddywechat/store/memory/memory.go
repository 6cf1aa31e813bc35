// Package memory keeps what a server must remember in its own memory: shared by all sites of the process, kept over a
// reload of the configuration, lost when the process ends. For a single instance.
//
// It owns the records of the process, which nobody reaches but by a [Store].
package memory

import (
	"context"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func init() { caddy.RegisterModule(new(Store)) }

// Store keeps what the server must remember in memory: at most 64 MiB for all sites together, until the process ends.
// It has no options.
type Store struct {
	records *records
	now     func() time.Time
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wechat.stores.memory",
		New: func() caddy.Module { return new(Store) },
	}
}

// pool has the records of the process, as long as a configuration names this store.
var pool = caddy.NewUsagePool()

// poolKey is that of the one value in the pool.
const poolKey = "records"

// Provision takes the records of the process, which the first store makes.
func (s *Store) Provision(caddy.Context) error {
	shared, _, err := pool.LoadOrNew(poolKey, func() (caddy.Destructor, error) { return newRecords(), nil })
	if err != nil {
		return err
	}
	s.records, s.now = shared.(*records), time.Now
	return nil
}

// Cleanup drops the records with the last store that uses them. It is also called when Provision failed.
func (s *Store) Cleanup() error {
	if s.records == nil {
		return nil
	}
	_, err := pool.Delete(poolKey)
	return err
}

// UseClock implements [store.Clocked].
func (s *Store) UseClock(now func() time.Time) { s.now = now }

// Connection implements [store.Connected]: a process has one memory.
func (*Store) Connection() string { return "memory" }

// UnmarshalCaddyfile reads `memory`, which takes nothing.
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's name
	if d.NextArg() || d.NextBlock(0) {
		return d.Err("store memory takes no options")
	}
	return nil
}

// CheckKeyStorage implements [store.KeyStorage].
func (*Store) CheckKeyStorage() (warning string, err error) {
	return "store memory forgets the session key that it makes: every restart logs everybody out; " +
		"write session { key … }", nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	return s.records.get(key, s.now())
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return err
	}
	now := s.now()
	return s.records.put(key, value, now.Add(ttl), now)
}

// PutIfAbsent implements [store.Store].
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if ttl == 0 {
		ttl = store.Forever
	}
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return nil, err
	}
	now := s.now()
	return s.records.putIfAbsent(key, value, now.Add(ttl), now)
}

// Take implements [store.Store].
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	return s.records.take(key, s.now())
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := store.Check(ctx, key); err != nil {
		return err
	}
	s.records.delete(key)
	return nil
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, journal, value, ttl); err != nil {
		return err
	}
	now := s.now()
	return s.records.append(journal, value, now.Add(ttl), now)
}

// Follow implements [store.Store].
func (s *Store) Follow(journal string) store.Reader { return &reader{store: s, journal: journal} }

type reader struct {
	store   *Store
	journal string
	read    uint64 // the number of the last record that was
}

// Read implements [store.Reader].
func (r *reader) Read(ctx context.Context) ([][]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	values, last := r.store.records.since(r.journal, r.read, r.store.now())
	r.read = last
	return values, nil
}

// Interface guards
var (
	_ store.Store           = (*Store)(nil)
	_ store.KeyStorage      = (*Store)(nil)
	_ store.Clocked         = (*Store)(nil)
	_ store.Connected       = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddy.CleanerUpper    = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
