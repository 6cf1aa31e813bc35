package memory

import (
	"container/heap"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	// maxBytes is about how much the records of a process take. Nothing new is taken beyond: what is dropped silently
	// could say that a ticket was used, or a session revoked.
	maxBytes = 64 << 20
	// perRecord is about what a record needs beside its key and value.
	perRecord = 256
)

// records are the entries and journals of a process. What is over is removed whenever something is added.
type records struct {
	mu       sync.Mutex
	entries  map[string]*record
	journals map[string]*journal
	ends     ends
	bytes    int
	last     uint64 // the number of the last record of any journal
}

// journal is what was appended, in the order of its numbers, with removed records in between.
type journal struct {
	records []*record
	live    int
}

// record is a value by key, or one in a journal.
type record struct {
	key    string // of the entry or journal
	number uint64 // in a journal; 0 for an entry
	value  []byte
	end    time.Time
	place  int // among the ends, -1 when it is removed
}

func (r *record) size() int { return len(r.key) + len(r.value) + perRecord }

func newRecords() *records {
	return &records{entries: make(map[string]*record), journals: make(map[string]*journal)}
}

// Destruct implements [caddy.Destructor].
func (*records) Destruct() error { return nil }

func (s *records) get(key string, now time.Time) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.live(key, now)
	if r == nil {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	return slices.Clone(r.value), nil
}

func (s *records) put(key string, value []byte, end, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(&record{key: key, value: slices.Clone(value), end: end}, now)
}

func (s *records) putIfAbsent(key string, value []byte, end, now time.Time) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.live(key, now); r != nil {
		return slices.Clone(r.value), nil
	}
	if err := s.add(&record{key: key, value: slices.Clone(value), end: end}, now); err != nil {
		return nil, err
	}
	return value, nil
}

func (s *records) take(key string, now time.Time) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.live(key, now)
	if r == nil {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	s.remove(r)
	return r.value, nil
}

func (s *records) delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.entries[key]; r != nil {
		s.remove(r)
	}
}

func (s *records) append(name string, value []byte, end, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(&record{key: name, number: s.last + 1, value: slices.Clone(value), end: end}, now)
}

// since returns the values of a journal's records behind a number, and the number of the last one.
func (s *records) since(name string, number uint64, now time.Time) (values [][]byte, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.journals[name]
	if j == nil {
		return nil, s.last
	}
	first := sort.Search(len(j.records), func(i int) bool { return j.records[i].number > number })
	for _, r := range j.records[first:] {
		if r.place >= 0 && now.Before(r.end) {
			values = append(values, slices.Clone(r.value))
		}
	}
	return values, s.last
}

// live returns the entry of key unless its time is over.
func (s *records) live(key string, now time.Time) *record {
	if r := s.entries[key]; r != nil && now.Before(r.end) {
		return r
	}
	return nil
}

// add adds a record, in place of one with the same key.
func (s *records) add(r *record, now time.Time) error {
	for len(s.ends) > 0 && !now.Before(s.ends[0].end) {
		s.remove(s.ends[0])
	}
	bytes := s.bytes + r.size()
	var old *record
	if r.number == 0 {
		old = s.entries[r.key]
	}
	if old != nil {
		bytes -= old.size()
	}
	if bytes > maxBytes {
		return fmt.Errorf("%w: no memory is left for %s: write store caddy or store redis", store.ErrStore, r.key)
	}
	if old != nil {
		s.remove(old)
	}
	s.bytes += r.size()
	heap.Push(&s.ends, r)
	if r.number == 0 {
		s.entries[r.key] = r
		return nil
	}
	s.last = r.number
	j := s.journals[r.key]
	if j == nil {
		j = new(journal)
		s.journals[r.key] = j
	}
	j.records = append(j.records, r)
	j.live++
	return nil
}

func (s *records) remove(r *record) {
	heap.Remove(&s.ends, r.place)
	s.bytes -= r.size()
	if r.number == 0 {
		delete(s.entries, r.key)
		return
	}
	r.value = nil
	j := s.journals[r.key]
	if j.live--; j.live == 0 {
		delete(s.journals, r.key)
	} else if len(j.records) > 2*j.live+16 { // seldom enough that it costs little each time
		j.records = slices.DeleteFunc(j.records, func(r *record) bool { return r.place < 0 })
	}
}

// ends are the records, the one that ends first at the front. It implements [heap.Interface].
type ends []*record

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].end.Before(e[j].end) }

func (e ends) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = i, j
}

// Push implements [heap.Interface].
func (e *ends) Push(x any) {
	r := x.(*record)
	r.place = len(*e)
	*e = append(*e, r)
}

// Pop implements [heap.Interface].
func (e *ends) Pop() any {
	old := *e
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	r.place = -1
	return r
}
