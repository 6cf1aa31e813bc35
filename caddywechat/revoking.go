package caddywechat

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
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
	revocations []session.Revocation
}

// life returns how long the record is of use.
func (p pendingRecord) life(now time.Time) (life time.Duration) {
	for _, r := range p.revocations {
		life = max(life, r.End.Sub(now))
	}
	return life
}

// manyEntries is from which entry of a person on one entry ends all of their sessions: nobody fills the list.
const manyEntries = 50

// revokeSessions ends sessions of this site, here at once and on other instances as soon as they read on.
func (h *Handler) revokeSessions(ctx context.Context, sessions ...*session.Session) error {
	keys, err := h.keyring.keys(ctx)
	if err != nil {
		return err
	}
	now := h.now()
	entries := make(map[session.Name]int) // of this logout
	p := pendingRecord{journal: sessionJournal, secrets: keys.secrets}
	for _, s := range sessions {
		names := ownNames(h.accountOf(s.Identity.Get(identity.Account)), s.Identity)
		person := names[0]
		entries[person]++
		if !h.shared.revoked.HasMany(person, manyEntries-entries[person], now) {
			p.revocations = append(p.revocations, session.RevokeSession(s.ID, person, now, s.Expires))
			continue
		}
		end := s.Expires
		for _, site := range h.shared.all() { // at all of which the person's sessions end
			if e := now.Add(site.lives.Lifetime); e.After(end) {
				end = e
			}
		}
		p.revocations = append(p.revocations, session.RevokePerson(h.shared.revoked.Next(now), end, names...))
		p.secrets = nil // as an operator's
	}
	return h.revoke(ctx, p)
}

// revokePerson ends all sessions of somebody who has one of the names, at all sites of the store, those included that
// have other keys.
func (h *Handler) revokePerson(ctx context.Context, names ...session.Name) error {
	now := h.now()
	r := session.RevokePerson(h.shared.revoked.Next(now), now.Add(session.LongestLife), names...)
	return h.revoke(ctx, pendingRecord{operatorJournal, nil, []session.Revocation{r}})
}

// revoke ends sessions, here at once and on other instances as soon as they read on. The error is the store's; then the
// revocations are in force here, and the others are told when the store works again.
func (h *Handler) revoke(ctx context.Context, p pendingRecord) error {
	for _, r := range p.revocations {
		h.addRevocation(r)
	}
	if p.secrets == nil {
		p.secrets = h.shared.secretsAtHand()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	err := h.appendRecord(ctx, p)
	if err != nil {
		h.shared.postpone(h, p)
	}
	return err
}

func (h *Handler) appendRecord(ctx context.Context, p pendingRecord) (err error) {
	life := p.life(h.now())
	if life <= 0 {
		return nil
	}
	secrets := p.secrets
	if secrets == nil {
		if secrets, err = h.shared.secrets(ctx); err != nil {
			return err
		}
	}
	keys, err := seal.NewKeys(revocationPurpose, secrets...)
	if err != nil {
		return err
	}
	for _, record := range session.Records(keys, p.journal, p.revocations...) {
		if err := h.store.Append(ctx, p.journal, record, life); err != nil {
			return err
		}
	}
	return nil
}

// pendingRecords are those that the store did not take.
type pendingRecords struct {
	sending sync.Mutex // held while some are under way
	mu      sync.Mutex
	records []pendingRecord
}

func (p *pendingRecords) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.records) > 0
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

func (s *sharedStore) postpone(h *Handler, later ...pendingRecord) {
	if lost := s.pending.add(later); lost > 0 {
		h.logger.Error("revocations are lost to other instances: the store has failed for too long", zap.Int("revocations", lost))
	}
}

// sendPending tells the store some of what it did not take before, until it fails again. It returns how much is left.
func (s *sharedStore) sendPending(ctx context.Context, h *Handler) (left int) {
	s.pending.sending.Lock()
	defer s.pending.sending.Unlock()
	pending := s.pending.take()
	sent := 0
	for ; sent < min(len(pending), maxSent); sent++ {
		ctx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := h.appendRecord(ctx, pending[sent])
		cancel()
		if err != nil {
			break
		}
	}
	if left = len(pending) - sent; left > 0 {
		s.postpone(h, pending[sent:]...)
	}
	return left
}

// sendLastPending is for the last site that uses the store, when it goes: nobody will be there to try again.
func (s *sharedStore) sendLastPending(h *Handler) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	left := s.sendPending(ctx, h)
	for before := left + 1; left > 0 && left < before; {
		before, left = left, s.sendPending(ctx, h)
	}
	if left > 0 {
		h.logger.Error("revocations are lost to other instances, and to this one when it comes again: the store fails", zap.Int("revocations", left))
	}
}
