// Package caddystore keeps what a server must remember in Caddy's own storage, where its certificates are: a folder by
// default, or whatever the global option `storage` names, shared by all instances that share that.
//
// It owns the folder wechat in that storage: nobody else may write or remove anything there.
package caddystore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func init() { caddy.RegisterModule(new(Store)) }

// Store keeps what the server must remember in Caddy's storage. It has no options.
//
// A storage can put, get and remove, each at once for everybody, and it has locks. Where an entry is to be put only if
// there is none, or taken once, the store holds a lock in the storage, which costs more than in Redis: in a folder some
// milliseconds, a second for each instance that is before in the queue, and ten where one died holding it. It is also
// worth no more than the lock, and certmagic's promise is that these hold nearly always: an instance that stands still
// for ten seconds while it holds one may find that it was passed by. What may never happen twice needs Redis, or must
// be harmless.
type Store struct {
	storage certmagic.Storage
	now     func() time.Time
	ctx     context.Context // ends with the configuration
	turns   func() *turns   // made at first use, which few sites come to
	writers *writers
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
	s.storage, s.now, s.ctx = ctx.Storage(), time.Now, ctx.Context
	s.turns, s.writers = sync.OnceValue(newTurns), ofProcess
	return nil
}

// UseClock implements [store.Clocked].
func (s *Store) UseClock(now func() time.Time) { s.now = now }

// UnmarshalCaddyfile reads `caddy`, which takes nothing.
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's name
	if d.NextArg() || d.NextBlock(0) {
		return d.Err("store caddy takes no options: the global option storage says where Caddy keeps things")
	}
	return nil
}

// folder is where everything lies. Journals lie in folders of their own in it, whose names no key can have.
const folder = "wechat/"

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	return s.load(ctx, folder+key)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return err
	}
	return s.save(ctx, folder+key, value, ttl)
}

// PutIfAbsent implements [store.Store] as well as the storage's locks hold, see [Store]: Put and Delete don't wait for
// it.
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) (kept []byte, err error) {
	if ttl == 0 {
		ttl = store.Forever
	}
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return nil, err
	}
	path := folder + key
	err = s.locked(ctx, path, func(ctx context.Context) (absent bool, err error) {
		kept, err = s.load(ctx, path)
		if errors.Is(err, store.ErrNotFound) {
			return true, nil
		}
		return false, err
	}, func(ctx context.Context) error {
		kept = value
		return s.save(ctx, path, value, ttl)
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

// Take implements [store.Store] as well as the storage's locks hold, see [Store]: Put and Delete don't wait for it.
func (s *Store) Take(ctx context.Context, key string) (taken []byte, err error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	path := folder + key
	err = s.locked(ctx, path, func(ctx context.Context) (there bool, err error) {
		taken, err = s.load(ctx, path)
		return err == nil, err
	}, func(ctx context.Context) error {
		return s.remove(ctx, path)
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := store.Check(ctx, key); err != nil {
		return err
	}
	return s.remove(ctx, folder+key)
}

// Interface guards
var (
	_ store.Store           = (*Store)(nil)
	_ store.Clocked         = (*Store)(nil)
	_ store.Connected       = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
