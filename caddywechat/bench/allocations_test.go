//go:build !race

package bench

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// The race detector allocates as well, so these are for a build without it.

func TestAllocationsOfARequest(t *testing.T) {
	silent, profile := page("/", cookieOf(t, person(1))), page("/", cookieOf(t, withProfile(1)))
	for name, tt := range map[string]struct {
		directives string
		request    func(int) []byte
		most       float64
	}{
		"nothing":            {"nothing\n", always(silent), 1}, // every handler costs Caddy one
		"seen, 3 headers":    {gate(threeHeaders), always(silent), 9},
		"seen, default":      {gate(""), always(silent), 13},
		"seen, with profile": {gate(""), always(profile), 16},
		"not seen":           {gate(""), crowd(t, 1<<12), 35},
		"public, no cookie":  {gate("public *"), always(page("/", "")), 2},
	} {
		t.Run(name, func(t *testing.T) {
			if more := allocations(t, tt.directives, tt.request) - allocations(t, "", tt.request); more > tt.most {
				t.Errorf("%v allocations more than without, want at most %v", more, tt.most)
			} else {
				t.Logf("%v", more)
			}
		})
	}
}

// A cookie that opens nothing takes no more than one that does.
func TestAllocationsOfACookieThatDoesNotOpen(t *testing.T) {
	crowd := crowd(t, 1<<12)
	most := allocations(t, gate(optional), crowd) - allocations(t, "", crowd)
	for name, cookie := range bad(t) {
		t.Run(name, func(t *testing.T) {
			request := always(page("/", cookie))
			if more := allocations(t, gate(optional), request) - allocations(t, "", request); more > most {
				t.Errorf("%v allocations more than without, a session takes %v", more, most)
			} else {
				t.Logf("%v", more)
			}
		})
	}
}

// allocations returns how many a request takes.
func allocations(t *testing.T, directives string, request func(int) []byte) float64 {
	t.Helper()
	conn := newChain(t, directives).conn()
	i := 0
	return testing.AllocsPerRun(1000, func() {
		if status := conn.send(request(i)); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		i++
	})
}

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
