package placement

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// errTwoGates says how to write one gate instead of two, or to keep them apart.
func errTwoGates(first, second *Gate, r Request) error {
	pattern, prefix := "/app/*", "/app/_wechat"
	for _, g := range []*Gate{second, first} {
		patterns := slices.Clone(g.Paths)
		for _, route := range g.Around {
			patterns = append(patterns, route.patterns()...)
		}
		if i := slices.IndexFunc(patterns, func(p string) bool { return prefixBelow(p) != "" }); i >= 0 {
			pattern, prefix = patterns[i], prefixBelow(patterns[i])
			break
		}
	}
	return fmt.Errorf("%s and %s are both on the way of %s, and such requests fail: write one wechat_auth, directly "+
		"in the site, with rules for its paths, such as login %s; or put each into a handle block of its own, with a "+
		"prefix below the block's path, such as prefix %s, and a session cookie of its own",
		first, second, address(r), pattern, prefix)
}

// errBlocked says what answers before a gate could.
func errBlocked(g *Gate, answerer *Handler) error {
	return fmt.Errorf("%s answers every request before it comes to %s, which asks nobody for a login then: write "+
		"wechat_auth in front of %[1]s, or outside of route, where it comes first by itself", answerer.Name, g)
}

// errNoReturn says what keeps logins from coming back to a gate, and what to write instead.
func (c *check) errNoReturn(g *Gate, back Request) error {
	what := fmt.Sprintf("%s never gets its logins back: WeChat sends visitors to %s", g, address(back))
	if back.Method != http.MethodGet {
		what = fmt.Sprintf("nobody can log in by %s: programs post their codes to %s", g, address(back))
	}
	for _, around := range g.Around {
		if matchesAny(around.Sets, back) != No {
			continue
		}
		name := around.Name
		if around == g.block() {
			name = "that block"
		}
		return fmt.Errorf("%s, which %s does not match; %s", what, name, c.remedy(g, back, around))
	}
	before := "something"
	if answerer := c.walk(back).answerer; answerer != nil {
		before = answerer.Name
	}
	return fmt.Errorf("%s, which %s in front of it answers: write wechat_auth in front of that", what, before)
}

// remedy says what to write for a gate that a request does not come to because of a route around it.
func (c *check) remedy(g *Gate, back Request, around *Route) string {
	patterns := around.patterns()
	remedy := "write wechat_auth outside of that, directly in the site, with a matcher of its own"
	if around.IsSite {
		remedy = "write the site's address without a path, and wechat_auth with a matcher of its own"
	}
	if len(patterns) == 1 && strings.HasPrefix(patterns[0], "/") {
		remedy += ": wechat_auth " + patterns[0] + " { … }"
	}
	for _, pattern := range patterns {
		prefix := prefixBelow(pattern)
		if back.Path = prefix + g.Returns[0].Path; prefix != "" && c.walk(back).reached[g] {
			return remedy + "; or write into its own block: prefix " + prefix
		}
	}
	return remedy
}

// prefixBelow returns a prefix below a pattern of paths, "" where none is for sure.
func prefixBelow(pattern string) string {
	if folder, ok := strings.CutSuffix(pattern, "/*"); ok && plainFolder.MatchString(folder) {
		return folder + "/_wechat"
	}
	return ""
}

var plainFolder = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)

// address is what a request asks for, as a person would write it.
func address(r Request) string {
	host := strings.ReplaceAll(r.Host, otherLabel, "*")
	if host == otherHost {
		host = ""
	}
	return host + r.Path
}
