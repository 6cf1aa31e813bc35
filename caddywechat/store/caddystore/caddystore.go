// Package caddystore keeps what a server must remember in Caddy's own storage, where its certificates are: a folder by
// default, or whatever the global option `storage` names, shared by all instances that share that.
package caddystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func init() { caddy.RegisterModule(new(Store)) }

// Store keeps what the server must remember in Caddy's storage. It has no options.
type Store struct {
	storage certmagic.Storage
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
	s.storage = ctx.Storage()
	return nil
}

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
	value, err := s.storage.Load(ctx, folder+key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s from Caddy's storage: %w", key, err)
	}
	return value, nil
}

// PutIfAbsent implements [store.Store]. It holds the storage's lock meanwhile, which may take seconds where several
// instances want it at once.
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte) (kept []byte, err error) {
	lock := folder + key + ".lock"
	if err := s.storage.Lock(ctx, lock); err != nil {
		return nil, fmt.Errorf("locking %s in Caddy's storage: %w", key, err)
	}
	defer func() {
		// Whatever became of ctx, others must not wait for this lock.
		if unlockErr := s.storage.Unlock(context.WithoutCancel(ctx), lock); unlockErr != nil && err == nil {
			err = fmt.Errorf("unlocking %s in Caddy's storage: %w", key, unlockErr)
		}
	}()
	kept, err = s.Get(ctx, key)
	if !errors.Is(err, store.ErrNotFound) {
		return kept, err
	}
	if err := s.storage.Store(ctx, folder+key, value); err != nil {
		return nil, fmt.Errorf("writing %s to Caddy's storage: %w", key, err)
	}
	return value, nil
}

// Interface guards
var (
	_ store.Store           = (*Store)(nil)
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
)
