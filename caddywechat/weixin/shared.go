package weixin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
)

// shared is a grant that WeChat is asked for once for all instances. It is in memory; where it is missing there, in
// the cache that the instances share; and where it is missing there too, one instance takes the lease and asks. Renewal
// is set off by use, ahead of the end, and nobody waits for it: what nobody uses costs no calls.
//
// Without a cache, or while it fails, each instance asks for itself.
type shared struct {
	slot   *slot         // nil: this instance is alone
	ask    askFunc       // for the latest
	force  askFunc       // for another one than the latest, which ends for everybody; nil: there is no such thing
	limit  time.Duration // for both
	ahead  time.Duration // how long before the end this instance renews
	now    func() time.Time
	logger *zap.Logger // knows what this is

	mu      sync.Mutex
	current *grant // nil: none yet
	flight  *flight
	failure failure // the last one, unless something was got since
}

// askFunc asks WeChat.
type askFunc func(context.Context) (secret string, life time.Duration, err error)

// flight is a search for a grant under way. There is one at a time.
type flight struct {
	refused string        // the secret that is to be replaced, "" where none is
	done    chan struct{} // closed when the rest is there
	grant   *grant
	err     error
}

// failure is why WeChat is not asked for a while.
type failure struct {
	err   error
	count int // in a row
	until time.Time
}

const (
	leastPause = 2 * time.Second
	mostPause  = time.Minute

	leastPoll = 50 * time.Millisecond
	mostPoll  = 250 * time.Millisecond
)

// newShared returns a shared grant of the app whose server token t is: that token, or a ticket that is got by it. The
// caller adds ask and perhaps force, which take up to limit.
func newShared(t *ServerToken, kind string, limit time.Duration) *shared {
	c := t.client
	s := &shared{
		limit:  limit,
		ahead:  latestRenewal + rand.N(earliestRenewal-latestRenewal),
		now:    c.now,
		logger: zap.NewNop(),
	}
	if t.cache != nil {
		s.slot = &slot{cache: t.cache, name: t.slotName(kind), leaseLife: limit + 2*cacheTimeout}
	}
	if c.Logger != nil {
		s.logger = c.Logger.With(zap.String("wanted", kind), zap.String("app_id", t.app.ID))
	}
	return s
}

// get returns the secret. It does no I/O while there is one in memory.
func (s *shared) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	now, current := s.now(), s.current
	usable := current.isUsable(now)
	if usable && !current.isDue(now, s.ahead) {
		s.mu.Unlock()
		return current.Secret, nil
	}
	f := s.begin(now, "")
	s.mu.Unlock()
	if usable {
		return current.Secret, nil
	}
	g, err := f.wait(ctx)
	if err != nil {
		return "", err
	}
	return g.Secret, nil
}

// replace returns the secret after WeChat refused one: another, or the same where there is no other to be had for now.
// Another server of the same account may have got one by force, which WeChat gives whoever asks for the latest.
func (s *shared) replace(ctx context.Context, refused string) (string, error) {
	for {
		s.mu.Lock()
		now, current := s.now(), s.current
		if current.isUsable(now) && (current.Secret != refused || !current.mayBeAskedFor(now)) {
			s.mu.Unlock()
			return current.Secret, nil
		}
		f := s.begin(now, refused)
		s.mu.Unlock()
		g, err := f.wait(ctx)
		switch {
		case err != nil:
			return "", err
		case f.refused == refused || g.Secret != refused:
			return g.Secret, nil
		}
		// The flight was under way before, for another reason.
	}
}

// begin returns the flight that is under way, or a new one, or while WeChat is not to be asked one that has failed. It is
// called with the lock held.
func (s *shared) begin(now time.Time, refused string) *flight {
	if s.flight != nil {
		return s.flight
	}
	f := &flight{refused: refused, done: make(chan struct{})}
	if now.Before(s.failure.until) {
		f.err = s.failure.err
		close(f.done)
		return f
	}
	s.flight = f
	go func() {
		g, err := s.search(refused)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil && s.current.isUsable(s.now()) && s.current.Secret != refused {
			g, err = s.current, nil
		}
		f.grant, f.err = g, err
		s.flight = nil
		close(f.done)
	}()
	return f
}

// wait waits for the end of a flight, which goes on for others when ctx ends.
func (f *flight) wait(ctx context.Context) (*grant, error) {
	select {
	case <-f.done:
		return f.grant, f.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
		}
		return nil, ctx.Err()
	}
}

