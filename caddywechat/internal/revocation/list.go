package revocation

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// List is what is known at the sites of one store to have ended before its time, as long as it would have lived. It
// is safe for concurrent use, and requests that judge a session seldom meet at a lock. The zero List is ready to
// use.
//
// Whether a session was made before its person was revoked or after, it says by itself: it names the last revocation
// that was known when it was made. The instances' clocks do not decide that, since they differ. Only sessions that
// start a day after a revocation, which is more than clocks differ by, need not name it.
type List struct {
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

// reach is by how much a session may seem to start after a revocation that it does not know of, and end with it: clocks
// that take local time for UTC are off by up to fourteen hours.
const reach = 24 * time.Hour

type part struct {
	mu       sync.RWMutex
	sessions map[session.ID]ended
	people   map[Subject]over
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

func isOver(s *session.Session, at, until int64) bool {
	return s.Survives.Unix() < at && s.Created.Unix() <= until
}

// Apply puts a revocation in force, and reports whether it could: of more than 500,000 those that end first are
// forgotten, and those first that may be forged.
func (l *List) Apply(revocation Revocation, now time.Time) (ok bool) {
	if !revocation.Expires.After(now) {
		return true
	}
	at, end := revocation.At.Unix(), revocation.Expires.Unix()
	if revocation.scope == oneSession {
		return l.addSession(revocation.id, ended{end, short(revocation.person), revocation.old}, now)
	}
	until := at
	if !revocation.old { // which instances made that let sessions say nothing
		until += int64(reach / time.Second)
	}
	raise(&l.last, at)
	if revocation.scope == everybody {
		raise(&l.allUntil, until)
		raise(&l.all, at)
		return true
	}
	ok = true
	for _, subject := range revocation.subjects {
		ok = l.addPerson(subject, over{at, until, end}, now) && ok
	}
	return ok
}

func (l *List) addSession(id session.ID, e ended, now time.Time) (ok bool) {
	p := &l.parts[id[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, isKnown := p.sessions[id]; isKnown {
		if e.old || !known.old {
			return true
		}
		l.forgetSession(p, id, known)
	}
	ok = true
	if p.isFull() {
		ok = l.makeRoom(p, now, e.old)
	}
	if p.isFull() {
		return false
	}
	if p.sessions == nil {
		p.sessions = make(map[session.ID]ended)
	}
	p.sessions[id] = e
	l.countOf(e.person).add(e.person, 1)
	return ok
}

func (l *List) addPerson(subject Subject, o over, now time.Time) (ok bool) {
	p := &l.parts[subject[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	known, isKnown := p.people[subject]
	ok = true
	if !isKnown {
		if p.isFull() {
			ok = l.makeRoom(p, now, false)
		}
		l.people.Add(1)
	}
	if p.people == nil {
		p.people = make(map[Subject]over)
	}
	p.people[subject] = over{max(o.at, known.at), max(o.until, known.until), max(o.end, known.end)}
	return ok
}

// makeRoom forgets what is over in a full part and, if that is nothing, what may be forged or else what ends first; for
// what may be forged itself, nothing else. It reports whether nothing was lost.
func (l *List) makeRoom(p *part, now time.Time, isOld bool) bool {
	if l.forgetOver(p, now); !p.isFull() {
		return true
	}
	var first session.ID
	var victim ended
	for id, e := range p.sessions {
		if victim.end == 0 || e.old && !victim.old || e.old == victim.old && e.end < victim.end {
			first, victim = id, e
		}
	}
	switch {
	case victim.old:
		l.forgetSession(p, first, victim)
	case isOld:
	case victim.end > 0:
		l.forgetSession(p, first, victim)
	default:
		l.forgetFirstPerson(p)
	}
	return false
}

// forgetOver forgets the entries of a part whose sessions would have ended by now.
func (l *List) forgetOver(p *part, now time.Time) {
	for id, e := range p.sessions {
		if e.end <= now.Unix() {
			l.forgetSession(p, id, e)
		}
	}
	for subject, o := range p.people {
		if o.end <= now.Unix() {
			l.forgetPerson(p, subject)
		}
	}
}

func (l *List) forgetSession(p *part, id session.ID, e ended) {
	delete(p.sessions, id)
	l.countOf(e.person).add(e.person, -1)
}

func (l *List) forgetPerson(p *part, subject Subject) {
	delete(p.people, subject)
	l.people.Add(-1)
}

func (l *List) forgetFirstPerson(p *part) {
	var first Subject
	end := int64(math.MaxInt64)
	for subject, o := range p.people {
		if o.end < end {
			first, end = subject, o.end
		}
	}
	l.forgetPerson(p, first)
}

// Ends reports whether a session was ended by itself, or with everybody's.
func (l *List) Ends(s *session.Session) bool {
	if isOver(s, l.all.Load(), l.allUntil.Load()) {
		return true
	}
	p := &l.parts[s.ID[0]%parts]
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.sessions[s.ID]
	return ok
}

// NamesPeople reports whether [List.EndsPerson] can be true of anybody.
func (l *List) NamesPeople() bool { return l.people.Load() > 0 }

// EndsPerson reports whether a session ended with those of its person, who has the subjects.
func (l *List) EndsPerson(s *session.Session, subjects ...Subject) bool {
	for _, subject := range subjects {
		if o := l.person(subject); isOver(s, o.at, o.until) {
			return true
		}
	}
	return false
}

// person returns what of a person's is over: the zero value, by which nothing is, where nothing was revoked.
func (l *List) person(subject Subject) over {
	p := &l.parts[subject[0]%parts]
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.people[subject]
}

// Survives returns the last revocation of a person that a session which starts now is to survive; zero where none would
// end it.
func (l *List) Survives(now time.Time, subjects ...Subject) time.Time {
	var at int64
	if l.allUntil.Load() >= now.Unix() {
		at = l.all.Load()
	}
	for _, subject := range subjects {
		if o := l.person(subject); o.until >= now.Unix() {
			at = max(at, o.at)
		}
	}
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0)
}

// NextTime returns the time that a revocation says it was made at: now, or, where others of this second or a later one
// were made, the second after them. No two get the same, so no session survives one that it does not know.
func (l *List) NextTime(now time.Time) time.Time {
	for {
		last := l.last.Load()
		next := max(now.Unix(), last+1)
		if l.last.CompareAndSwap(last, next) {
			return time.Unix(next, 0)
		}
	}
}

// hearsWithin is the time in which all instances hear of a revocation, in seconds.
const hearsWithin = 5

// NextInPlaceOf returns the time of a revocation that ends all sessions of a person but one which takes the place of s,
// and survives it: later than all that is known of the person, and else some way back, so that what was revoked
// elsewhere meanwhile, and is not known here, ends that one, too. Where there is no such time yet it returns how long
// to wait.
func (l *List) NextInPlaceOf(
	s *session.Session, now time.Time, subjects ...Subject,
) (at time.Time, wait time.Duration) {
	next := max(s.Survives.Unix(), l.all.Load()) + 1
	for _, subject := range subjects {
		next = max(next, l.person(subject).at+1)
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
func (l *List) HasMany(person Subject, n int, now time.Time) bool {
	who := short(person)
	// Of those that are over some may still be counted.
	if l.countOf(who).of(who) < n { // mutants: equivalent, what follows says the same and takes long
		return false
	}
	live := 0
	for i := range l.parts {
		p := &l.parts[i]
		p.mu.Lock()
		for id, e := range p.sessions {
			switch {
			case e.person != who:
			case e.end <= now.Unix():
				l.forgetSession(p, id, e)
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
