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

// sharedCredential is a credential that WeChat is asked for once for all instances. It is in memory; where it is
// missing there, in the cache that the instances share; and where it is missing there too, one instance takes the lease
// and asks. Renewal is set off by use, ahead of the end, and nobody waits for it: what nobody uses costs no calls.
//
// Without a cache, or while it fails, each instance asks for itself.
type sharedCredential struct {
	slot   *slot         // nil: this instance is alone
	ask    askFunc       // for the latest
	force  askFunc       // for another one than the latest, which ends for everybody; nil: there is no such thing
	limit  time.Duration // for both
	ahead  time.Duration // how long before the end this instance renews
	now    func() time.Time
	logger *zap.Logger // knows what this is

	mu      sync.Mutex
	current *credential // nil: none yet
	flight  *flight
	failure failure // the last one, unless something was got since
}

// askFunc asks WeChat.
type askFunc func(context.Context) (secret string, ttl time.Duration, err error)

// flight is a search for a credential under way. There is one at a time.
type flight struct {
	refused    string        // the secret that is to be replaced, "" where none is
	requestID  string        // of the request that started it
	done       chan struct{} // closed when the rest is there
	credential *credential
	err        error
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

// newShared returns a shared credential of the app whose server token t is: that token, or a ticket that is got by it.
// The caller adds ask and perhaps force, which take up to limit.
func newShared(t *ServerToken, kind string, limit time.Duration) *sharedCredential {
	c := t.client
	s := &sharedCredential{
		limit:  limit,
		ahead:  latestRenewal + rand.N(earliestRenewal-latestRenewal),
		now:    c.now,
		logger: zap.NewNop(),
	}
	if t.cache != nil {
		s.slot = &slot{cache: t.cache, name: t.slotName(kind), leaseTTL: limit + 2*cacheTimeout}
	}
	if c.Logger != nil {
		s.logger = c.Logger.With(zap.String("wanted", kind), zap.String("app_id", t.app.ID))
	}
	return s
}

// get returns the secret. It does no I/O while there is one in memory.
func (s *sharedCredential) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	now, current := s.now(), s.current
	usable := current.isUsable(now)
	if usable && !current.isDue(now, s.ahead) {
		s.mu.Unlock()
		return current.Secret, nil
	}
	f := s.startSearch(ctx, now, "")
	s.mu.Unlock()
	if usable {
		return current.Secret, nil
	}
	c, err := f.wait(ctx)
	if err != nil {
		return "", err
	}
	return c.Secret, nil
}

// replace returns the secret after WeChat refused one: another, or the same where there is no other to be had for now.
// Another server of the same account may have got one by force, which WeChat gives whoever asks for the latest.
func (s *sharedCredential) replace(ctx context.Context, refused string) (string, error) {
	for {
		s.mu.Lock()
		now, current := s.now(), s.current
		if current.isUsable(now) && (current.Secret != refused || !current.mayBeAskedFor(now)) {
			s.mu.Unlock()
			return current.Secret, nil
		}
		f := s.startSearch(ctx, now, refused)
		s.mu.Unlock()
		c, err := f.wait(ctx)
		switch {
		case err != nil:
			return "", err
		case f.refused == refused || c.Secret != refused:
			return c.Secret, nil
		}
		// The flight was under way before, for another reason.
	}
}

// startSearch returns the flight that is under way, or a new one, or while WeChat is not to be asked one that has
// failed. It is called with the lock held.
func (s *sharedCredential) startSearch(ctx context.Context, now time.Time, refused string) *flight {
	if s.flight != nil {
		return s.flight
	}
	f := &flight{refused: refused, requestID: requestIDOf(ctx), done: make(chan struct{})}
	if now.Before(s.failure.until) {
		f.err = s.failure.err
		close(f.done)
		return f
	}
	s.flight = f
	go func() {
		c, err := s.search(refused)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil && s.current.isUsable(s.now()) && s.current.Secret != refused {
			c, err = s.current, nil
		}
		f.credential, f.err = c, err
		s.flight = nil
		close(f.done)
	}()
	return f
}

// log returns the logger for what the flight under way does.
func (s *sharedCredential) log() *zap.Logger {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil || s.flight.requestID == "" {
		return s.logger
	}
	return s.logger.With(zap.String("request_id", s.flight.requestID))
}

// wait waits for the end of a flight, which goes on for others when ctx ends.
func (f *flight) wait(ctx context.Context) (*credential, error) {
	select {
	case <-f.done:
		return f.credential, f.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
		}
		return nil, ctx.Err()
	}
}

