//go:build !race

package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// The browser keeps the login attempt.
func TestMemory_OfALoginThatBeginsIsFreed(t *testing.T) {
	conn := newChain(t, gate("")).conn()
	request := page(somewhere, "")
	begin := func(times int) {
		for range times {
			if status := conn.send(request); status != http.StatusFound {
				t.Fatalf("status %d", status)
			}
		}
	}
	begin(1000)
	const logins = 20_000
	before := heap()
	begin(logins)
	if left := heap() - before; left > 8*logins {
		t.Errorf("%d logins that began left %d bytes behind", logins, left)
	}
}

// A further site takes little memory beside what it takes without the gate: they share what does not differ. The limits
// are some way above what the README says, for the runtime allocates, too. It comes before the test of sessions, whose
// memory may be freed as late as in this one.
func TestMemory_OfASiteIsSmall(t *testing.T) {
	skipUnlessMeasuring(t)
	same := func(int) string { return gate("") }
	own := func(i int) string { return strings.ReplaceAll(gate(""), key, fmt.Sprintf("%s%d", key, i)) }
	for name, tt := range map[string]struct {
		directives func(i int) string
		isVisited  bool
		most       int64
	}{
		"the same keys":            {same, false, 4000},
		"keys of its own":          {own, false, 4000},
		"the same keys, visited":   {same, true, 4000},
		"keys of its own, visited": {own, true, 7200},
	} {
		t.Run(name, func(t *testing.T) {
			memoryOf(t, 1, tt.directives, tt.isVisited) // what all sites share
			gated := further(t, tt.directives, tt.isVisited)
			plain := further(t, func(int) string { return "" }, tt.isVisited)
			t.Logf("%d bytes", gated-plain)
			if gated-plain > tt.most {
				t.Errorf("a further site takes %d bytes, want at most %d", gated-plain, tt.most)
			}
		})
	}
}

// What is remembered of opened sessions has a bound, which the README states.
func TestMemory_OfSessionsIsBounded(t *testing.T) {
	skipUnlessMeasuring(t)
	const visitors = 1 << 16 // four times as many as there are places
	conn := newChain(t, gate("")).conn()
	before := heap()
	for _, tt := range []struct {
		name string
		who  func(int) identity.Identity
		most int64
	}{
		{"silent", person, 16 << 20},
		{"with profile", withProfile, 24 << 20},
		{"the longest", func(i int) identity.Identity {
			return withProfile(i).With(identity.Avatar, "https://thirdwx.qlogo.cn/"+strings.Repeat("a", 625))
		}, 48 << 20},
	} {
		requests := requestsOf(t, visitors, tt.who)
		for i := range visitors {
			if status := conn.sendNumber(requests, i); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		length := len(requests(nil, 0)) - len(page(somewhere, "wechat_session="))
		grown := heap() - before
		t.Logf("%s: %.1f MiB, with cookies of %d bytes", tt.name, float64(grown)/(1<<20), length)
		if grown > tt.most {
			t.Errorf("%s: sessions take %d bytes, want at most %d", tt.name, grown, tt.most)
		}
	}
}

// further returns how much memory a further site takes.
func further(t *testing.T, directives func(i int) string, isVisited bool) int64 {
	t.Helper()
	const few, many = 100, 1100
	return (memoryOf(t, many, directives, isVisited) - memoryOf(t, few, directives, isVisited)) / (many - few)
}

// memoryOf returns how much memory so many sites take.
func memoryOf(t *testing.T, number int, directives func(i int) string, isVisited bool) int64 {
	t.Helper()
	before := heap()
	c := newChainOf(t, sites(number, directives))
	if isVisited {
		conn := c.conn()
		for i := range number {
			conn.send(bytes.Replace(page(somewhere, ""), []byte(host), []byte(hostOf(i)), 1))
		}
	}
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
