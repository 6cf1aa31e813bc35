package placement

import (
	"net/http"
	"slices"
	"strings"
)

// Check returns what can never work of a server's gates, and what to write instead; nil where nothing is certain.
// isElsewhere reports whether a request could come to a gate with that prefix on another server; Check asks it last.
func Check(server *Server, isElsewhere func(r Request, prefix string) bool) error {
	c := &check{
		server: server, isElsewhere: isElsewhere,
		reached: make(map[*Gate]bool), blocked: make(map[*Gate]*Handler),
	}
	for _, host := range server.hosts() {
		if err := c.checkHost(host); err != nil {
			return err
		}
	}
	for _, g := range gatesIn(server.Routes) {
		if answerer := c.blocked[g]; answerer != nil && !c.reached[g] {
			return errBlocked(g, answerer)
		}
	}
	return nil
}

type check struct {
	server      *Server
	isElsewhere func(Request, string) bool
	reached     map[*Gate]bool     // on some host
	blocked     map[*Gate]*Handler // on some host
	routes      []*Route           // those for the host that is looked at
	host        string
}

// routesFor returns the routes that requests for a host can take.
func (c *check) routesFor(host string) []*Route {
	if host != c.host || c.routes == nil {
		c.host, c.routes = host, c.server.routesFor(host)
	}
	return c.routes
}

// checkHost checks what requests for a host meet.
func (c *check) checkHost(host string) error {
	routes := c.routesFor(host)
	for _, path := range pathsIn(routes) {
		r := Request{Method: http.MethodGet, Host: host, Path: path}
		if gates := chainFor(r, routes); len(gates) > 1 {
			return errTwoGates(gates[0], gates[1], r)
		}
	}
	all := walkFor(Request{Host: host}, routes)
	for _, g := range all.gates {
		c.reached[g] = true
		if err := c.checkReturns(g, host); err != nil {
			return err
		}
	}
	for g, answerer := range all.blocked {
		c.blocked[g] = answerer
	}
	return nil
}

// checkReturns checks that a gate's logins can come back.
func (c *check) checkReturns(g *Gate, host string) error {
	if len(g.Returns) == 0 || g.InErrors {
		return nil
	}
	if g.PublicHost != "" && !strings.EqualFold(g.PublicHost, host) {
		if host = g.PublicHost; !walkFor(Request{Host: host}, c.routesFor(host)).reached[g] {
			return nil // somebody in front has other names for hosts
		}
	}
	for _, back := range g.Returns {
		if c.canReturn(g, g.returnRequest(back, host)) {
			return nil
		}
	}
	if c.isForItsOwn(g, host) {
		return nil
	}
	return c.errNoReturn(g, g.returnRequest(g.Returns[0], host))
}

// isForItsOwn reports whether a gate is there for some of its own addresses only, and asks nobody for a login.
func (c *check) isForItsOwn(g *Gate, host string) bool {
	own := false
	for _, path := range pathsIn(c.routesFor(host)) {
		if !c.walk(Request{Host: host, Path: path}).reached[g] {
			continue
		}
		if !g.answers(path) {
			return false
		}
		own = true
	}
	return own
}

// canReturn reports whether a request may come to a gate with the prefix of this one, here or elsewhere.
func (c *check) canReturn(g *Gate, back Request) bool {
	way := c.walk(back)
	if way.hidden || slices.ContainsFunc(way.gates, func(other *Gate) bool { return other.Prefix == g.Prefix }) {
		return true
	}
	// What is sent on to somebody else by its very path may come to a gate there.
	elsewhere := back
	elsewhere.Path = otherPath
	others := c.walk(elsewhere).answerers
	for answerer := range way.answerers {
		if answerer.Forwards && !others[answerer] {
			return true
		}
	}
	return c.isElsewhere(back, g.Prefix)
}

// Reaches reports whether a request could come to a gate with that prefix.
func (s *Server) Reaches(r Request, prefix string) bool {
	way := walkFor(r, s.routesFor(r.Host), s.Errors)
	return way.hidden || slices.ContainsFunc(way.gates, func(g *Gate) bool { return g.Prefix == prefix })
}

func (c *check) walk(r Request) *walk { return walkFor(r, c.routesFor(r.Host), c.server.Errors) }
