package session

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Revoked is what is known at the sites of one store to have ended before its time, as long as it would have lived. It
// is safe for concurrent use, and requests that judge a session seldom meet at a lock. The zero Revoked is ready to
// use.
//
// Whether a session was made before its person was revoked or after, it says by itself: it names the last revocation
// that was known when it was made. The instances' clocks do not decide that, since they differ. Only sessions that
// begin a day after a revocation, which is more than clocks differ by, need not name it.
type Revoked struct {
	parts  [parts]part
	counts [parts]count
	// people is how many of the parts' entries are about people.
	people atomic.Int64
	// The last revocation of everybody: those end who do not survive it and began until then, in Unix seconds.
	all, allUntil atomic.Int64
	last          atomic.Int64 // the last revocation of anybody, in Unix seconds
}

// parts is into how many the entries are divided, by their random ids and digests.
const parts = 64

// maxRevoked bounds the memory: about 60 MB.
const maxRevoked = 500_000

// reach is by how much a session may seem to begin after a revocation that it does not know of, and end with it: clocks
// that take local time for UTC are off by up to fourteen hours.
const reach = 24 * time.Hour

type part struct {
	mu       sync.RWMutex
	sessions map[ID]ended
	people   map[Name]over
}

func (p *part) isFull() bool { return len(p.sessions)+len(p.people) >= maxRevoked/parts }

// ended is a session that is over.
type ended struct {
	end    int64  // when it would have ended by itself, in Unix seconds
	person uint64 // whose it is, see short; 0 where nobody knows
	old    bool   // by a revocation that may be forged
}

// over says which of a person's sessions are over: those that do not survive the revocation and began until then, all
// in Unix seconds.
type over struct {
	at, until int64
	end       int64 // when none of them would live
}

func isOver(s *Session, at, until int64) bool {
	return s.Survives.Unix() < at && s.Created.Unix() <= until
}

// Add takes a revocation to heart, and reports whether it could: of more than 500,000 those that end first are
// forgotten, and those first that may be forged.
func (r *Revoked) Add(revocation Revocation, now time.Time) (ok bool) {
	if !revocation.End.After(now) {
		return true
	}
	at, end := revocation.At.Unix(), revocation.End.Unix()
	if revocation.subject == oneSession {
		return r.addSession(revocation.id, ended{end, short(revocation.person), revocation.old}, now)
	}
	until := at
	if !revocation.old { // which instances made that let sessions say nothing
		until += int64(reach / time.Second)
	}
	raise(&r.last, at)
	if revocation.subject == everybody {
		raise(&r.allUntil, until)
		raise(&r.all, at)
		return true
	}
	ok = true
	for _, name := range revocation.names {
		ok = r.addPerson(name, over{at, until, end}, now) && ok
	}
	return ok
}

