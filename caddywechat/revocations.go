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
	// sessionJournal is where instances tell one another which sessions were logged out, operatorJournal what lasts longer.
	// Two, since a store may keep what is over as long as something older is not.
	sessionJournal  = "revoked"
	operatorJournal = "revoked-by-operator"
	// readEvery is how often an instance looks for what others revoked: within five seconds all know.
	readEvery = 2 * time.Second
	// firstReadTimeout is how long the first requests wait for what was revoked before this process began. A store that
	// is down or slow logs nobody out: they go on without it then.
	firstReadTimeout = 2 * time.Second
	// appendTimeout is how long a logout waits for the store.
	appendTimeout = time.Second
	// maxPending is how many revocations wait for a store that fails, maxSent how many of them are told it at a time.
	maxPending = 100_000
	maxSent    = 100
)

// revocations is what this process knows to be revoked at the sites of one store, and keeps it in step with the store.
type revocations struct {
	revoked session.Revoked

	begin sync.Once
	read  chan struct{} // closed when what was revoked before is known, or was waited for long enough
	end   context.CancelFunc

	sending   sync.Mutex // held while pending ones are under way
	pendingMu sync.Mutex
	pending   []session.Revocation // what the store does not know yet
}

// knowRevocations makes sure that this process knows what was revoked before it began, as far as the store tells. It
// waits in the first moments of a process only.
func (h *Handler) knowRevocations(ctx context.Context) {
	h.shared.follow()
	select {
	case <-h.shared.read: // takes no lock when nobody needs to wait
		return
	default:
	}
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
	goOn := sync.OnceFunc(func() { close(s.read) })
	defer goOn()
	time.AfterFunc(firstReadTimeout, goOn)

	var readers []store.Reader
	var reading *Handler // whose store the readers read
	isKnown := false     // whether all that was revoked before is
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		if h := s.newest(); h != nil {
			if h != reading {
				readers, reading = []store.Reader{h.store.Follow(sessionJournal), h.store.Follow(operatorJournal)}, h
			}
			begun := h.now()
			isRead := h.readRevocations(ctx, readers)
			if took := h.now().Sub(begun); !isKnown && (!isRead || took > firstReadTimeout) {
				h.logger.Warn("the store did not tell in time what was revoked before: until it does, such sessions go on",
					zap.Bool("known now", isRead), zap.Duration("after", took))
			}
			isKnown = isKnown || isRead
			s.sendPending(ctx, h)
			h.probe(ctx)
			goOn()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// readRevocations takes to heart what other instances revoked, and reports whether that is all there is. An error is logged
// by the store's watch; what could be read counts all the same.
func (h *Handler) readRevocations(ctx context.Context, readers []store.Reader) (all bool) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	all = true
	for _, reader := range readers {
		values, err := reader.Read(ctx)
		for _, value := range values {
			h.takeToHeart(value)
		}
		all = all && err == nil
	}
	return all
}

func (h *Handler) takeToHeart(value []byte) {
	var r session.Revocation
	if err := r.UnmarshalBinary(value); err != nil {
		h.logger.Warn("a revocation in the store is not understood: is an instance of a newer version running?", zap.Error(err))
		return
	}
	h.addRevocation(r)
}

func (h *Handler) addRevocation(r session.Revocation) {
	if !h.shared.revoked.Add(r, h.now()) && h.revokedHint.allow(h.now()) {
		h.logger.Warn("more sessions are revoked than this process remembers: those that end first go on")
	}
}

// probe writes to a store that could not be written, to find out whether it can be again.
func (h *Handler) probe(ctx context.Context) {
	if !h.shared.writeFails.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_ = h.store.Put(ctx, "probe", nil, time.Minute) // its watch takes note
}

// revoke ends sessions, here at once and on other instances as soon as they read on. The error is the store's; then the
// revocation is in force here, and the others are told when the store works again.
func (h *Handler) revoke(ctx context.Context, r session.Revocation) error {
	h.addRevocation(r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	err := h.appendRevocation(ctx, r)
	if err != nil {
		h.shared.postpone(h, r)
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
	journal := sessionJournal
	if r.IsOfOperator() {
		journal = operatorJournal
	}
	return h.store.Append(ctx, journal, text, life)
}

func (s *sharedStore) postpone(h *Handler, later ...session.Revocation) {
	s.pendingMu.Lock()
	defer s.pendingMu.Unlock()
	room := maxPending - len(s.pending)
	if len(later) > room {
		h.logger.Error("revocations are lost to other instances: the store has failed for too long", zap.Int("revocations", len(later)-room))
		later = later[:room]
	}
	s.pending = append(s.pending, later...)
}

// sendPending tells the store some of what it did not take before, until it fails again. It returns how much is left.
func (s *sharedStore) sendPending(ctx context.Context, h *Handler) (left int) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.pendingMu.Lock()
	pending := s.pending
	s.pending = nil
	s.pendingMu.Unlock()
	sent := 0
	for ; sent < min(len(pending), maxSent); sent++ {
		ctx, cancel := context.WithTimeout(ctx, appendTimeout)
		err := h.appendRevocation(ctx, pending[sent])
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
