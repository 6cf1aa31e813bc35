package revocation

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

const (
	// appendTimeout is how long a logout waits for the store, however many sessions it ends.
	appendTimeout = time.Second
	// maxPending is how many records wait for a store that fails, maxSent how many of them are told it at a time.
	maxPending = 100_000
	maxSent    = 100
)

// pendingRecord is what a journal of the store is to say: revocations, for all who have one of the keys. Without keys
// they are for all sites of the store.
type pendingRecord struct {
	journal     string
	secrets     [][]byte // the sites' session keys
	revocations []Revocation
}

// lifetime returns how long the record is of use.
func (p pendingRecord) lifetime(now time.Time) (lifetime time.Duration) {
	for _, r := range p.revocations {
		lifetime = max(lifetime, r.Expires.Sub(now))
	}
	return lifetime
}

// revoke ends sessions, here at once and on other instances as soon as they read on. The error is the store's; then the
// revocations are in force here, and the others are told when the store works again.
func (s *Site) revoke(ctx context.Context, p pendingRecord) error {
	for _, r := range p.revocations {
		s.apply(r)
	}
	if p.secrets == nil {
		p.secrets = s.sync.secretsAtHand()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	err := s.appendRecord(ctx, p)
	if err != nil {
		s.postpone(p)
	}
	return err
}

func (s *Site) appendRecord(ctx context.Context, p pendingRecord) (err error) {
	lifetime := p.lifetime(s.Now())
	if lifetime <= 0 {
		return nil
	}
	secrets := p.secrets
	if secrets == nil {
		if secrets, err = s.sync.secrets(ctx); err != nil {
			return err
		}
	}
	keys, _ := seal.NewKeys(purpose, secrets...) // what a session key can be was judged before
	for _, record := range Records(keys, p.journal, p.revocations...) {
		if err := s.Store.Append(ctx, p.journal, record, lifetime); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) postpone(later ...pendingRecord) {
	if lost := s.sync.pending.add(later); lost > 0 {
		s.Logger.Error("revocations are lost to other instances: the store has failed for too long",
			zap.Int("revocations", lost))
	}
}

// pendingRecords are those that the store did not take.
type pendingRecords struct {
	sending sync.Mutex // held while some are under way
	mu      sync.Mutex
	records []pendingRecord
}

// take returns them, so that the caller has them.
func (p *pendingRecords) take() []pendingRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	records := p.records
	p.records = nil
	return records
}

// add adds records, and returns how many there was no room for.
func (p *pendingRecords) add(later []pendingRecord) (lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := min(len(later), maxPending-len(p.records))
	p.records = append(p.records, later[:kept]...)
	return len(later) - kept
}

// sendPending tells the store some of what it did not take before, until it fails again. It returns how much is left.
func (s *Sync) sendPending(ctx context.Context, by *Site) (left int) {
	s.pending.sending.Lock()
	defer s.pending.sending.Unlock()
	pending := s.pending.take()
	sent := 0
	for ; sent < min(len(pending), maxSent); sent++ {
		ctx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := by.appendRecord(ctx, pending[sent])
		cancel()
		if err != nil {
			break
		}
	}
	if left = len(pending) - sent; left > 0 {
		by.postpone(pending[sent:]...)
	}
	return left
}

// Flush tells the store what it did not take before, by the newest site of those that leave, where nobody else uses the
// store: nobody will be there to try again. It waits three seconds at most.
func (s *Sync) Flush(ctx context.Context, leaving ...*Site) {
	for _, site := range s.Sites() {
		if !slices.Contains(leaving, site) {
			return
		}
	}
	if site := s.newest(); site != nil {
		s.flush(ctx, site)
	}
}

func (s *Sync) flush(ctx context.Context, by *Site) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	left := s.sendPending(ctx, by)
	for before := left + 1; left > 0 && left < before; {
		before, left = left, s.sendPending(ctx, by)
	}
	if left > 0 {
		by.Logger.Error("revocations are lost to other instances, and to this one when it comes again: the store fails",
			zap.Int("revocations", left))
	}
}
