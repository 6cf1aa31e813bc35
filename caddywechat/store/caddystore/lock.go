package caddystore

import (
	"context"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	// lockTimeout bounds how long a call waits for a lock, and works while it holds it. One that its owner left behind
	// is free after ten seconds in a folder.
	lockTimeout = 15 * time.Second
	// unlockTimeout bounds how long giving it back may take.
	unlockTimeout = 5 * time.Second
)

// turns let the callers of one instance go one after the other: the storage's locks are slow where many want them.
// Callers with different keys seldom share one.
type turns [64]chan struct{}

func newTurns() *turns {
	t := new(turns)
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

func (t *turns) of(path string) chan struct{} {
	return t[crc32.ChecksumIEEE([]byte(path))%uint32(len(t))]
}

// locked calls do while the storage's lock for a path is held, if there is something to do: look says so, and is asked
// before as well, since mostly there is nothing.
func (s *Store) locked(
	ctx context.Context, path string, look func(context.Context) (bool, error), do func(context.Context) error,
) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	turn := s.turns().of(path)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for others who want %s: %w", store.ErrStore, path, ctx.Err())
	}
	if todo, err := look(ctx); !todo || err != nil {
		return err
	}
	lock := path + ".lock"
	if err := s.storage.Lock(ctx, lock); err != nil {
		return fmt.Errorf("%w: locking %s in Caddy's storage: %w", store.ErrStore, path, err)
	}
	defer func() {
		// Whatever became of ctx, others must not wait for this lock.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if unlockErr := s.storage.Unlock(ctx, lock); unlockErr != nil && err == nil {
			err = fmt.Errorf("%w: unlocking %s in Caddy's storage: %w", store.ErrStore, path, unlockErr)
		}
	}()
	if todo, err := look(ctx); !todo || err != nil {
		return err
	}
	return do(ctx)
}
