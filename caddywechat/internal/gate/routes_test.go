package gate_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// newRoutes makes the addresses of a site with an account for browsers and one for programs.
func newRoutes(t *testing.T) (*sitetest.Parts, *gate.Routes) {
	t.Helper()
	program := &sitetest.Program{Offers: []account.Endpoint{{Name: "echo"}}}
	p := sitetest.New(t, sitetest.Options{
		Accounts: []account.Account{new(sitetest.Account), program}, UserID: account.Qualified,
	})
	flow := login.NewFlow(login.Config{
		Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Revoked: p.Revoked, Grants: p.Grants, Vault: p.Vault,
		Status: p.Status, Answers: p.Answers, Events: p.Events, Memory: new(login.Memory), Now: p.Clock.Now,
		Logger: p.Logger,
	})
	programs := api.New(api.Config{
		Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Grants: p.Grants, Login: flow,
		Limiter: new(api.Limiter),
		Answers: p.Answers, Events: p.Events, Works: p.Works, Now: p.Clock.Now, Logger: p.Logger,
	})
	return p, gate.NewRoutes(flow, programs, p.Accounts)
}

func TestRoutes_EachRowTakesItsMethods(t *testing.T) {
	p, routes := newRoutes(t)
	for path, tt := range map[string]struct {
		allow string
		takes []string
		late  bool
	}{
		"login":         {"GET, HEAD", []string{"GET", "HEAD"}, false},
		"login_params":  {"GET", []string{"GET"}, false},
		"callback":      {"GET", []string{"GET"}, true},
		"logout":        {"GET, POST", []string{"GET", "POST"}, true},
		"me":            {"GET, HEAD", []string{"GET", "HEAD"}, false},
		"health":        {"GET, HEAD", []string{"GET", "HEAD"}, false},
		"jssdk":         {"GET, HEAD", []string{"GET", "HEAD"}, false},
		"program/login": {"POST", []string{"POST"}, true},
		"program/echo":  {"POST", []string{"POST"}, true},
	} {
		takes := make(map[string]bool)
		for _, method := range tt.takes {
			takes[method] = true
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			r := p.Browser().Request(method, "/_wechat/"+path)
			route, what, allow := routes.Find(r, path)
			switch {
			case route.Path != path || route.Secret != (path == "callback"):
				t.Errorf("%s %s: %+v", method, path, route)
			case takes[method] && (what != nil || allow != ""):
				t.Errorf("%s %s is refused: %v, %s", method, path, what, allow)
			case !takes[method] && (what == nil || *what != problem.Method || allow != tt.allow):
				t.Errorf("%s %s: %v, %s", method, path, what, allow)
			}
		}
		early := p.Browser().Request(tt.takes[0], "/_wechat/"+path, "Early-Data: 1")
		if _, what, _ := routes.Find(early, path); (what != nil && *what == problem.TooEarly) != tt.late {
			t.Errorf("%s in early data: %v", path, what)
		}
	}
}

func TestRoutes_NothingElseIsThere(t *testing.T) {
	p, routes := newRoutes(t)
	for path, secret := range map[string]bool{
		"": false, "nothing": false, "Login": false, "login/": false, "official/login": false, "program": false,
		"program/other": false, "callback/": true, "callback%2f": true,
	} {
		route, what, allow := routes.Find(p.Browser().Request("GET", "/_wechat/"), path)
		if what == nil || *what != problem.NotFound || allow != "" || route.Serve != nil || route.Secret != secret {
			t.Errorf("%q: %+v, %v", path, route, what)
		}
	}
}

func TestRoutes_EarlyDataIsToldByTheConnectionOrAProxy(t *testing.T) {
	p, routes := newRoutes(t)
	for name, tt := range map[string]struct {
		tls    *tls.ConnectionState
		header string
		want   bool
	}{
		"a handshake under way":   {&tls.ConnectionState{}, "", true},
		"a complete one":          {&tls.ConnectionState{HandshakeComplete: true}, "", false},
		"no TLS here":             {nil, "", false},
		"a proxy says so":         {nil, "1", true},
		"a proxy that says no":    {nil, "0", false},
		"a proxy, and TLS to it ": {&tls.ConnectionState{HandshakeComplete: true}, "1", true},
	} {
		r := p.Browser().Request("GET", "/_wechat/callback")
		r.TLS = tt.tls
		if tt.header != "" {
			r.Header.Set("Early-Data", tt.header)
		}
		if _, what, _ := routes.Find(r, "callback"); (what != nil) != tt.want {
			t.Errorf("%s: %v", name, what)
		}
	}
}

func TestRoutes_LeadToWhoAnswers(t *testing.T) {
	p, routes := newRoutes(t)
	for _, tt := range []struct {
		method, path, query string
		lines               []string
		status              int
		word                string // of JSON
	}{
		{"GET", "login", "", nil, http.StatusFound, ""},
		{"GET", "login_params", "", []string{sitetest.Fetch}, http.StatusBadRequest, "bad_request"},
		{"GET", "callback", "?code=x&state=x", []string{sitetest.ForImage}, http.StatusUnauthorized, "login_required"},
		{"POST", "logout", "", nil, http.StatusOK, ""},
		{"GET", "me", "", nil, http.StatusUnauthorized, "login_required"},
		{"GET", "health", "", nil, http.StatusOK, ""},
		{"GET", "jssdk", "", []string{sitetest.Fetch}, http.StatusBadRequest, "bad_request"},
		{"POST", "program/login", "", []string{sitetest.Fetch, "", `{"code":"emma"}`}, http.StatusOK, ""},
		{"POST", "program/echo", "", nil, http.StatusUnauthorized, "login_required"},
	} {
		serve := func(w http.ResponseWriter, r *visitor.Request) error {
			route, what, _ := routes.Find(r, tt.path)
			if what != nil {
				t.Fatalf("%s: %v", tt.path, what)
			}
			return route.Serve(routes, w, r)
		}
		a := p.Browser().Send(serve, tt.method, "/_wechat/"+tt.path+tt.query, tt.lines...).Want(t, tt.status)
		if tt.word != "" {
			a.WantWord(t, tt.status, tt.word)
		}
	}
}
