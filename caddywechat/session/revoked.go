package session

import (
	"sync"
	"time"
)

// Revoked remembers the sessions that ended before their time, as long as they would have lived. It is safe for
// concurrent use. The zero Revoked is ready to use.
type Revoked struct {
	mu  sync.RWMutex
	end map[ID]time.Time
	// order holds the ids as they came, so that the oldest go first when there are too many.
	order []ID
}

// maxRevoked bounds the memory: about 12 MB.
const maxRevoked = 100_000

// Add ends the session with that id, which would have lived until end.
func (r *Revoked) Add(id ID, end, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil {
		r.end = make(map[ID]time.Time)
	}
	if _, known := r.end[id]; known || !end.After(now) {
		return
	}
	for len(r.order) > 0 && (len(r.order) >= maxRevoked || !r.end[r.order[0]].After(now)) {
		delete(r.end, r.order[0])
		r.order = r.order[1:]
	}
	r.end[id] = end
	r.order = append(r.order, id)
}

// Has reports whether the session with that id was ended.
func (r *Revoked) Has(id ID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.end[id]
	return ok
}
