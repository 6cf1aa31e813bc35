package placement

import (
	"net/http"
	"path"
	"strings"
	"testing"
)

func on(patterns ...string) Set {
	return Set{&Path{Patterns: patterns, Match: func(p string) bool {
		for _, pattern := range patterns {
			prefix, isPrefix := strings.CutSuffix(pattern, "*")
			if isPrefix && strings.HasPrefix(p, prefix) || pattern == p {
				return true
			}
			if matches, _ := path.Match(pattern, p); matches {
				return true
			}
		}
		return false
	}}}
}

func answers(name string) *Handler { return &Handler{Name: name, Does: Answers} }

func does(what Does) *Handler { return &Handler{Name: "handler", Does: what} }

func among(routes ...*Route) *Handler { return &Handler{Does: HasRoutes, Routes: routes} }

func gate(prefix string) *Handler {
	g := &Gate{Name: "gate" + prefix, Prefix: prefix, Returns: []Request{{Method: http.MethodGet, Path: "/callback"}}}
	return &Handler{Does: IsGate, Gate: g}
}

func always(handlers ...*Handler) *Route { return &Route{Handlers: handlers} }

func only(set Set, handlers ...*Handler) *Route { return onlyAny([]Set{set}, handlers...) }

func onlyAny(sets []Set, handlers ...*Handler) *Route { return &Route{Sets: sets, Handlers: handlers} }

func terminal(r *Route) *Route {
	r.Terminal = true
	return r
}

// grouped puts a route into the one group that there is.
func grouped(r *Route) *Route {
	r.Group = "1"
	return r
}

func fallback(r *Route) *Route {
	r.IsFallback = true
	return r
}

// unknown matches by something that nothing is known of.
var unknown = Set{Unknown{}}

func host(patterns ...string) Set { return Set{Host(patterns)} }

// named names routes by their numbers, and tells gates what is around them.
func named(routes []*Route, prefix string, around ...*Route) []*Route {
	for i, r := range routes {
		if r.Name == "" {
			r.Name = prefix + string(rune('a'+i))
		}
		inside := append(around[:len(around):len(around)], r)
		for _, h := range r.Handlers {
			if h.Does == IsGate {
				h.Gate.Around = inside
			}
			named(h.Routes, r.Name, inside...)
		}
	}
	return routes
}

func never(Request, string) bool { return false }