func (r *Revoked) addSession(id ID, e ended, now time.Time) (ok bool) {
	p := &r.parts[id[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, isKnown := p.sessions[id]; isKnown {
		if e.old || !known.old {
			return true
		}
		r.forgetSession(p, id, known)
	}
	ok = true
	if p.isFull() {
		ok = r.makeRoom(p, now, e.old)
	}
	if p.isFull() {
		return false
	}
	if p.sessions == nil {
		p.sessions = make(map[ID]ended)
	}
	p.sessions[id] = e
	r.countOf(e.person).add(e.person, 1)
	return ok
}

func (r *Revoked) addPerson(name Name, o over, now time.Time) (ok bool) {
	p := &r.parts[name[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	known, isKnown := p.people[name]
	ok = true
	if !isKnown {
		if p.isFull() {
			ok = r.makeRoom(p, now, false)
		}
		r.people.Add(1)
	}
	if p.people == nil {
		p.people = make(map[Name]over)
	}
	p.people[name] = over{max(o.at, known.at), max(o.until, known.until), max(o.end, known.end)}
	return ok
}

// makeRoom forgets what is over in a full part and, if that is nothing, what may be forged or else what ends first; for
// what may be forged itself, nothing else. It reports whether nothing was lost.
func (r *Revoked) makeRoom(p *part, now time.Time, isOld bool) bool {
	if r.forgetOver(p, now); !p.isFull() {
		return true
	}
	var first ID
	var victim ended
	for id, e := range p.sessions {
		if victim.end == 0 || e.old && !victim.old || e.old == victim.old && e.end < victim.end {
			first, victim = id, e
		}
	}
	switch {
	case victim.old:
		r.forgetSession(p, first, victim)
	case isOld:
	case victim.end > 0:
		r.forgetSession(p, first, victim)
	default:
		r.forgetFirstPerson(p)
	}
	return false
}

// forgetOver forgets the entries of a part whose sessions would have ended by now.
func (r *Revoked) forgetOver(p *part, now time.Time) {
	for id, e := range p.sessions {
		if e.end <= now.Unix() {
			r.forgetSession(p, id, e)
		}
	}
	for name, o := range p.people {
		if o.end <= now.Unix() {
			r.forgetPerson(p, name)
		}
	}
}

func (r *Revoked) forgetSession(p *part, id ID, e ended) {
	delete(p.sessions, id)
	r.countOf(e.person).add(e.person, -1)
}

func (r *Revoked) forgetPerson(p *part, name Name) {
	delete(p.people, name)
	r.people.Add(-1)
}

func (r *Revoked) forgetFirstPerson(p *part) {
	var first Name
	end := int64(math.MaxInt64)
	for name, o := range p.people {
		if o.end < end {
			first, end = name, o.end
		}
	}
	r.forgetPerson(p, first)
}

// Has reports whether a session was ended by itself, or with everybody's.
func (r *Revoked) Has(s *Session) bool {
	if isOver(s, r.all.Load(), r.allUntil.Load()) {
		return true
	}
	p := &r.parts[s.ID[0]%parts]
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.sessions[s.ID]
	return ok
}

// NamesPeople reports whether [Revoked.HasPerson] can be true of anybody.
func (r *Revoked) NamesPeople() bool { return r.people.Load() > 0 }

// HasPerson reports whether a session ended with those of its person, who has the names.
func (r *Revoked) HasPerson(s *Session, names ...Name) bool {
	for _, name := range names {
		if o, ok := r.person(name); ok && isOver(s, o.at, o.until) {
			return true
		}
	}
	return false
}

func (r *Revoked) person(name Name) (o over, ok bool) {
	p := &r.parts[name[0]%parts]
	p.mu.RLock()
	defer p.mu.RUnlock()
	o, ok = p.people[name]
	return o, ok
}

// Survives returns the last revocation of a person that a session which begins now is to survive; zero where none would
// end it.
func (r *Revoked) Survives(now time.Time, names ...Name) time.Time {
	var at int64
	if r.allUntil.Load() >= now.Unix() {
		at = r.all.Load()
	}
	for _, name := range names {
		if o, ok := r.person(name); ok && o.until >= now.Unix() {
			at = max(at, o.at)
		}
	}
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0)
}

// Next returns the time that a revocation says it was made at: now, or, where others of this second or a later one were
// made, the second after them. No two get the same, so no session survives one that it does not know.
func (r *Revoked) Next(now time.Time) time.Time {
	for {
		last := r.last.Load()
		next := max(now.Unix(), last+1)
		if r.last.CompareAndSwap(last, next) {
			return time.Unix(next, 0)
		}
	}
}

// hearsWithin is the time in which all instances hear of a revocation, in seconds.
const hearsWithin = 5

// NextInPlaceOf returns the time of a revocation that ends all sessions of a person but one which takes the place of s,
// and survives it: later than all that is known of the person, and else some way back, so that what was revoked elsewhere
// meanwhile, and is not known here, ends that one, too. Where there is no such time yet it returns how long to wait.
func (r *Revoked) NextInPlaceOf(s *Session, now time.Time, names ...Name) (at time.Time, wait time.Duration) {
	next := max(s.Survives.Unix(), r.all.Load()) + 1
	for _, name := range names {
		if o, ok := r.person(name); ok {
			next = max(next, o.at+1)
		}
	}
	switch latest := now.Unix() - hearsWithin; {
	case next > now.Unix(): // clocks differ by more
		return time.Unix(next, 0), 0
	case next > latest:
		return time.Time{}, time.Duration(next-latest) * time.Second
	default:
		return time.Unix(max(next, latest-hearsWithin), 0), 0
	}
}

// HasMany reports whether at least n sessions of a person were ended by themselves and would still live.
func (r *Revoked) HasMany(person Name, n int, now time.Time) bool {
	who := short(person)
	if r.countOf(who).of(who) < n { // of those that are over some may still be counted
		return false
	}
	live := 0
	for i := range r.parts {
		p := &r.parts[i]
		p.mu.Lock()
		for id, e := range p.sessions {
			switch {
			case e.person != who:
			case e.end <= now.Unix():
				r.forgetSession(p, id, e)
			default:
				live++
			}
		}
		p.mu.Unlock()
	}
	return live >= n
}

func raise(a *atomic.Int64, to int64) {
	for known := a.Load(); to > known && !a.CompareAndSwap(known, to); known = a.Load() {
	}
}
