//go:build !race

package bench

import (
	"net/http"
	"testing"
)

// The race detector allocates as well, so these are for a build without it.

func TestAllocations_OfARequestAreFew(t *testing.T) {
	silent, profile := page(somewhere, cookieOf(t, person(1))), page(somewhere, cookieOf(t, withProfile(1)))
	for name, tt := range map[string]struct {
		directives string
		request    requests
		most       float64
	}{
		"nothing":            {"nothing\n", always(silent), 1}, // every handler costs Caddy one
		"seen, 3 headers":    {gate(threeHeaders), always(silent), 9},
		"seen, default":      {gate(""), always(silent), 13},
		"seen, with profile": {gate(""), always(profile), 16},
		"not seen":           {gate(""), visits(t, 1<<12), 35},
		"public, no cookie":  {gate("public *"), always(page(somewhere, "")), 3},
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
func TestAllocations_OfAnInvalidCookieAreNoMore(t *testing.T) {
	requests := visits(t, 1<<12)
	most := allocations(t, gate(optional), requests) - allocations(t, "", requests)
	for name, cookie := range bad(t) {
		t.Run(name, func(t *testing.T) {
			request := always(page(somewhere, cookie))
			if more := allocations(t, gate(optional), request) - allocations(t, "", request); more > most {
				t.Errorf("%v allocations more than without, a session takes %v", more, most)
			} else {
				t.Logf("%v", more)
			}
		})
	}
}

func TestAllocations_OfManyAccountsAreNoMore(t *testing.T) {
	silent := page(somewhere, cookieOf(t, person(1)))
	for name, request := range map[string]requests{"seen": always(silent), "not seen": visits(t, 1<<12)} {
		many, one := allocations(t, gate(accounts(100)), request), allocations(t, gate(accounts(1)), request)
		if many > one {
			t.Errorf("%s: %v allocations with a hundred accounts, %v with one", name, many, one)
		}
	}
}

// allocations returns how many a request takes.
func allocations(t *testing.T, directives string, request requests) float64 {
	t.Helper()
	conn := newChain(t, directives).conn()
	i := 0
	return testing.AllocsPerRun(1000, func() {
		if status := conn.sendNumber(request, i); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		i++
	})
}
