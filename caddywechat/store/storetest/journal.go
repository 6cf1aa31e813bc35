package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// wantRead fails the test unless the reader brings these values, in any order.
func wantRead(t *testing.T, r store.Reader, want ...string) {
	t.Helper()
	got := read(t, r)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// read returns what the reader brings, sorted, each value once.
func read(t *testing.T, r store.Reader) []string {
	t.Helper()
	values, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, value := range values {
		got = append(got, string(value))
	}
	slices.Sort(got)
	return slices.Compact(got)
}

func mustAppend(t *testing.T, s store.Store, journal, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Append(t.Context(), journal, []byte(value), ttl); err != nil {
		t.Fatal(err)
	}
}

func journal(t *testing.T, b Backend) {
	one, other := b.Open(), b.Open()
	early, mine := other.Follow("log"), one.Follow("log")
	wantRead(t, early)
	mustPut(t, one, "log", "no part of it", long)
	mustAppend(t, one, "log", "a", long)
	mustAppend(t, one, "log", "a\x00\xff", long)
	mustAppend(t, one, "log-2", "of another", long)
	mustAppend(t, one, "log/3", "of another", long)
	wantRead(t, early, "a", "a\x00\xff")
	wantRead(t, mine, "a", "a\x00\xff")
	mustAppend(t, other, "log", "b", long)
	for _, r := range []store.Reader{early, mine} {
		if got := read(t, r); !slices.Contains(got, "b") {
			t.Errorf("what was appended later is missing: %q", got)
		}
	}
	wantRead(t, b.Open().Follow("log"), "a", "a\x00\xff", "b")
	wantRead(t, b.Open().Follow("log-2"), "of another")
	wantRead(t, b.Open().Follow("log/3"), "of another")
	wantValue(t, one, "log", "no part of it")
}

func journalEnds(t *testing.T, b Backend) {
	s := b.Open()
	mustAppend(t, s, "log", "long", long)
	mustAppend(t, s, "log", "short", b.TTL)
	b.Pass(b.TTL)
	wantRead(t, s.Follow("log"), "long")
	mustAppend(t, s, "log", "longer", long)
	wantRead(t, b.Open().Follow("log"), "long", "longer")
	mustAppend(t, s, "ended", "short", b.TTL)
	b.Pass(b.TTL)
	wantRead(t, s.Follow("ended"))
	r := s.Follow("ended")
	wantRead(t, r)
	mustAppend(t, s, "ended", "next", long)
	wantRead(t, r, "next")
}

// journalAway has several instances append, more at a time than one page or listing may hold, while one reader is away
// and another one is there.
func journalAway(t *testing.T, b Backend) {
	stores := []store.Store{b.Open(), b.Open(), b.Open()}
	away, there := b.Open().Follow("log"), b.Open().Follow("log")
	mustAppend(t, stores[0], "log", "first", long)
	wantRead(t, away, "first")
	var all, seen []string
	for round := range 2 {
		for n := range []int{210, 30}[round] {
			value := fmt.Sprintf("%d in round %d", n, round)
			mustAppend(t, stores[n%len(stores)], "log", value, long)
			all = append(all, value)
		}
		mustAppend(t, stores[round], "log", "over", b.TTL)
		b.Pass(b.TTL)
		seen = append(seen, read(t, there)...)
	}
	slices.Sort(all)
	fresh := read(t, b.Open().Follow("log"))
	for name, got := range map[string][]string{"away": read(t, away), "there": seen, "new": fresh} {
		slices.Sort(got)
		got = slices.DeleteFunc(slices.Compact(got), func(value string) bool { return value == "first" })
		if !slices.Equal(got, all) {
			t.Errorf("%s: read %d, want %d", name, len(got), len(all))
		}
	}
}

// journalRace appends while others read.
func journalRace(t *testing.T, b Backend) {
	const each = 5
	readers := make([]store.Reader, 2)
	seen := make([]map[string]bool, len(readers))
	done := make(chan struct{})
	var reading sync.WaitGroup
	for i := range readers {
		readers[i], seen[i] = b.Open().Follow("log"), make(map[string]bool)
		reading.Go(func() {
			for {
				values, err := readers[i].Read(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for _, value := range values {
					seen[i][string(value)] = true
				}
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	atOnce(b, func(caller int, s store.Store) {
		for i := range each {
			if err := s.Append(t.Context(), "log", fmt.Appendf(nil, "%d of %d", i, caller), long); err != nil {
				t.Error(err)
			}
		}
	})
	close(done)
	reading.Wait()
	for i, r := range readers {
		for _, value := range read(t, r) {
			seen[i][value] = true
		}
		if len(seen[i]) != each*callers {
			t.Errorf("reader %d saw %d of %d values", i, len(seen[i]), each*callers)
		}
	}
}
