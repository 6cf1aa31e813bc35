package caddywechat

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// refusals counts by client address the codes that WeChat refused within a minute: whoever tries codes is to be slow.
// A code counts as refused from before WeChat is asked until the answer says otherwise, so that many at once are no
// way round it. The zero value is ready to use.
type refusals struct {
	mu sync.Mutex
	of map[refusedAt]*tries
}

// refusedAt is a client's network at an account: what goes on at one is none of another's. The host would not do, which
// clients write as they like.
type refusedAt struct {
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

// begin takes the place of one more code, and waits for it as long as ctx lasts where others' are not decided yet.
// [refusals.end] must follow unless there is an error, which is a tooMany or that of ctx. A client without an address
// is everybody behind a proxy, and not counted.
func (r *refusals) begin(ctx context.Context, at refusedAt, now func() time.Time) error {
	if !at.network.IsValid() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		t, when := r.at(at), now()
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
		if err := r.wait(ctx, t); err != nil {
			return err
		}
	}
}

// wait waits until a place may be free. The lock is held before and after.
func (r *refusals) wait(ctx context.Context, t *tries) error {
	t.waiting++
	changed := t.changed
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		t.waiting--
	}()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end gives a place back, unless WeChat refused the code. It reports whether this was the last that the client had.
func (r *refusals) end(at refusedAt, refused bool, now time.Time) (exceeded bool) {
	if !at.network.IsValid() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.of[at] // which is there: nothing forgets what is open
	t.open--
	if refused {
		t.refused = append(t.refused, now)
	}
	close(t.changed)
	t.changed = make(chan struct{})
	if t.isIdle() && len(t.refused) == 0 {
		delete(r.of, at)
	}
	return refused && len(t.refused) == maxRefused
}

// at returns what is known of a client. The lock is held.
func (r *refusals) at(at refusedAt) *tries {
	t := r.of[at]
	if t == nil {
		if r.of == nil {
			r.of = make(map[refusedAt]*tries)
		}
		if len(r.of) >= maxAddresses {
			r.makeRoom()
		}
		t = &tries{changed: make(chan struct{})}
		r.of[at] = t
	}
	return t
}

// makeRoom forgets a client of whom nothing is open. Maps are gone through in random order: whoever has many
// addresses does not choose whose tries are forgotten.
func (r *refusals) makeRoom() {
	for at, t := range r.of {
		if t.isIdle() {
			delete(r.of, at)
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