// search finds a credential: in the cache, or by asking WeChat, or by waiting for the instance that does.
func (s *sharedCredential) search(refused string) (*credential, error) {
	if s.slot == nil {
		return s.askAlone(refused)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.slot.leaseTTL)
	defer cancel()
	for poll := leastPoll; ; poll = min(2*poll, mostPoll) {
		c, err := s.look(refused)
		if c != nil {
			return c, nil
		}
		var held lease
		var mine bool
		if err == nil {
			held, mine, err = s.slot.takeLease()
		}
		switch {
		case err != nil:
			s.log().Warn("the store fails: this instance asks WeChat for itself", zap.Error(err))
			return s.askAlone(refused)
		case mine:
			return s.askForAll(refused)
		case held.Refusal != nil:
			return nil, s.adopt(*held.Refusal)
		}
		select {
		case <-time.After(poll + rand.N(poll)):
		case <-ctx.Done():
			return nil, s.fail(fmt.Errorf("%w: it was for another instance to ask", ErrTimeout))
		}
	}
}

// look takes over the credential in the cache, and returns the one that is in memory then if it will do: it is another
// one than the refused one, or WeChat was asked about that just now; and it is not due for renewal.
func (s *sharedCredential) look(refused string) (*credential, error) {
	found, err := s.slot.credential()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if found.isUsable(now) {
		s.current = found
	}
	c := s.current
	switch {
	case !c.isUsable(now),
		refused == "" && c.isDue(now, s.ahead),
		refused == c.Secret && c.mayBeAskedFor(now):
		return nil, nil
	}
	s.failure = failure{}
	return c, nil
}

// askForAll asks WeChat with the lease in hand, and leaves what came of it in the cache.
func (s *sharedCredential) askForAll(refused string) (*credential, error) {
	// Whoever had the lease before may have put something there since this instance looked.
	c, cacheErr := s.look(refused)
	var err error
	if c == nil {
		c, err = s.askAlone(refused)
		if err == nil {
			cacheErr = s.slot.putCredential(c, max(c.End.Sub(s.now()), time.Second))
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
		s.log().Warn("the store fails: other instances may ask WeChat again", zap.Error(cacheErr))
	}
	return c, err
}

// askAlone asks WeChat for the latest credential, and where that is the refused one for another.
func (s *sharedCredential) askAlone(refused string) (*credential, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	now := s.now()
	secret, ttl, err := s.ask(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	c := &credential{Secret: secret, Fetched: now, End: now.Add(ttl)}
	s.mu.Lock()
	c.remember(s.current)
	s.mu.Unlock()
	if refused != "" {
		c.countAsk(now)
	}
	switch {
	case refused == "" || s.force == nil:
	case secret != refused:
		c.Asks = 0 // somebody forced it, which WeChat itself bounds
	case c.mayBeForced(now):
		s.forceAnother(ctx, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.failure = c, failure{}
	return c, nil
}

// forceAnother puts another secret into a credential that WeChat refuses although it is the latest. Other servers of
// the account lose theirs by that, so it is the last that is tried. Where it brings nothing the credential stays as it
// is.
func (s *sharedCredential) forceAnother(ctx context.Context, c *credential) {
	now := s.now()
	c.countForce(now)
	secret, ttl, err := s.force(ctx)
	if err != nil || secret == c.Secret {
		s.log().Warn("WeChat refuses the latest it gave, and gives no other", zap.Error(err),
			zap.String("cure", tokenCure), zap.Duration("for", c.forcePause()))
		return
	}
	c.Secret, c.Fetched, c.End = secret, now, now.Add(ttl)
	s.log().Warn("WeChat refused the latest it gave: another one was forced, and other programs of the account have "+
		"to ask anew", zap.String("cure", tokenCure))
}

// fail remembers that nothing was got, and returns why.
func (s *sharedCredential) fail(err error) error {
	s.mu.Lock()
	s.failure.err = err
	s.failure.count++
	pause := s.failure.pause()
	s.failure.until = s.now().Add(pause)
	s.mu.Unlock()
	s.log().Warn("WeChat gave nothing: it is not asked again for a while",
		zap.Error(err), zap.String("cure", Cure(err)), zap.Duration("for", pause))
	return err
}

// adopt remembers that another instance got nothing, and returns why.
func (s *sharedCredential) adopt(r refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = failure{err: r.error(), count: r.Count, until: s.now().Add(min(r.Pause, mostPause))}
	return s.failure.err
}

func (f failure) pause() time.Duration { return doubled(leastPause, f.count-1, mostPause) }
