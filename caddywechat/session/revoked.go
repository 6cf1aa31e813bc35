package session

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// Revoked is what a process knows to have ended before its time, as long as it would have lived. It is safe for
// concurrent use, and requests that judge a session seldom meet at a lock. The zero Revoked is ready to use.
type Revoked struct {
	parts [parts]part
	// people is how many of the parts' entries are about people.
	people atomic.Int64
	all    atomic.Int64 // the second up to which every session is over
	begun  atomic.Int64 // the latest second that Next gave to a session ahead of time
}

// parts is into how many the entries are divided, by their random ids and digests.
const parts = 64

// maxRevoked bounds the memory: about 50 MB.
const maxRevoked = 500_000

// maxSkew is how far ahead the clock of another instance may be: its sessions are ahead by as much.
const maxSkew = time.Minute

type part struct {
	mu sync.RWMutex
	of map[[idLength]byte]over
}

// over says which sessions are over: those that began up to a second. It ends itself, when none of them would live.
type over struct {
	at, end  int64 // in Unix seconds
	isPerson bool
}

// Add takes a revocation to heart, and reports whether it could: of more than 500,000 those that end first are forgotten.
// One from an instance whose clock is ahead counts from a minute ahead at most.
func (r *Revoked) Add(revocation Revocation, now time.Time) bool {
	if !revocation.End.After(now) {
		return true
	}
	at := min(revocation.At.Unix(), now.Add(maxSkew).Unix())
	switch revocation.subject {
	case everybody:
		raise(&r.all, at)
		return true
	case oneSession:
		return r.add(revocation.of, over{math.MaxInt64, revocation.End.Unix(), false}, now)
	default:
		return r.add(revocation.of, over{at, revocation.End.Unix(), true}, now)
	}
}

func (r *Revoked) add(id [idLength]byte, o over, now time.Time) (ok bool) {
	p := &r.parts[id[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, isKnown := p.of[id]; isKnown && known.at >= o.at {
		return true
	}
	ok = true
	if p.of == nil {
		p.of = make(map[[idLength]byte]over)
	}
	if len(p.of) >= maxRevoked/parts {
		ok = r.makeRoom(p, now)
	}
	if _, isKnown := p.of[id]; o.isPerson && !isKnown {
		r.people.Add(1)
	}
	p.of[id] = o
	return ok
}

// makeRoom forgets what is over in a full part and, if that is nothing, what ends first. It reports whether nothing was
// lost.
func (r *Revoked) makeRoom(p *part, now time.Time) bool {
	var first [idLength]byte
	end := int64(math.MaxInt64)
	before := len(p.of)
	for id, o := range p.of {
		switch {
		case o.end <= now.Unix():
			r.forget(p, id, o)
		case o.end < end:
			first, end = id, o.end
		}
	}
	if len(p.of) < before {
		return true
	}
	r.forget(p, first, p.of[first])
	return false
}

func (r *Revoked) forget(p *part, id [idLength]byte, o over) {
	delete(p.of, id)
	if o.isPerson {
		r.people.Add(-1)
	}
}

// Has reports whether a session of the person whom apps know as user is over.
func (r *Revoked) Has(s Session, user string) bool {
	created := s.Created.Unix()
	if created <= r.all.Load() || r.isOver(s.ID, created) {
		return true
	}
	return r.people.Load() > 0 &&
		(r.isOver(digest(allOfUser, user), created) || r.isOver(digest(allOfOpenID, s.Identity.Get(identity.OpenID)), created))
}

func (r *Revoked) isOver(id [idLength]byte, created int64) bool {
	until, ok := r.until(id)
	return ok && created <= until
}

// until returns the second up to which sessions are over.
func (r *Revoked) until(id [idLength]byte) (second int64, ok bool) {
	p := &r.parts[id[0]%parts]
	p.mu.RLock()
	defer p.mu.RUnlock()
	o, ok := p.of[id]
	return o.at, ok
}

// Next returns the time that a new session of a person says it began at: now, or, where sessions up to this second or a later
// one are over already, the second after that. Times are kept in seconds, and whoever was revoked may log in again at once.
func (r *Revoked) Next(user, openID string, now time.Time) time.Time {
	last := r.all.Load()
	for _, id := range [][idLength]byte{digest(allOfUser, user), digest(allOfOpenID, openID)} {
		if until, ok := r.until(id); ok {
			last = max(last, until)
		}
	}
	if last < now.Unix() {
		return now
	}
	next := min(last+1, now.Add(maxSkew).Unix()) // no further ahead than a revocation can be
	raise(&r.begun, next)
	return time.Unix(next, 0)
}

// Now returns the time that a revocation says it was made at, so that every session is over that Next let begin before.
func (r *Revoked) Now(now time.Time) time.Time {
	if begun := r.begun.Load(); begun > now.Unix() {
		return time.Unix(begun, 0)
	}
	return now
}

func raise(a *atomic.Int64, to int64) {
	for known := a.Load(); to > known && !a.CompareAndSwap(known, to); known = a.Load() {
	}
}
