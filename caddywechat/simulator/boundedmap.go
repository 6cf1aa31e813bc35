package simulator

// maxEntries is how many codes, QR codes, and tokens of each kind are kept. More would be a leak; with fewer, a load
// test would see codes vanish that it has not exchanged yet.
const maxEntries = 20_000

// boundedMap is a map that drops its oldest entry when it is full.
type boundedMap[V any] struct {
	values map[string]V
	names  []string // a ring: names[next] is the oldest once it is full
	next   int
}

func newBoundedMap[V any]() boundedMap[V] {
	return boundedMap[V]{values: make(map[string]V)}
}

func (s *boundedMap[V]) put(name string, value V) {
	s.values[name] = value
	if len(s.names) < maxEntries {
		s.names = append(s.names, name)
		return
	}
	delete(s.values, s.names[s.next])
	s.names[s.next] = name
	s.next = (s.next + 1) % maxEntries
}

func (s *boundedMap[V]) get(name string) (V, bool) {
	value, ok := s.values[name]
	return value, ok
}
