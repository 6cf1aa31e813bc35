//go:build !race

package bench

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// The attempt is the browser's to keep.
func TestALoginThatBeginsLeavesNothingBehind(t *testing.T) {
	conn := newChain(t, gate("")).conn()
	request := page("/", "")
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
	if left := heap() - before; left > logins {
		t.Errorf("%d logins that began left %d bytes behind", logins, left)
	}
}

// What is remembered of opened sessions has a bound, which the README states.
func TestMemoryOfSessions(t *testing.T) {
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
			return withProfile(i).With(identity.Avatar, "https://thirdwx.qlogo.cn/"+strings.Repeat("a", 545))
		}, 48 << 20},
	} {
		requests := crowdOf(t, visitors, tt.who)
		for i := range visitors {
			if status := conn.send(requests(i)); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		length := len(requests(0)) - len(page("/", "wechat_session="))
		requests = nil
		conn.bytes.Reset(nil)
		grown := heap() - before
		t.Logf("%s: %.1f MiB, with cookies of %d bytes", tt.name, float64(grown)/(1<<20), length)
		if grown > tt.most {
			t.Errorf("%s: sessions take %d bytes, want at most %d", tt.name, grown, tt.most)
		}
	}
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
