package caddywechat

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// sharedStore is a store as all sites of the process use it that name the same one, beyond reloads of the configuration:
// with one opinion on whether it works, and one reader of the revocations in it.
type sharedStore struct {
	revocations
	// Whether the store failed when it was last read, and written.
	readFails, writeFails atomic.Bool

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

// isFailing reports whether the store failed when it was last asked.
func (s *sharedStore) isFailing() bool { return s.readFails.Load() || s.writeFails.Load() }

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
		_, _ = h.store.Get(ctx, "health") // its watch takes note
	}
	return !s.isFailing()
}

// watched is a site's store, whose changes between working and failing are logged, each by one line for all sites.
type watched struct {
	store.Store
	shared *sharedStore
	logger *zap.Logger
}

func (w watched) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := w.Store.Get(ctx, key)
	w.noteReading(ctx, err)
	return value, err
}

func (w watched) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	err := w.Store.Put(ctx, key, value, life)
	w.noteWriting(ctx, err)
	return err
}

func (w watched) PutIfAbsent(ctx context.Context, key string, value []byte, life time.Duration) ([]byte, error) {
	kept, err := w.Store.PutIfAbsent(ctx, key, value, life)
	w.noteWriting(ctx, err)
	return kept, err
}

func (w watched) Take(ctx context.Context, key string) ([]byte, error) {
	value, err := w.Store.Take(ctx, key)
	w.noteReading(ctx, err)
	return value, err
}

func (w watched) Delete(ctx context.Context, key string) error {
	err := w.Store.Delete(ctx, key)
	w.noteReading(ctx, err) // a store that is full can still forget
	return err
}

func (w watched) Append(ctx context.Context, journal string, value []byte, life time.Duration) error {
	err := w.Store.Append(ctx, journal, value, life)
	w.noteWriting(ctx, err)
	return err
}

func (w watched) Follow(journal string) store.Reader {
	return watchedReader{w.Store.Follow(journal), w}
}

type watchedReader struct {
	store.Reader
	watched watched
}

func (r watchedReader) Read(ctx context.Context) ([][]byte, error) {
	values, err := r.Reader.Read(ctx)
	r.watched.noteReading(ctx, err)
	return values, err
}

func (w watched) noteReading(ctx context.Context, err error) {
	w.note(ctx, &w.shared.readFails, "read", err)
}

func (w watched) noteWriting(ctx context.Context, err error) {
	w.note(ctx, &w.shared.writeFails, "written", err)
}

func (w watched) note(ctx context.Context, fails *atomic.Bool, what string, err error) {
	switch {
	case err == nil || errors.Is(err, store.ErrNotFound):
		if fails.CompareAndSwap(true, false) {
			w.logger.Info("the store can be " + what + " again")
		}
	case errors.Is(ctx.Err(), context.Canceled): // whoever asked has left: that says nothing about the store
	default:
		if fails.CompareAndSwap(false, true) {
			w.shared.follow() // who else would find out when it works again?
			w.logger.Error("the store cannot be "+what+": "+w.shared.whatGoesOn(), zap.Error(err))
		}
	}
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
