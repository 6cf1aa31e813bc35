package simulator

// shelfSize is how many codes, QR codes, and tokens of each kind are remembered. More would be a leak; with less, a
// load test would see codes vanish that it has not exchanged yet.
const shelfSize = 20_000

// shelf keeps things under their names and drops the oldest when it is full.
type shelf[V any] struct {
	things map[string]V
	names  []string // a ring: names[next] is the oldest once it is full
	next   int
}

func newShelf[V any]() shelf[V] {
	return shelf[V]{things: make(map[string]V)}
}

func (s *shelf[V]) put(name string, thing V) {
	s.things[name] = thing
	if len(s.names) < shelfSize {
		s.names = append(s.names, name)
		return
	}
	delete(s.things, s.names[s.next])
	s.names[s.next] = name
	s.next = (s.next + 1) % shelfSize
}

func (s *shelf[V]) get(name string) (V, bool) {
	thing, ok := s.things[name]
	return thing, ok
}
