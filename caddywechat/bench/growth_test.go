package bench

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// The cost of a request stays between that of a session that was seen before and of one that was not.
func BenchmarkGrowth(b *testing.B) {
	for _, visitors := range []int{1, 1 << 10, 1 << 14, 1 << 17, 1 << 20} {
		b.Run(fmt.Sprintf("%d-sessions", visitors), func(b *testing.B) {
			requests := shuffled(crowd(b, visitors))
			compare(b, 0, side{newChain(b, gate("")), requests, http.StatusOK}, side{newChain(b, ""), requests, http.StatusOK})
		})
	}
}

// shuffled sends requests in another order, as if at random.
func shuffled(requests func(int) []byte) func(int) []byte {
	return func(i int) []byte { return requests(int(uint32(i) * 2654435761 >> 4)) }
}

// No lock scales worse than a plain site.
func BenchmarkVisitorsAtATime(b *testing.B) {
	request := page("/", cookieOf(b, person(1)))
	for _, visitors := range []int{1, 2, 8, 64} {
		b.Run(fmt.Sprint(visitors), func(b *testing.B) {
			compareBy(b, 1.14, visitors, gated(b, gate(""), request), plain(b, request))
		})
	}
}

// A request costs the same, however many sites there are.
func BenchmarkSites(b *testing.B) {
	request := page("/", cookieOf(b, person(1)))
	with, without := func(int) string { return gate("") }, func(int) string { return "" }
	for _, number := range []int{1, 1000} {
		b.Run(fmt.Sprint(number), func(b *testing.B) {
			compare(b, 1.14, side{newChainOf(b, sites(number, with)), always(request), http.StatusOK},
				side{newChainOf(b, sites(number, without)), always(request), http.StatusOK})
		})
	}
}

// sites returns the Caddyfile of so many sites.
func sites(number int, directives func(i int) string) string {
	var text strings.Builder
	for i := range number {
		name := host
		if i > 0 {
			name = fmt.Sprintf("site%d.example.com", i)
		}
		fmt.Fprintf(&text, "http://%s {\n%s%s}\n", name, directives(i), app)
	}
	return text.String()
}

// A further site takes little memory beside what it takes without the gate: they share what does not differ.
func TestMemoryOfASite(t *testing.T) {
	const few, many = 100, 1100
	memoryOf(t, 1, func(int) string { return gate("") }) // what all sites share
	for name, tt := range map[string]struct {
		directives func(i int) string
		most       int64
	}{
		"the same keys":   {func(int) string { return gate("") }, 2 << 10},
		"keys of its own": {func(i int) string { return strings.ReplaceAll(gate(""), key, fmt.Sprintf("%s%d", key, i)) }, 6 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			gated := memoryOf(t, many, tt.directives) - memoryOf(t, few, tt.directives)
			nothing := func(int) string { return "" }
			plain := memoryOf(t, many, nothing) - memoryOf(t, few, nothing)
			each := (gated - plain) / (many - few)
			t.Logf("%d bytes", each)
			if each > tt.most {
				t.Errorf("a further site takes %d bytes, want at most %d", each, tt.most)
			}
		})
	}
}

// memoryOf returns how much memory so many sites take.
func memoryOf(t *testing.T, number int, directives func(i int) string) int64 {
	t.Helper()
	before := heap()
	c := newChainOf(t, sites(number, directives))
	after := heap()
	runtime.KeepAlive(c)
	return after - before
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
