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

func TestCheck(t *testing.T) {
	rest := &Route{Handlers: []*Handler{answers("app")}}
	for name, tt := range map[string]struct {
		routes []*Route
		want   string
	}{
		"no gate":   {[]*Route{rest}, ""},
		"no routes": {nil, ""},
		"a gate":    {[]*Route{{Handlers: []*Handler{gate("/g"), answers("app")}}}, ""},
		"in a folder": {
			[]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}, rest},
			"gate/g in a never gets its logins back: WeChat sends visitors to /g/callback, which that block does not match; write wechat_auth outside of that, " +
				"directly in the site, with a matcher of its own: wechat_auth /a/* { … }; or write into its own block: prefix /a/_wechat",
		},
		"in a folder with the prefix":                    {[]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/a/g")}}, rest}, ""},
		"in a folder, behind a terminal route":           {[]*Route{{Terminal: true, Handlers: []*Handler{does(PassesOn)}}, {Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}}, ""},
		"in a folder, behind a terminal rewrite of some": {[]*Route{{Terminal: true, Sets: []Set{{Unknown{}}}, Handlers: []*Handler{does(Rewrites)}}, {Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}}, "never gets"},
		"in a second site of the same host":              {[]*Route{{Terminal: true, Sets: []Set{{Host{"a.test"}}}, Handlers: []*Handler{answers("x")}}, {Terminal: true, Sets: []Set{{Host{"a.test"}}}, Handlers: []*Handler{gate("/g")}}}, ""},
		"behind a terminal answer":                       {[]*Route{{Terminal: true, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g")}}}, "x answers every request"},
		"in one of two folders":                          {[]*Route{{Sets: []Set{on("/a/*"), on("/g/*")}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"in a folder and something":                      {[]*Route{{Sets: []Set{append(on("/a/*"), Unknown{})}, Handlers: []*Handler{gate("/g")}}, rest}, "never gets"},
		"in something":                                   {[]*Route{{Sets: []Set{{Unknown{}}}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"in a folder, behind a rewrite":                  {[]*Route{{Handlers: []*Handler{does(Rewrites)}}, {Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"in a folder, before a rewrite":                  {[]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}, {Handlers: []*Handler{does(Rewrites)}}, rest}, "never gets"},
		"in a folder within another": {
			[]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{among(&Route{Sets: []Set{on("/a/b/*")}, Handlers: []*Handler{gate("/g")}})}}, rest},
			"gate/g in aa never gets its logins back: WeChat sends visitors to /g/callback, which a does not match",
		},
		"for one of its own addresses":  {[]*Route{{Sets: []Set{on("/g/sign")}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"for one of its own and others": {[]*Route{{Sets: []Set{on("/g/sign", "/a/*")}, Handlers: []*Handler{gate("/g")}}, rest}, "never gets"},
		"in all but the prefix":         {[]*Route{{Sets: []Set{{Not{on("/g/*")}}}, Handlers: []*Handler{gate("/g")}}, rest}, "never gets"},
		"in all but a folder":           {[]*Route{{Sets: []Set{{Not{on("/a/*")}}}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"in all but nothing":            {[]*Route{{Sets: []Set{{Not{}}}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"for another method":            {[]*Route{{Sets: []Set{{Method{"POST"}}}, Handlers: []*Handler{gate("/g")}}, rest}, "never gets"},
		"for the method":                {[]*Route{{Sets: []Set{{Method{"POST", "GET"}}}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"for a host":                    {[]*Route{{Sets: []Set{{Host{"a.test"}}}, Handlers: []*Handler{gate("/g")}, Terminal: true}, rest}, ""},
		"for a host's folder": {
			[]*Route{{Sets: []Set{append(on("/a/*"), Host{"*.test"})}, Handlers: []*Handler{gate("/g")}, Terminal: true}, rest}, "visitors to *.test/g/callback",
		},
		"for one host, its logins for another": {
			[]*Route{{Sets: []Set{append(on("/a/*"), Host{"a.test"})}, Handlers: []*Handler{gate("/g")}}, {Sets: []Set{{Host{"b.test"}}}, Handlers: []*Handler{gate("/g")}}}, "a.test/g/callback",
		},
		"for a host by a placeholder": {[]*Route{{Sets: []Set{{Host{"{a}"}}}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"two of them in two folders": {
			[]*Route{{Group: "1", Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}}, {Group: "1", Sets: []Set{on("/g/*")}, Handlers: []*Handler{gate("/g")}}}, "",
		},
		"two of them": {
			[]*Route{{Handlers: []*Handler{gate("/g"), gate("/h")}}},
			"gate/g in the site and gate/h in the site are both on the way of /, and such requests fail: write one wechat_auth, directly in the site, with rules " +
				"for its paths, such as login /app/*; or put each into a handle block of its own, with a prefix below the block's path, such as prefix /app/_wechat",
		},
		"two of them, one in a folder": {
			[]*Route{{Handlers: []*Handler{gate("/g")}}, {Sets: []Set{on("/b/*")}, Handlers: []*Handler{gate("/g")}}, rest}, "/b/any, and such requests fail: write one wechat_auth, directly in the site, with rules for its paths, such as login /b/*",
		},
		"two of them, the second for the first one's own": {[]*Route{{Handlers: []*Handler{gate("/g")}}, {Sets: []Set{on("/g/*")}, Handlers: []*Handler{gate("/g")}}, rest}, ""},
		"two of them behind an answer to some":            {[]*Route{{Sets: []Set{{Unknown{}}}, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g"), gate("/h")}}}, ""},
		"two of them behind a redirect of some":           {[]*Route{{Sets: []Set{{Unknown{}}}, Handlers: []*Handler{does(Redirects)}}, {Handlers: []*Handler{gate("/g"), gate("/h")}}}, "both on the way"},
		"two of them behind a grouped redirect of some": {
			[]*Route{{Group: "1", Sets: []Set{{Unknown{}}}, Handlers: []*Handler{does(Redirects)}}, {Group: "1", Handlers: []*Handler{gate("/g"), gate("/h")}}}, "",
		},
		"two of them where some settle a group": {
			[]*Route{{Group: "1", Sets: []Set{{Unknown{}}}, Handlers: []*Handler{does(PassesOn)}}, {Group: "1", Handlers: []*Handler{gate("/g"), gate("/h")}}}, "",
		},
		"two of them with a rewrite between":              {[]*Route{{Handlers: []*Handler{gate("/g"), does(Rewrites), gate("/h")}}}, "both on the way"},
		"two of them with a rewrite and a folder between": {[]*Route{{Handlers: []*Handler{gate("/g"), does(Rewrites)}}, {Sets: []Set{on("/b/*")}, Handlers: []*Handler{gate("/b/h")}}, rest}, ""},
		"two of them with who knows what between":         {[]*Route{{Handlers: []*Handler{gate("/g"), does(MayAnswer), gate("/h")}}}, ""},
		"two of them with a terminal route between":       {[]*Route{{Terminal: true, Handlers: []*Handler{gate("/g")}}, {Handlers: []*Handler{gate("/h")}}}, ""},
		"behind an answer": {
			[]*Route{{Handlers: []*Handler{answers("app"), gate("/g")}}},
			"app answers every request before it comes to gate/g in the site, which asks nobody for a login then: write wechat_auth in front of app, or outside of route, where it comes first by itself",
		},
		"behind an answer within":        {[]*Route{{Handlers: []*Handler{among(rest), gate("/g")}}}, "app answers every request"},
		"behind an answer to something":  {[]*Route{{Sets: []Set{{Unknown{}}}, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g")}}}, ""},
		"behind an answer to every path": {[]*Route{{Sets: []Set{on("/*")}, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g")}}}, "x answers every request"},
		"behind a fallback":              {[]*Route{{Sets: []Set{on("*.php")}, IsFallback: true, Handlers: []*Handler{answers("php")}}, {Handlers: []*Handler{gate("/g")}}}, "php answers every request"},
		"behind a fallback of a folder": {
			[]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{among(&Route{Sets: []Set{on("*.php")}, IsFallback: true, Handlers: []*Handler{answers("php")}})}}, {Handlers: []*Handler{gate("/g")}}}, "",
		},
		"behind a redirect":              {[]*Route{{Handlers: []*Handler{does(Redirects), gate("/g")}}}, ""},
		"behind an answer of one host":   {[]*Route{{Sets: []Set{{Host{"a.test"}}}, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g")}}}, ""},
		"behind an answer to its logins": {[]*Route{{Sets: []Set{on("/g/*")}, Handlers: []*Handler{answers("x")}}, {Handlers: []*Handler{gate("/g")}}}, "/g/callback, which x in front of it answers"},
		"behind routes that answer together": {
			[]*Route{{Group: "1", Sets: []Set{{Unknown{}}}, Handlers: []*Handler{answers("x")}}, {Group: "1", Handlers: []*Handler{answers("y")}}, {Handlers: []*Handler{gate("/g")}}}, "y answers every request",
		},
		"behind routes of which one passes on": {
			[]*Route{{Group: "1", Sets: []Set{{Unknown{}}}, Handlers: []*Handler{does(PassesOn)}}, {Group: "1", Handlers: []*Handler{answers("y")}}, {Handlers: []*Handler{gate("/g")}}}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(&Server{Routes: named(tt.routes, "")}, never)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestLoginsThatMayComeBackElsewhere(t *testing.T) {
	folder := func() *Route { return &Route{Sets: []Set{on("/a/*")}, Handlers: []*Handler{gate("/g")}} }
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
		"nowhere":                              {&Server{Routes: []*Route{folder()}}, false, false},
		"at another server":                    {&Server{Routes: []*Route{folder()}}, true, true},
		"behind a proxy for all":               {&Server{Routes: []*Route{folder(), forwards()}}, false, false},
		"behind a proxy for the prefix":        {&Server{Routes: []*Route{forwards(on("/g/*")), folder()}}, false, true},
		"behind a proxy for another":           {&Server{Routes: []*Route{forwards(on("/h/*")), folder()}}, false, false},
		"at a gate for errors":                 {&Server{Routes: []*Route{folder()}, Errors: []*Route{{Handlers: []*Handler{gate("/g")}}}}, false, true},
		"at a gate with another prefix":        {&Server{Routes: []*Route{folder(), {Sets: []Set{on("/g/*")}, Handlers: []*Handler{gate("/h")}}}}, false, false},
		"at a gate in something unknown":       {&Server{Routes: []*Route{folder(), {Handlers: []*Handler{{HidesGate: true}}}}}, false, true},
		"at a gate in another folder's secret": {&Server{Routes: []*Route{folder(), {Sets: []Set{on("/b/*")}, Handlers: []*Handler{{HidesGate: true}}}}}, false, false},
	} {
		if err := check(tt.server, tt.elsewhere); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAGateThatNeedsNoLogins(t *testing.T) {
	g := gate("/g")
	g.Gate.Returns = nil
	if err := Check(&Server{Routes: named([]*Route{{Sets: []Set{on("/a/*")}, Handlers: []*Handler{g}}}, "")}, never); err != nil {
		t.Error(err)
	}
}

func TestAGateWithAPublicHost(t *testing.T) {
	for public, ok := range map[string]bool{"a.test": false, "A.test": false, "b.test": false, "elsewhere.test": true} {
		g := gate("/g")
		g.Gate.PublicHost = public
		err := Check(&Server{Routes: named([]*Route{
			{Sets: []Set{append(on("/a/*"), Host{"a.test", "b.test"})}, Handlers: []*Handler{g}, Terminal: true},
		}, "")}, never)
		if (err == nil) != ok {
			t.Errorf("%s: %v", public, err)
		}
	}
}

func TestHosts(t *testing.T) {
	for pattern, hosts := range map[string]map[string]Known{
		"a.test":   {"a.test": Yes, "A.TEST": Yes, "b.test": No, "x.a.test": No, "": Maybe},
		"*.test":   {"a.test": Yes, "test": No, "a.b.test": No},
		"*":        {"localhost": Yes, "a.test": No},
		"{a}.test": {"a.test": Maybe},
	} {
		for host, want := range hosts {
			if got := (Host{pattern}).Matches(Request{Host: host}); got != want {
				t.Errorf("%s, %q: got %d, want %d", pattern, host, got, want)
			}
		}
	}
}
