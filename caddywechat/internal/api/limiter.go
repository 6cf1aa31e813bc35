package api

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Limiter counts by client address the codes that WeChat refused within a minute: whoever tries codes is to be slow.
// A code counts as refused from before WeChat is asked until the answer says otherwise, so that many at once are no
// way round it. The zero value is ready to use.
type Limiter struct {
	mu sync.Mutex
	of map[client]*tries
}

// client is a client's network at an account: what goes on at one is none of another's. The host would not do, which
// clients write as they like.
type client struct {
	account string // what account.Ref returns
	network netip.Prefix
}

// tries are the codes of a network that were refused within the last minute, and those that are being asked about.
type tries struct {
	refused []time.Time // the oldest first
	open    int
	waiting int
	changed chan struct{} // closed when one of the open ends
}

const (
	// maxRefused is how many codes of one address may be refused within a minute. As many may be asked about at a time:
	// behind the address of a phone carrier these are a hundred logins a second while WeChat answers as usual.
	maxRefused    = 10
	refusedWithin = time.Minute
	// maxWaiting is how many of one address wait for a place.
	maxWaiting = 64
	// maxAddresses bounds the memory.
	maxAddresses = 50_000
)

// tooMany is the error of a client that has to come later: too many of its codes were refused, or are being asked
// about.
type tooMany struct{ wait time.Duration }

func (tooMany) Error() string { return "too many codes of this address were refused within a minute" }

// acquire takes the place of one more code, and waits for it as long as ctx lasts where others' are not decided yet.
// [Limiter.release] must follow unless there is an error, which is a tooMany or that of ctx. A client without an
// address is everybody behind a proxy, and not counted.
func (l *Limiter) acquire(ctx context.Context, at client, now func() time.Time) error {
	if !at.network.IsValid() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		t, when := l.at(at), now()
		t.forget(when)
		switch {
		case len(t.refused) >= maxRefused:
			return tooMany{t.refused[0].Add(refusedWithin).Sub(when)}
		case len(t.refused)+t.open < maxRefused:
			t.open++
			return nil
		case t.waiting >= maxWaiting:
			return tooMany{time.Second}
		}
		if err := l.wait(ctx, t); err != nil {
			return err
		}
	}
}

// wait waits until a place may be free. The lock is held before and after.
func (l *Limiter) wait(ctx context.Context, t *tries) error {
	t.waiting++
	changed := t.changed
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		t.waiting--
	}()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release gives a place back, unless WeChat refused the code. It reports whether this was the last that the client had.
func (l *Limiter) release(at client, refused bool, now time.Time) (exceeded bool) {
	if !at.network.IsValid() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.of[at] // which is there: nothing forgets what is open
	t.open--
	if refused {
		t.refused = append(t.refused, now)
	}
	close(t.changed)
	t.changed = make(chan struct{})
	if t.isIdle() && len(t.refused) == 0 {
		delete(l.of, at)
	}
	return refused && len(t.refused) == maxRefused
}

// at returns what is known of a client. The lock is held.
func (l *Limiter) at(at client) *tries {
	t := l.of[at]
	if t == nil {
		if l.of == nil {
			l.of = make(map[client]*tries)
		}
		if len(l.of) >= maxAddresses {
			l.makeRoom()
		}
		t = &tries{changed: make(chan struct{})}
		l.of[at] = t
	}
	return t
}

// makeRoom forgets a client of whom nothing is open. Maps are gone through in random order: whoever has many
// addresses does not choose whose tries are forgotten.
func (l *Limiter) makeRoom() {
	for at, t := range l.of {
		if t.isIdle() {
			delete(l.of, at)
			return
		}
	}
}

func (t *tries) isIdle() bool { return t.open == 0 && t.waiting == 0 }

// forget forgets what was refused long enough ago.
func (t *tries) forget(now time.Time) {
	for len(t.refused) > 0 && now.Sub(t.refused[0]) >= refusedWithin {
		t.refused = t.refused[1:]
	}
}
