package caddywechat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

// matcherSets reads a route's matchers, which may be provisioned or not.
func matcherSets(r *caddyhttp.Route) []placement.Set {
	if r.MatcherSets != nil {
		return matcherSetsOf(r.MatcherSets)
	}
	return matcherSetsRaw(r.MatcherSetsRaw)
}

func matcherSetsOf(sets []caddyhttp.MatcherSet) (read []placement.Set) {
	for _, set := range sets {
		var matchers placement.Set
		for _, m := range set {
			matchers = append(matchers, matcher(m))
		}
		read = append(read, matchers)
	}
	return read
}

func matcherSetsRaw(sets []caddy.ModuleMap) (read []placement.Set) {
	for _, set := range sets {
		var matchers placement.Set
		for name, raw := range set {
			matchers = append(matchers, matcher(newMatcher(name, raw)))
		}
		read = append(read, matchers)
	}
	return read
}

// newMatcher returns a matcher from its JSON, nil for one of another kind than those that are looked at.
func newMatcher(name string, raw json.RawMessage) any {
	var m any
	switch name {
	case "host":
		m = new(caddyhttp.MatchHost)
	case "method":
		m = new(caddyhttp.MatchMethod)
	case "not":
		m = new(caddyhttp.MatchNot)
	case "path":
		m = new(caddyhttp.MatchPath)
	case "path_regexp":
		m = new(caddyhttp.MatchPathRE)
	}
	if m == nil || json.Unmarshal(raw, m) != nil {
		return nil
	}
	if expression, ok := m.(*caddyhttp.MatchPathRE); ok && expression.Provision(caddy.Context{}) != nil {
		return nil
	}
	return m
}

// matcher reads a matcher of Caddy's.
func matcher(m any) placement.Matcher {
	switch m := m.(type) {
	case *caddyhttp.MatchHost:
		var hosts placement.Host
		for _, pattern := range *m {
			hosts = append(hosts, resolved(pattern))
		}
		return hosts
	case *caddyhttp.MatchMethod:
		return placement.Method(*m)
	case *caddyhttp.MatchNot:
		if m.MatcherSets != nil {
			return placement.Not(matcherSetsOf(m.MatcherSets))
		}
		return placement.Not(matcherSetsRaw(m.MatcherSetsRaw))
	case *caddyhttp.MatchPath:
		return pathMatcher(*m)
	case *caddyhttp.MatchPathRE:
		return pathExpression{m}
	}
	return placement.Unknown{}
}

// matcherName returns what a provisioned matcher is called in JSON.
func matcherName(m any) string {
	if module, ok := m.(caddy.Module); ok {
		return module.CaddyModule().ID.Name()
	}
	return ""
}

func pathMatcher(patterns caddyhttp.MatchPath) *placement.Path {
	path := new(placement.Path)
	for _, pattern := range patterns {
		pattern = strings.ToLower(resolved(pattern))
		if strings.Contains(pattern, "{") {
			path.IsUnknown = true
			continue
		}
		path.Patterns = append(path.Patterns, pattern)
	}
	known := caddyhttp.MatchPath(path.Patterns)
	path.Match = func(path string) bool {
		matches, err := known.MatchWithError(requestFor(path))
		return err == nil && matches
	}
	return path
}

// pathExpression is a matcher of paths by a regular expression.
type pathExpression struct{ *caddyhttp.MatchPathRE }

// Matches implements [placement.Matcher].
func (m pathExpression) Matches(r placement.Request) placement.Known {
	if r.Path == "" {
		return placement.Maybe
	}
	switch matches, err := m.MatchWithError(requestFor(r.Path)); {
	case err != nil:
		return placement.Maybe
	case matches:
		return placement.Yes
	default:
		return placement.No
	}
}

// requestFor returns a request that Caddy's matchers of paths can judge.
func requestFor(path string) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: make(http.Header)}
	return r.WithContext(context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
}

// resolved returns a pattern with its placeholders replaced, as it is where one has no value that holds for every
// request.
func resolved(pattern string) string {
	if replaced, err := caddy.NewReplacer().ReplaceOrErr(pattern, true, true); err == nil {
		return replaced
	}
	return pattern
}
