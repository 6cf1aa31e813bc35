package session

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// Revoked is what a process knows to have ended before its time, as long as it would have lived. It is safe for
// concurrent use, and judging a session takes no lock that others wait for. The zero Revoked is ready to use.
type Revoked struct {
	sessions [shards]shard
	people   atomic.Pointer[map[[idLength]byte]Revocation]
	all      atomic.Int64 // the second up to which every session is over

	mu sync.Mutex // of those who change people
}

// shards is into how many parts the sessions are divided by their ids, so that requests seldom meet at one lock.
const shards = 64

// maxRevoked bounds the memory of the sessions: about 60 MB.
const maxRevoked = 500_000

type shard struct {
	mu  sync.RWMutex
	end map[ID]int64 // in Unix seconds
	// order holds the ids as they came, so that the oldest go first when there are too many.
	order []ID
}

// Add takes a revocation to heart. Of more than 500,000 sessions the oldest are forgotten.
func (r *Revoked) Add(revocation Revocation, now time.Time) {
	if !revocation.End.After(now) {
		return
	}
	switch revocation.subject {
	case oneSession:
		r.sessions[revocation.of[0]%shards].add(revocation.of, revocation.End, now)
	case everybody:
		for at := revocation.At.Unix(); ; {
			known := r.all.Load()
			if at <= known || r.all.CompareAndSwap(known, at) {
				return
			}
		}
	default:
		r.addPerson(revocation, now)
	}
}

func (s *shard) add(id ID, end, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.end = make(map[ID]int64)
	}
	if _, known := s.end[id]; known {
		return
	}
	for len(s.order) > 0 && (len(s.order) >= maxRevoked/shards || s.end[s.order[0]] <= now.Unix()) {
		delete(s.end, s.order[0])
		s.order = s.order[1:]
	}
	s.end[id] = end.Unix()
	s.order = append(s.order, id)
}

// addPerson puts another map in place of the one that requests read: people are revoked seldom.
func (r *Revoked) addPerson(revocation Revocation, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	people := make(map[[idLength]byte]Revocation)
	if known := r.people.Load(); known != nil {
		people = maps.Clone(*known)
		maps.DeleteFunc(people, func(_ [idLength]byte, old Revocation) bool { return !old.End.After(now) })
	}
	if known, ok := people[revocation.of]; !ok || known.At.Before(revocation.At) {
		people[revocation.of] = revocation
	}
	r.people.Store(&people)
}

// Has reports whether a session of the person whom apps know as user is over.
func (r *Revoked) Has(s Session, user string) bool {
	created := s.Created.Unix()
	if created <= r.all.Load() || r.sessions[s.ID[0]%shards].has(s.ID) {
		return true
	}
	people := r.people.Load()
	if people == nil {
		return false
	}
	isOver := func(d [idLength]byte) bool {
		revocation, ok := (*people)[d]
		return ok && created <= revocation.At.Unix()
	}
	return isOver(digest(allOfUser, user)) || isOver(digest(allOfOpenID, s.Identity.Get(identity.OpenID)))
}

func (s *shard) has(id ID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.end[id]
	return ok
}
