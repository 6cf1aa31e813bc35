package placement

import (
	"slices"
	"strings"
)

// Matcher decides about requests.
type Matcher interface {
	Matches(Request) Known
}

// Set is of matchers that must all match.
type Set []Matcher

// Matches implements [Matcher].
func (s Set) Matches(r Request) Known {
	known := Yes
	for _, m := range s {
		known = min(known, m.Matches(r))
	}
	return known
}

// matchesAny is for alternatives, of which none leaves nobody out.
func matchesAny(sets []Set, r Request) Known {
	if len(sets) == 0 {
		return Yes
	}
	known := No
	for _, s := range sets {
		known = max(known, s.Matches(r))
	}
	return known
}

// Unknown is a matcher that looks at something else than host, path and method.
type Unknown struct{}

// Matches implements [Matcher].
func (Unknown) Matches(Request) Known { return Maybe }

// Not is a matcher of what none of some sets matches.
type Not []Set

// Matches implements [Matcher].
func (n Not) Matches(r Request) Known {
	if len(n) == 0 {
		return Yes
	}
	return Yes - matchesAny(n, r)
}

// Method is a matcher of methods.
type Method []string

// Matches implements [Matcher].
func (m Method) Matches(r Request) Known {
	switch {
	case r.Method == "":
		return Maybe
	case slices.Contains(m, r.Method):
		return Yes
	default:
		return No
	}
}

// Host is a matcher of hosts, in which * stands for one label.
type Host []string

// Matches implements [Matcher].
func (h Host) Matches(r Request) Known {
	known := No
	for _, pattern := range h {
		switch {
		case strings.Contains(pattern, "{"), r.Host == "":
			known = Maybe
		case isHost(pattern, r.Host):
			return Yes
		}
	}
	return known
}

func isHost(pattern, host string) bool {
	if !strings.Contains(pattern, "*") {
		return strings.EqualFold(pattern, host)
	}
	return slices.EqualFunc(strings.Split(pattern, "."), strings.Split(host, "."), func(want, label string) bool {
		return want == "*" || strings.EqualFold(want, label)
	})
}

// Path is a matcher of paths.
type Path struct {
	// Patterns are those of which nothing but the path decides.
	Patterns []string
	// IsUnknown says that there are others.
	IsUnknown bool
	// Match judges a path by the patterns, as the server does.
	Match func(path string) bool
}

// Matches implements [Matcher].
func (p *Path) Matches(r Request) Known {
	switch {
	case slices.Contains(p.Patterns, "*"), slices.Contains(p.Patterns, "/*"), r.Path != "" && p.Match(r.Path):
		return Yes
	case r.Path == "", p.IsUnknown:
		return Maybe
	default:
		return No
	}
}