func TestCheck_AcceptsWhatCouldWork(t *testing.T) {
	rest := always(answers("app"))
	for name, routes := range map[string][]*Route{
		"no gate":                     {rest},
		"no routes":                   nil,
		"a gate":                      {always(gate("/g"), answers("app"))},
		"in a folder with the prefix": {only(on("/a/*"), gate("/a/g")), rest},
		"in a folder, behind a terminal route": {
			terminal(always(does(PassesOn))), only(on("/a/*"), gate("/g")),
		},
		"in a second site of the same host": {
			terminal(only(host("a.test"), answers("x"))), terminal(only(host("a.test"), gate("/g"))),
		},
		"in one of two folders":         {onlyAny([]Set{on("/a/*"), on("/g/*")}, gate("/g")), rest},
		"in something":                  {only(unknown, gate("/g")), rest},
		"in a folder, behind a rewrite": {always(does(Rewrites)), only(on("/a/*"), gate("/g")), rest},
		"for one of its own addresses":  {only(on("/g/sign"), gate("/g")), rest},
		"in all but a folder":           {only(Set{Not{on("/a/*")}}, gate("/g")), rest},
		"in all but nothing":            {only(Set{Not{}}, gate("/g")), rest},
		"for the method":                {only(Set{Method{"POST", "GET"}}, gate("/g")), rest},
		"for a host":                    {terminal(only(host("a.test"), gate("/g"))), rest},
		"for a host by a placeholder":   {only(host("{a}"), gate("/g")), rest},
		"two of them in two folders": {
			grouped(only(on("/a/*"), gate("/g"))), grouped(only(on("/g/*"), gate("/g"))),
		},
		"two of them, the second for the first one's own": {always(gate("/g")), only(on("/g/*"), gate("/g")), rest},
		"two of them behind an answer to some": {
			only(unknown, answers("x")), always(gate("/g"), gate("/h")),
		},
		"two of them behind a grouped redirect of some": {
			grouped(only(unknown, does(Redirects))), grouped(always(gate("/g"), gate("/h"))),
		},
		"two of them where some settle a group": {
			grouped(only(unknown, does(PassesOn))), grouped(always(gate("/g"), gate("/h"))),
		},
		"two of them with a rewrite and a folder between": {
			always(gate("/g"), does(Rewrites)), only(on("/b/*"), gate("/b/h")), rest,
		},
		"two of them with who knows what between":   {always(gate("/g"), does(MayAnswer), gate("/h"))},
		"two of them with a terminal route between": {terminal(always(gate("/g"))), always(gate("/h"))},
		"behind an answer to something":             {only(unknown, answers("x")), always(gate("/g"))},
		"behind a fallback of a folder": {
			only(on("/a/*"), among(fallback(only(on("*.php"), answers("php"))))), always(gate("/g")),
		},
		"behind a redirect":            {always(does(Redirects), gate("/g"))},
		"behind an answer of one host": {only(host("a.test"), answers("x")), always(gate("/g"))},
		"behind routes of which one passes on": {
			grouped(only(unknown, does(PassesOn))), grouped(always(answers("y"))), always(gate("/g")),
		},
	} {
		if err := Check(&Server{Routes: named(routes, "")}, never); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck_RefusesWhatCanNeverWork(t *testing.T) {
	rest := always(answers("app"))
	for name, tt := range map[string]struct {
		routes []*Route
		want   string
	}{
		"in a folder": {
			[]*Route{only(on("/a/*"), gate("/g")), rest},
			"gate/g in a never gets its logins back: WeChat sends visitors to /g/callback, which that block " +
				"does not match; write wechat_auth outside of that, directly in the site, with a matcher of its " +
				"own: wechat_auth /a/* { … }; or write into its own block: prefix /a/_wechat",
		},
		"in a folder, behind a terminal rewrite of some": {
			[]*Route{terminal(only(unknown, does(Rewrites))), only(on("/a/*"), gate("/g"))},
			"never gets",
		},
		"behind a terminal answer": {
			[]*Route{terminal(always(answers("x"))), always(gate("/g"))},
			"x answers every request",
		},
		"in a folder and something": {
			[]*Route{only(append(on("/a/*"), Unknown{}), gate("/g")), rest},
			"never gets",
		},
		"in a folder, before a rewrite": {
			[]*Route{only(on("/a/*"), gate("/g")), always(does(Rewrites)), rest},
			"never gets",
		},
		"in a folder within another": {
			[]*Route{only(on("/a/*"), among(only(on("/a/b/*"), gate("/g")))), rest},
			"gate/g in aa never gets its logins back: WeChat sends visitors to /g/callback, which a does not " +
				"match",
		},
		"for one of its own and others": {
			[]*Route{only(on("/g/sign", "/a/*"), gate("/g")), rest},
			"never gets",
		},
		"in all but the prefix": {
			[]*Route{only(Set{Not{on("/g/*")}}, gate("/g")), rest},
			"never gets",
		},
		"for another method": {
			[]*Route{only(Set{Method{"POST"}}, gate("/g")), rest},
			"never gets",
		},
		"for a host's folder": {
			[]*Route{terminal(only(append(on("/a/*"), Host{"*.test"}), gate("/g"))), rest},
			"visitors to *.test/g/callback",
		},
		"for one host, its logins for another": {
			[]*Route{only(append(on("/a/*"), Host{"a.test"}), gate("/g")), only(host("b.test"), gate("/g"))},
			"a.test/g/callback",
		},
		"two of them": {
			[]*Route{always(gate("/g"), gate("/h"))},
			"gate/g in the site and gate/h in the site are both on the way of /, and such requests fail: write " +
				"one wechat_auth, directly in the site, with rules for its paths, such as login /app/*; or put each" +
				" into a handle block of its own, with a prefix below the block's path, such as prefix /app/_wechat",
		},
		"two of them, one in a folder": {
			[]*Route{always(gate("/g")), only(on("/b/*"), gate("/g")), rest},
			"/b/any, and such requests fail: write one wechat_auth, directly in the site, with rules for its " +
				"paths, such as login /b/*",
		},
		"two of them behind a redirect of some": {
			[]*Route{only(unknown, does(Redirects)), always(gate("/g"), gate("/h"))},
			"both on the way",
		},
		"two of them with a rewrite between": {
			[]*Route{always(gate("/g"), does(Rewrites), gate("/h"))},
			"both on the way",
		},
		"behind an answer": {
			[]*Route{always(answers("app"), gate("/g"))},
			"app answers every request before it comes to gate/g in the site, which asks nobody for a login " +
				"then: write wechat_auth in front of app, or outside of route, where it comes first by itself",
		},
		"behind an answer within": {
			[]*Route{always(among(rest), gate("/g"))},
			"app answers every request",
		},
		"behind an answer to every path": {
			[]*Route{only(on("/*"), answers("x")), always(gate("/g"))},
			"x answers every request",
		},
		"behind a fallback": {
			[]*Route{fallback(only(on("*.php"), answers("php"))), always(gate("/g"))},
			"php answers every request",
		},
		"behind an answer to its logins": {
			[]*Route{only(on("/g/*"), answers("x")), always(gate("/g"))},
			"/g/callback, which x in front of it answers",
		},
		"behind routes that answer together": {
			[]*Route{grouped(only(unknown, answers("x"))), grouped(always(answers("y"))), always(gate("/g"))},
			"y answers every request",
		},
	} {
		err := Check(&Server{Routes: named(tt.routes, "")}, never)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got  %v\nwant %s", name, err, tt.want)
		}
	}
}

func TestCheck_AcceptsLoginsThatMayReturnElsewhere(t *testing.T) {
	folder := func() *Route { return only(on("/a/*"), gate("/g")) }
	forwards := func(sets ...Set) *Route {
		return &Route{Sets: sets, Handlers: []*Handler{{Name: "proxy", Does: Answers, Forwards: true}}}
	}
	check := func(s *Server, elsewhere bool) error {
		named(s.Routes, "")
		return Check(s, func(r Request, prefix string) bool {
			if r.Path != "/g/callback" || prefix != "/g" {
				t.Errorf("asked for %+v, %s", r, prefix)
			}
			return elsewhere
		})
	}
	for name, tt := range map[string]struct {
		server    *Server
		elsewhere bool
		ok        bool
	}{
		"nowhere":                {&Server{Routes: []*Route{folder()}}, false, false},
		"at another server":      {&Server{Routes: []*Route{folder()}}, true, true},
		"behind a proxy for all": {&Server{Routes: []*Route{folder(), forwards()}}, false, false},
		"behind a proxy for the prefix": {
			&Server{Routes: []*Route{forwards(on("/g/*")), folder()}}, false, true,
		},
		"behind a proxy for another": {
			&Server{Routes: []*Route{forwards(on("/h/*")), folder()}}, false, false,
		},
		"at a gate for errors": {
			&Server{Routes: []*Route{folder()}, Errors: []*Route{always(gate("/g"))}}, false, true,
		},
		"at a gate with another prefix": {
			&Server{Routes: []*Route{folder(), only(on("/g/*"), gate("/h"))}}, false, false,
		},
		"at a gate in something unknown": {
			&Server{Routes: []*Route{folder(), always(&Handler{HidesGate: true})}}, false, true,
		},
		"at a gate in another folder's secret": {
			&Server{Routes: []*Route{folder(), only(on("/b/*"), &Handler{HidesGate: true})}}, false, false,
		},
	} {
		if err := check(tt.server, tt.elsewhere); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck_AcceptsAGateThatNeedsNoLogins(t *testing.T) {
	g := gate("/g")
	g.Gate.Returns = nil
	if err := Check(&Server{Routes: named([]*Route{only(on("/a/*"), g)}, "")}, never); err != nil {
		t.Error(err)
	}
}

func TestCheck_LooksAtThePublicHost(t *testing.T) {
	for public, ok := range map[string]bool{"a.test": false, "A.test": false, "b.test": false, "elsewhere.test": true} {
		g := gate("/g")
		g.Gate.PublicHost = public
		err := Check(&Server{Routes: named([]*Route{
			terminal(only(append(on("/a/*"), Host{"a.test", "b.test"}), g)),
		}, "")}, never)
		if (err == nil) != ok {
			t.Errorf("%s: %v", public, err)
		}
	}
}