// search finds a grant: in the cache, or by asking WeChat, or by waiting for the instance that does.
func (s *shared) search(refused string) (*grant, error) {
	if s.slot == nil {
		return s.askAlone(refused)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.slot.leaseLife)
	defer cancel()
	for poll := leastPoll; ; poll = min(2*poll, mostPoll) {
		g, err := s.look(refused)
		if g != nil {
			return g, nil
		}
		var held lease
		var mine bool
		if err == nil {
			held, mine, err = s.slot.takeLease()
		}
		switch {
		case err != nil:
			s.logger.Warn("the store fails: this instance asks WeChat for itself", zap.Error(err))
			return s.askAlone(refused)
		case mine:
			return s.askForAll(refused)
		case held.Refusal != nil:
			return nil, s.heed(*held.Refusal)
		}
		select {
		case <-time.After(poll + rand.N(poll)):
		case <-ctx.Done():
			return nil, s.fail(fmt.Errorf("%w: it was for another instance to ask", ErrTimeout))
		}
	}
}

// look takes over the grant in the cache, and returns the one that is in memory then if it will do: it is another one than
// the refused one, or WeChat was asked about that just now; and it is not due for renewal.
func (s *shared) look(refused string) (*grant, error) {
	found, err := s.slot.grant()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if found.isUsable(now) {
		s.current = found
	}
	g := s.current
	switch {
	case !g.isUsable(now),
		refused == "" && g.isDue(now, s.ahead),
		refused == g.Secret && g.mayBeAskedFor(now):
		return nil, nil
	}
	s.failure = failure{}
	return g, nil
}

// askForAll asks WeChat with the lease in hand, and leaves what came of it in the cache.
func (s *shared) askForAll(refused string) (*grant, error) {
	// Whoever had the lease before may have put something there since this instance looked.
	g, cacheErr := s.look(refused)
	var err error
	if g == nil {
		g, err = s.askAlone(refused)
		if err == nil {
			cacheErr = s.slot.putGrant(g, max(g.End.Sub(s.now()), time.Second))
		}
	}
	if err == nil || errors.Is(err, ErrBusy) {
		cacheErr = errors.Join(cacheErr, s.slot.endLease())
	} else {
		// The others may ask after half the time that this instance waits: WeChat may refuse this one's address only.
		s.mu.Lock()
		pause := s.failure.pause() / 2
		r := newRefusal(err, s.failure.count, pause)
		s.mu.Unlock()
		cacheErr = s.slot.refuse(r, pause)
	}
	if cacheErr != nil {
		s.logger.Warn("the store fails: other instances may ask WeChat again", zap.Error(cacheErr))
	}
	return g, err
}

// askAlone asks WeChat for the latest grant, and where that is the refused one for another.
func (s *shared) askAlone(refused string) (*grant, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	now := s.now()
	secret, life, err := s.ask(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	g := &grant{Secret: secret, Fetched: now, End: now.Add(life)}
	s.mu.Lock()
	g.remember(s.current)
	s.mu.Unlock()
	if refused != "" {
		g.noteAsked(now)
	}
	switch {
	case refused == "" || s.force == nil:
	case secret != refused:
		g.Asks = 0 // somebody forced it, which WeChat itself bounds
	case g.mayBeForced(now):
		s.forceAnother(ctx, g)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.failure = g, failure{}
	return g, nil
}

// forceAnother puts another secret into a grant that WeChat refuses although it is the latest. Other servers of the
// account lose theirs by that, so it is the last that is tried. Where it brings nothing the grant stays as it is.
func (s *shared) forceAnother(ctx context.Context, g *grant) {
	now := s.now()
	g.noteForced(now)
	secret, life, err := s.force(ctx)
	if err != nil || secret == g.Secret {
		s.logger.Warn("WeChat refuses the latest it gave, and gives no other", zap.Error(err),
			zap.String("cure", tokenCure), zap.Duration("for", g.forcePause()))
		return
	}
	g.Secret, g.Fetched, g.End = secret, now, now.Add(life)
	s.logger.Warn("WeChat refused the latest it gave: another one was forced, and other programs of the account have "+
		"to ask anew", zap.String("cure", tokenCure))
}

// fail remembers that nothing was got, and returns why.
func (s *shared) fail(err error) error {
	s.mu.Lock()
	s.failure.err = err
	s.failure.count++
	pause := s.failure.pause()
	s.failure.until = s.now().Add(pause)
	s.mu.Unlock()
	s.logger.Warn("WeChat gave nothing: it is not asked again for a while",
		zap.Error(err), zap.String("cure", Cure(err)), zap.Duration("for", pause))
	return err
}

// heed remembers that another instance got nothing, and returns why.
func (s *shared) heed(r refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = failure{err: r.error(), count: r.Count, until: s.now().Add(min(r.Pause, mostPause))}
	return s.failure.err
}

func (f failure) pause() time.Duration { return doubled(leastPause, f.count-1, mostPause) }
