package caddywechat

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	// revocationJournal is where instances tell one another what is revoked.
	revocationJournal = "revoked"
	// readEvery is how often an instance looks for what others revoked: within five seconds all know.
	readEvery = 2 * time.Second
	// firstReadTimeout is how long the first requests wait for what was revoked before this process began. A store that
	// is down or slow logs nobody out: they go on without it then.
	firstReadTimeout = 2 * time.Second
	// appendTimeout is how long a logout waits for the store.
	appendTimeout = time.Second
	// maxPending is how many revocations wait for a store that fails.
	maxPending = 100_000
)

// revocations keeps what this process knows to be revoked in step with a store.
type revocations struct {
	begin sync.Once
	read  chan struct{} // closed when what was revoked before is known, or was waited for long enough
	end   context.CancelFunc

	mu      sync.Mutex
	pending []session.Revocation // what the store does not know yet
}

// knowRevocations makes sure that this process knows what was revoked before it began, as far as the store tells. It
// waits in the first moments of a process only.
func (h *Handler) knowRevocations(ctx context.Context) {
	h.shared.follow()
	select {
	case <-h.shared.read:
	case <-ctx.Done():
	}
}

// follow begins to read what is revoked, and to look whether a store that failed works again, until the store is no
// longer used.
func (s *sharedStore) follow() {
	s.begin.Do(func() {
		s.read = make(chan struct{})
		var running context.Context
		running, s.end = context.WithCancel(context.Background())
		go s.followRevocations(running)
	})
}

func (r *revocations) stop() {
	r.begin.Do(func() { // from now on nobody begins
		r.read, r.end = make(chan struct{}), func() {}
		close(r.read)
	})
	r.end()
}

// followRevocations reads what other instances revoke, and tells them what they do not know yet.
func (s *sharedStore) followRevocations(ctx context.Context) {
	first := sync.OnceFunc(func() { close(s.read) })
	defer first()
	time.AfterFunc(firstReadTimeout, first)

	var reader store.Reader
	var reading *Handler // whose store the reader reads
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		if h := s.newest(); h != nil {
			if h != reading {
				reader, reading = h.store.Follow(revocationJournal), h
			}
			s.sendPending(ctx, h)
			h.readRevocations(ctx, reader)
			h.probe(ctx)
			first()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Handler) readRevocations(ctx context.Context, reader store.Reader) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	values, _ := reader.Read(ctx) // an error is logged by the store's watch, and loses nothing
	for _, value := range values {
		var r session.Revocation
		if err := r.UnmarshalBinary(value); err != nil {
			h.logger.Warn("a revocation in the store is not understood: is an instance of a newer version running?", zap.Error(err))
			continue
		}
		h.memory.revoked.Add(r, h.now())
	}
}

// probe writes to a store that could not be written, to find out whether it can be again.
func (h *Handler) probe(ctx context.Context) {
	if !h.shared.writing.failing.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_ = h.store.Put(ctx, "probe", nil, time.Minute) // its watch takes note
}

// revoke ends sessions, here at once and on other instances as soon as they read on. The error is the store's; then the
// revocation is in force here, and the others are told when the store works again.
func (h *Handler) revoke(ctx context.Context, r session.Revocation) error {
	h.memory.revoked.Add(r, h.now())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	err := h.appendRevocation(ctx, r)
	if err != nil {
		h.shared.postpone(r)
	}
	return err
}

func (h *Handler) appendRevocation(ctx context.Context, r session.Revocation) error {
	text, err := r.MarshalBinary()
	if err != nil {
		return err
	}
	life := r.End.Sub(h.now())
	if life <= 0 {
		return nil
	}
	return h.store.Append(ctx, revocationJournal, text, life)
}

func (r *revocations) postpone(revocation session.Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) < maxPending {
		r.pending = append(r.pending, revocation)
	}
}

// sendPending tells the store what it did not take before, until it fails again.
func (s *sharedStore) sendPending(ctx context.Context, h *Handler) {
	s.revocations.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.revocations.mu.Unlock()
	for i, r := range pending {
		ctx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := h.appendRevocation(ctx, r)
		cancel()
		if err != nil {
			for _, later := range pending[i:] {
				s.postpone(later)
			}
			return
		}
	}
}
