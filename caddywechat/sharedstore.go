package caddywechat

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// sharedStore is a store as all sites of the process use it that name the same one, beyond reloads of the configuration:
// with one opinion on whether it works, and one reader of the revocations in it.
type sharedStore struct {
	revocations
	store.Status

	mu    sync.Mutex
	sites []*Handler // those that use it, the newest last
	asked time.Time  // when somebody's question for the health last led to one to the store
}

// sharedStores has them by the configuration of the store's module.
var sharedStores = caddy.NewUsagePool()

// shareStore returns the sharedStore of a configuration of a store, which is there until releaseStore.
func shareStore(storeKey string) *sharedStore {
	value, _, _ := sharedStores.LoadOrNew(storeKey, func() (caddy.Destructor, error) { return new(sharedStore), nil })
	return value.(*sharedStore)
}

// join makes a site one of those that use the store, until releaseStore. Others work with it from then on, so it must be
// ready.
func (s *sharedStore) join(h *Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sites = append(s.sites, h)
}

func releaseStore(h *Handler) error {
	s := h.shared
	s.mu.Lock()
	isLast := len(s.sites) == 1 && s.sites[0] == h
	s.sites = slices.DeleteFunc(s.sites, func(site *Handler) bool { return site == h })
	s.mu.Unlock()
	if isLast && s.pending.any() {
		go s.sendLastPending(h) // nobody waits here for a store that fails, see [App.Stop]
	}
	_, err := sharedStores.Delete(h.storeKey)
	return err
}

// Destruct implements [caddy.Destructor]: no site uses the store any more.
func (s *sharedStore) Destruct() error {
	s.revocations.stop()
	return nil
}

// newest returns the site that came last, whose configuration is the one to work with; nil when there is none any more.
func (s *sharedStore) newest() *Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sites) == 0 {
		return nil
	}
	return s.sites[len(s.sites)-1]
}

// all returns the sites that use the store.
func (s *sharedStore) all() []*Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sites)
}

// isOnlyOf reports whether none but these sites use the store.
func (s *sharedStore) isOnlyOf(sites []*Handler) bool {
	return !slices.ContainsFunc(s.all(), func(site *Handler) bool { return !slices.Contains(sites, site) })
}

// healthEvery is how often whoever asks for the health of a site makes it ask the store.
const healthEvery = time.Second

// storeWorks reports whether the store can be read, and could be written when that was last tried.
func (h *Handler) storeWorks(ctx context.Context) bool {
	s := h.shared
	s.mu.Lock()
	asked := h.now()
	isFresh := asked.Sub(s.asked) < healthEvery
	if !isFresh {
		s.asked = asked
	}
	s.mu.Unlock()
	if !isFresh {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		_, _ = h.store.Get(ctx, "health") // its status keeps what comes of that
	}
	return !s.IsFailing()
}

// watch returns a store of the site whose changes between working and failing are logged once for all sites of it.
func (h *Handler) watch(bare store.Store) store.Watched {
	return store.Watch(bare, &h.shared.Status, h.logger, func() (consequences string) {
		h.shared.follow() // who else would find out when it works again?
		return h.shared.whatGoesOn()
	})
}

// whatGoesOn says what a store that fails leaves to its sites.
func (s *sharedStore) whatGoesOn() string {
	lacksKey := false
	for _, site := range s.all() {
		if !site.keyring.has() {
			lacksKey = true
			site.keyring.told.Store(true)
		}
	}
	if lacksKey {
		return "sites without session key keep theirs there, and nobody logs in to them and no session opens until it can be " +
			"read; with session { key … } they don't need the store for that"
	}
	return "sessions and silent logins go on, what needs memory does not"
}
