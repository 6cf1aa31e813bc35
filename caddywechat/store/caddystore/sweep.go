package caddystore

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// sweepEvery is how often entries are looked through for those whose time is over.
	sweepEvery = 24 * time.Hour
	// sweepTimeout bounds a sweep. Each begins somewhere else, so that in time all entries are looked at.
	sweepTimeout = 10 * time.Minute
)

// lastSweep is the second in which this process last began one, whatever the configuration was then.
var lastSweep atomic.Int64

// sweepNowAndThen begins a sweep unless this process began one less than a day ago.
func (s *Store) sweepNowAndThen() {
	last, now := lastSweep.Load(), s.now().Unix()
	if now-last >= int64(sweepEvery/time.Second) && lastSweep.CompareAndSwap(last, now) {
		go s.sweep(s.ctx)
	}
}

// sweep removes entries whose time is over. What it cannot read or remove it leaves to the next one.
func (s *Store) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	paths, err := s.list(ctx, strings.TrimSuffix(folder, "/"), true)
	if err != nil || len(paths) == 0 {
		return
	}
	first := rand.IntN(len(paths))
	for i := range paths {
		if ctx.Err() != nil {
			return
		}
		path := paths[(first+i)%len(paths)]
		// Under the lock: somebody may put a new one there meanwhile.
		s.locked(ctx, path, func(ctx context.Context) (over bool, err error) {
			entry, err := s.storage.Load(ctx, path)
			return err == nil && len(entry) >= endLength && s.isOver(entry), err
		}, func(ctx context.Context) error {
			return s.remove(ctx, path)
		})
	}
}
