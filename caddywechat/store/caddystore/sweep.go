package caddystore

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

// sweepEvery is how often entries are looked through for those whose life is over.
const sweepEvery = 24 * time.Hour

// lastSweep is the second in which this process last began one, whatever the configuration was then.
var lastSweep atomic.Int64

// sweepNowAndThen begins a sweep unless this process began one less than a day ago.
func (s *Store) sweepNowAndThen() {
	last, now := lastSweep.Load(), s.now().Unix()
	if now-last >= int64(sweepEvery/time.Second) && lastSweep.CompareAndSwap(last, now) {
		go s.sweep(s.ctx)
	}
}

// sweep removes entries whose life is over. What it cannot read or remove it leaves to the next one.
func (s *Store) sweep(ctx context.Context) {
	keys, err := s.storage.List(ctx, strings.TrimSuffix(folder, "/"), true)
	if err != nil {
		return
	}
	for _, key := range keys {
		if ctx.Err() != nil {
			return
		}
		entry, err := s.storage.Load(ctx, key)
		if err != nil || len(entry) < endLength {
			continue
		}
		if _, ok := s.open(entry); !ok {
			s.storage.Delete(ctx, key)
		}
	}
}
