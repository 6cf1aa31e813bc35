package caddywechat

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// sharedStore is what all sites of the process have in common that use the same store, beyond reloads of the
// configuration: whether it works, what is revoked, and the work that goes on behind requests.
type sharedStore struct {
	status  store.Status
	revoked *revocation.Sync
	work    *background.Group
	// gone says that no site uses the store any more: then nobody hears what is revoked.
	gone atomic.Bool

	mu    sync.Mutex
	asked time.Time // when the store was last asked for its health
}

// sharedStores has them by a digest of the store's connection.
var sharedStores = caddy.NewUsagePool()

// storeKey is that digest.
type storeKey [sha256.Size]byte

// keyOf returns the key of a store: its type and what it says of where it is, else its configuration.
func keyOf(s store.Store, config []byte) storeKey {
	if connected, ok := s.(store.Connected); ok {
		return sha256.Sum256(fmt.Appendf(nil, "%T %s", s, connected.Connection()))
	}
	return sha256.Sum256(config)
}

// acquireStore returns the sharedStore of a store, which is there until releaseStore.
func acquireStore(key storeKey) *sharedStore {
	value, _, _ := sharedStores.LoadOrNew(key, func() (caddy.Destructor, error) {
		s := &sharedStore{work: background.NewGroup()}
		s.revoked = revocation.NewSync(&s.status)
		return s, nil
	})
	return value.(*sharedStore)
}

func releaseStore(key storeKey) error {
	_, err := sharedStores.Delete(key)
	return err
}

// Destruct implements [caddy.Destructor]: no site uses the store any more.
func (s *sharedStore) Destruct() error {
	s.gone.Store(true)
	s.revoked.Close()
	s.work.Close()
	return nil
}

// watch returns a site's store, whose changes between working and failing are logged, each by one line for all sites.
func (s *sharedStore) watch(bare store.Store, l *lease) store.Store {
	return store.Watch(bare, &s.status, l.logger, func() string {
		s.revoked.Follow() // who else would find out when it works again?
		return s.revoked.WithoutStore()
	})
}

const (
	// healthEvery is how often whoever asks for the health of a site makes it ask the store.
	healthEvery = time.Second
	// healthTimeout bounds how long it waits for the store.
	healthTimeout = 3 * time.Second
)

// works reports whether the store can be read, and could be written when that was last tried.
func (s *sharedStore) works(ctx context.Context, watched store.Store, now time.Time) bool {
	s.mu.Lock()
	isFresh := now.Sub(s.asked) < healthEvery
	if !isFresh {
		s.asked = now
	}
	s.mu.Unlock()
	if !isFresh {
		ctx, cancel := context.WithTimeout(ctx, healthTimeout)
		defer cancel()
		_, _ = watched.Get(ctx, "health") // the status keeps what comes of it
	}
	return !s.status.IsFailing()
}
