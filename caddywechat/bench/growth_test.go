package bench

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The cost of a request stays between that of a session that was seen before and of one that was not.
func BenchmarkGrowth(b *testing.B) {
	for _, visitors := range []int{1, 1 << 10, 1 << 14, 1 << 17, 1 << 20} {
		b.Run(fmt.Sprintf("%d-sessions", visitors), func(b *testing.B) {
			requests := shuffled(visits(b, visitors))
			compare(b, 0, side{newChain(b, gate("")), requests, http.StatusOK},
				side{newChain(b, ""), requests, http.StatusOK})
		})
	}
}

// shuffled sends requests in another order, as if at random.
func shuffled(r requests) requests {
	return func(buffer []byte, i int) []byte { return r(buffer, int(uint32(i)*2654435761>>4)) }
}

// No lock scales worse than a plain site.
func BenchmarkVisitorsAtATime(b *testing.B) {
	request := page(somewhere, cookieOf(b, person(1)))
	for _, visitors := range []int{1, 2, 8, 64} {
		b.Run(fmt.Sprint(visitors), func(b *testing.B) {
			compareBy(b, 1.14, visitors, gated(b, gate(""), request), plain(b, request))
		})
	}
}

// A request costs the same, however many sites there are.
func BenchmarkSites(b *testing.B) {
	request := page(somewhere, cookieOf(b, person(1)))
	with, without := func(int) string { return gate("") }, func(int) string { return "" }
	for _, number := range []int{1, 1000} {
		b.Run(fmt.Sprint(number), func(b *testing.B) {
			compare(b, 1.14, side{newChainOf(b, sites(number, with)), always(request), http.StatusOK},
				side{newChainOf(b, sites(number, without)), always(request), http.StatusOK})
		})
	}
}

// A request costs the same, however many accounts a site has.
func BenchmarkAccounts(b *testing.B) {
	silent := page(somewhere, cookieOf(b, person(1)))
	many, one := gate(accounts(100)), gate(accounts(1))
	b.Run("seen", func(b *testing.B) { compare(b, 1.05, gated(b, many, silent), gated(b, one, silent)) })
	b.Run("not-seen", func(b *testing.B) {
		requests := visits(b, 1<<17)
		compare(b, 1.05, side{newChain(b, many), requests, http.StatusOK},
			side{newChain(b, one), requests, http.StatusOK})
	})
}

// accounts are options that make a site's account one of so many, each with a host of its own.
func accounts(number int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "user_id qualified\nhosts %s %s\n", appID, host)
	for i := 1; i < number; i++ {
		other := fmt.Sprintf("wx%016x", i)
		fmt.Fprintf(&text, "official_account %s 4d27eb0f2f4cb9bd0a1f3b6ec4a1a9d2\nhosts %[1]s %s\n", other, hostOf(i))
	}
	return text.String()
}

// hostOf returns the host of one of many sites. The first one's is the usual one.
func hostOf(i int) string {
	if i == 0 {
		return host
	}
	return fmt.Sprintf("site%d.example.com", i)
}

// sites returns the Caddyfile of so many sites.
func sites(number int, directives func(i int) string) string {
	var text strings.Builder
	for i := range number {
		fmt.Fprintf(&text, "http://%s {\n%s%s}\n", hostOf(i), directives(i), app)
	}
	return text.String()
}
