// Package placement says what can never work of where gates stand among a server's routes: a gate that no login comes
// back to, two on the way of one request, one behind what answers everything. It says so only where hosts, paths and
// order tell for certain; whatever else decides about a request could let it work.
//
// It owns the model of routes, and the errors with what to write instead. It knows routes as Caddy runs them, but not
// Caddy: whoever reads Caddy's configuration makes the model of it.
package placement

import (
	"slices"
	"strings"
)

// Known is whether something holds, as far as hosts, paths and order tell. Greater is more certain.
type Known int8

// What can be known.
const (
	No    Known = iota // for certain not
	Maybe              // something else decides
	Yes                // for certain
)

// Request is what is known of a request. What is empty can be anything.
type Request struct {
	Method string // such as GET
	Host   string // without a port
	Path   string // starts with /
}

// Server is what requests meet.
type Server struct {
	Routes []*Route // for all requests
	Errors []*Route // for requests that failed
}

// Route is a step on the way: its handlers, one after the other, for the requests that match.
type Route struct {
	// Name is what somebody who wrote it would call it, such as "handle /app/*".
	Name string
	// IsSite says that it holds all of a site.
	IsSite bool
	// Sets are alternatives; without any the route is for every request.
	Sets []Set
	// Handlers is what a request meets that matches.
	Handlers []*Handler
	// Terminal routes are the last ones for the requests that match.
	Terminal bool
	// Group names the routes of which only the first one that matches counts.
	Group string
	// IsFallback routes answer, in spite of their matchers, whatever comes to them but files: the routes before them
	// have made a script of every other address.
	IsFallback bool
}

// Handler is what a request meets.
type Handler struct {
	// Name is what somebody who wrote it would call it, such as "respond".
	Name string
	// Does is what it does to a request.
	Does Does
	// Gate is set where Does is IsGate.
	Gate *Gate
	// Routes are set where Does is HasRoutes, Errors are those for requests that failed in them.
	Routes, Errors []*Route
	// Forwards says that whoever answers is not known here: it could be another gate.
	Forwards bool
	// HidesGate says that there is a gate somewhere inside of a handler that is not known.
	HidesGate bool
}

// Does is what a handler does to a request.
type Does int8

// What handlers do.
const (
	MayAnswer Does = iota // or pass it on: nothing is known
	PassesOn              // all of them, or those of some visitors
	Rewrites              // and passes on, perhaps with another path or method
	Answers               // every request
	Redirects             // every request, to another address: it opens nothing
	HasRoutes
	IsGate // which passes on what is not its own
)

// Gate is a gate that asks for a login.
type Gate struct {
	// Name is the directive with its matcher.
	Name string
	// Paths are that matcher's patterns of paths.
	Paths []string
	// Prefix is the path below which the gate answers itself.
	Prefix string
	// Returns are the requests by which logins come back to it, with paths below the prefix. One is enough. None: it
	// works without.
	Returns []Request
	// PublicHost is the host that visitors come back to, where the configuration says so.
	PublicHost string
	// Around are the routes that it stands in, from the outermost.
	Around []*Route
	// InErrors says that it stands in routes for requests that failed.
	InErrors bool
}

// answers reports whether a path is the gate's own.
func (g *Gate) answers(path string) bool {
	below, ok := strings.CutPrefix(path, g.Prefix)
	return ok && (below == "" || below[0] == '/')
}

// returnRequest returns the request by which a login comes back for a host.
func (g *Gate) returnRequest(r Request, host string) Request {
	r.Host, r.Path = host, g.Prefix+r.Path
	return r
}

// block returns the innermost route around the gate that is not for every request, nil where all are.
func (g *Gate) block() *Route {
	for _, route := range slices.Backward(g.Around) {
		if len(route.Sets) > 0 {
			return route
		}
	}
	return nil
}

// String says which gate it is, and in which block.
func (g *Gate) String() string {
	if block := g.block(); block != nil {
		return g.Name + " in " + block.Name
	}
	return g.Name + " in the site"
}

// gatesIn returns all gates in some routes.
func gatesIn(routes []*Route) (gates []*Gate) {
	for _, route := range routes {
		gates = append(gates, gatesAmong(route.Handlers)...)
	}
	return gates
}

func gatesAmong(handlers []*Handler) (gates []*Gate) {
	for _, h := range handlers {
		if h.Does == IsGate {
			gates = append(gates, h.Gate)
		}
		gates = append(gates, gatesIn(h.Routes)...)
	}
	return gates
}
