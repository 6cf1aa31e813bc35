// Package caddystore keeps what a server must remember in Caddy's own storage, where its certificates are: a folder by
// default, or whatever the global option `storage` names, shared by all instances that share that.
package caddystore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func init() { caddy.RegisterModule(new(Store)) }

// Store keeps what the server must remember in Caddy's storage. It has no options.
type Store struct {
	storage certmagic.Storage
	now     func() time.Time
	ctx     context.Context // ends with the configuration
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wechat.stores.caddy",
		New: func() caddy.Module { return new(Store) },
	}
}

// Provision takes the storage; it does not touch it.
func (s *Store) Provision(ctx caddy.Context) error {
	s.storage, s.now, s.ctx = ctx.Storage(), time.Now, ctx
	return nil
}

// UseClock makes the store judge its entries' lives by another clock than the system's. For tests.
func (s *Store) UseClock(now func() time.Time) { s.now = now }

// UnmarshalCaddyfile reads `caddy`, which takes nothing.
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's name
	if d.NextArg() || d.NextBlock(0) {
		return d.Err("store caddy takes no options: the global option storage says where Caddy keeps things")
	}
	return nil
}

const folder = "wechat/"

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	entry, err := s.storage.Load(ctx, folder+key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading %s from Caddy's storage: %w", store.ErrStore, key, err)
	}
	value, ok := s.open(entry)
	if !ok {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	return value, nil
}

// Put implements [store.Store]. Caddy's storage knows no end of life, so entries carry their own, and those that are over
// are removed from time to time.
func (s *Store) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	if err := s.storage.Store(ctx, folder+key, seal(value, s.now().Add(life))); err != nil {
		return fmt.Errorf("%w: writing %s to Caddy's storage: %w", store.ErrStore, key, err)
	}
	s.sweepNowAndThen()
	return nil
}

// An entry is the second of its end, 0 for none, as eight bytes, and the value.
const endLength = 8

func seal(value []byte, end time.Time) []byte {
	var seconds uint64
	if !end.IsZero() {
		seconds = uint64(end.Unix())
	}
	return append(binary.BigEndian.AppendUint64(nil, seconds), value...)
}

// open returns the value of an entry, and whether it still is one.
func (s *Store) open(entry []byte) ([]byte, bool) {
	if len(entry) < endLength {
		return nil, false
	}
	end := binary.BigEndian.Uint64(entry)
	return entry[endLength:], end == 0 || uint64(s.now().Unix()) < end
}

// PutIfAbsent implements [store.Store]. It holds the storage's lock meanwhile, which may take seconds where several
// instances want it at once.
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte) (kept []byte, err error) {
	lock := folder + key + ".lock"
	if err := s.storage.Lock(ctx, lock); err != nil {
		return nil, fmt.Errorf("%w: locking %s in Caddy's storage: %w", store.ErrStore, key, err)
	}
	defer func() {
		// Whatever became of ctx, others must not wait for this lock.
		if unlockErr := s.storage.Unlock(context.WithoutCancel(ctx), lock); unlockErr != nil && err == nil {
			err = fmt.Errorf("%w: unlocking %s in Caddy's storage: %w", store.ErrStore, key, unlockErr)
		}
	}()
	kept, err = s.Get(ctx, key)
	if !errors.Is(err, store.ErrNotFound) {
		return kept, err
	}
	if err := s.storage.Store(ctx, folder+key, seal(value, time.Time{})); err != nil {
		return nil, fmt.Errorf("%w: writing %s to Caddy's storage: %w", store.ErrStore, key, err)
	}
	return value, nil
}

// Interface guards
var (
	_ store.Store           = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
