package bench

import (
	"net/http"
	"strings"
	"testing"
)

const (
	threeHeaders = "headers none {\nid X-User\naccount X-Account\nscope X-Scope\n}"
	optional     = "optional *"
)

// BenchmarkNothing measures the noise: a handler that does nothing costs nothing.
func BenchmarkNothing(b *testing.B) {
	request := page(somewhere, cookieOf(b, person(1)))
	compare(b, 0, gated(b, "nothing\n", request), plain(b, request))
}

func BenchmarkSessionSeen(b *testing.B) {
	silent, profile := page(somewhere, cookieOf(b, person(1))), page(somewhere, cookieOf(b, withProfile(1)))
	b.Run("3-headers", func(b *testing.B) { compare(b, 1.08, gated(b, gate(threeHeaders), silent), plain(b, silent)) })
	b.Run("default", func(b *testing.B) { compare(b, 1.14, gated(b, gate(""), silent), plain(b, silent)) })
	b.Run("profile", func(b *testing.B) { compare(b, 1.20, gated(b, gate(""), profile), plain(b, profile)) })
}

func BenchmarkSessionNotSeen(b *testing.B) {
	requests := visits(b, 1<<17)
	compare(b, 1.25,
		side{newChain(b, gate("")), requests, http.StatusOK},
		side{newChain(b, ""), requests, http.StatusOK})
}

// The cookies of this one are no dearer than BenchmarkSessionNotSeen's.
func BenchmarkCookieThatDoesNotOpen(b *testing.B) {
	for name, cookie := range bad(b) {
		b.Run(name, func(b *testing.B) {
			request := page(somewhere, cookie)
			compare(b, 1.25, gated(b, gate(optional), request), plain(b, request))
		})
	}
}

func BenchmarkPublicPath(b *testing.B) {
	request := page(somewhere, "")
	compare(b, 1.03, gated(b, gate("public *"), request), plain(b, request))
}

func BenchmarkRedirectToWeChat(b *testing.B) {
	request := page(somewhere, "")
	c := newChain(b, gate(""))
	conn := c.conn()
	conn.send(request)
	location := conn.answer.header.Get("Location")
	static := newChain(b, "redir \""+strings.NewReplacer("{", `\{`).Replace(location)+"\" 302\n")
	compare(b, 1.30,
		side{c, always(request), http.StatusFound},
		side{static, always(request), http.StatusFound})
}

// gated is a site with these directives in front of the app.
func gated(b *testing.B, directives string, request []byte) side {
	return side{newChain(b, directives), always(request), http.StatusOK}
}

// plain is the same site without anything in front.
func plain(b *testing.B, request []byte) side { return gated(b, "", request) }
