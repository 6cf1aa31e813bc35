package revocation

import (
	"encoding/binary"
	"sync"
)

// short is enough of a subject to count by.
func short(subject Subject) uint64 { return binary.BigEndian.Uint64(subject[:]) }

// count is how many sessions of each person are among the entries.
type count struct {
	mu     sync.Mutex
	people map[uint64]int32
}

func (l *List) countOf(person uint64) *count { return &l.counts[person%parts] }

func (c *count) of(person uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.people[person])
}

func (c *count) add(person uint64, n int32) {
	if person == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.people == nil {
		c.people = make(map[uint64]int32)
	}
	if c.people[person] += n; c.people[person] <= 0 {
		delete(c.people, person)
	}
}
