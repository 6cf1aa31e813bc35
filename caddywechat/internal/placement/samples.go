package placement

import (
	"slices"
	"strings"
)

// A host, a label of one and a path that nobody has written.
const (
	otherHost  = "any-other-host.invalid"
	otherLabel = "any-other-name"
	otherPath  = "/any-other-path"
)

// hosts returns one host for each pattern that routes with gates ask for, and one that no pattern names.
func (s *Server) hosts() []string {
	var hosts []string
	for _, route := range s.Routes {
		if len(gatesAmong(route.Handlers)) == 0 {
			continue
		}
		eachMatcher([]*Route{route}, func(m Matcher) {
			if host, ok := m.(Host); ok {
				for _, pattern := range host {
					if !strings.Contains(pattern, "{") {
						hosts = append(hosts, strings.ReplaceAll(pattern, "*", otherLabel))
					}
				}
			}
		})
		if len(route.Sets) == 0 || slices.ContainsFunc(route.Sets, isForEveryHost) {
			hosts = append(hosts, otherHost)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func isForEveryHost(set Set) bool { return set.Matches(Request{Host: otherHost}) != No }

// routesFor returns the routes that requests for a host can take.
func (s *Server) routesFor(host string) (routes []*Route) {
	for _, route := range s.Routes {
		if matchesAny(route.Sets, Request{Host: host}) != No {
			routes = append(routes, route)
		}
	}
	return routes
}

// maxPaths bounds how many paths are tried.
const maxPaths = 1000

// pathsIn returns one path for each pattern in routes, and one that no pattern names.
func pathsIn(routes []*Route) []string {
	paths := []string{"/", otherPath}
	eachMatcher(routes, func(m Matcher) {
		path, ok := m.(*Path)
		if !ok || len(paths) >= maxPaths {
			return
		}
		for _, pattern := range path.Patterns {
			if !strings.Contains(pattern, "%") {
				paths = append(paths, "/"+strings.TrimPrefix(strings.ReplaceAll(pattern, "*", "any"), "/"))
			}
		}
	})
	slices.Sort(paths)
	return slices.Compact(paths)
}

// patterns returns the patterns of paths that a route is for.
func (r *Route) patterns() (patterns []string) {
	for _, set := range r.Sets {
		for _, m := range set {
			if path, ok := m.(*Path); ok {
				patterns = append(patterns, path.Patterns...)
			}
		}
	}
	return patterns
}

// eachMatcher calls f with each matcher of routes and of those within them.
func eachMatcher(routes []*Route, f func(Matcher)) {
	var ofSets func([]Set)
	ofSets = func(sets []Set) {
		for _, set := range sets {
			for _, m := range set {
				f(m)
				if not, ok := m.(Not); ok {
					ofSets(not)
				}
			}
		}
	}
	for _, route := range routes {
		ofSets(route.Sets)
		for _, h := range route.Handlers {
			eachMatcher(h.Routes, f)
		}
	}
}
