package caddywechat

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

// treeReader reads the routes of a server that is being provisioned. Some have their handlers already, and JSON no
// longer; the others, and those that are at it, have JSON.
type treeReader struct {
	server *caddyhttp.Server
	// hasNoGateYet says that no handler which is more than JSON is or holds a gate.
	hasNoGateYet bool
	around       []*placement.Route
	inErrors     bool
	left         int // how many routes may still be read
}

// Bounds of what is read: routes that invoke one another have no end.
const (
	maxRoutes = 100_000
	maxDepth  = 50
)

// readServer returns a server's routes, nil where they are too many.
func readServer(server *caddyhttp.Server, hasNoGateYet bool) *placement.Server {
	t := &treeReader{server: server, hasNoGateYet: hasNoGateYet, left: maxRoutes}
	tree := &placement.Server{Routes: t.routes(server.Routes)}
	if server.Errors != nil {
		t.inErrors = true
		tree.Errors = t.routes(server.Errors.Routes)
	}
	if t.left < 0 {
		return nil
	}
	return tree
}

func (t *treeReader) routes(list []caddyhttp.Route) (routes []*placement.Route) {
	for i := range list {
		if t.left--; t.left < 0 || len(t.around) > maxDepth {
			t.left = -1
			return nil
		}
		routes = append(routes, t.route(&list[i]))
		if i > 0 && makesScripts(&list[i-1]) {
			markFallback(routes[i-1], routes[i])
		}
	}
	return routes
}

func (t *treeReader) route(r *caddyhttp.Route) *placement.Route {
	route := &placement.Route{Sets: matcherSets(r), Terminal: r.Terminal, Group: r.Group}
	route.Name, route.IsSite = t.nameOf(r, route.Sets)
	t.around = append(t.around, route)
	for _, h := range r.Handlers {
		route.Handlers = append(route.Handlers, t.handler(h))
	}
	if r.Handlers == nil {
		for _, raw := range r.HandlersRaw {
			route.Handlers = append(route.Handlers, t.handlerRaw(handlerName(raw), raw))
		}
	}
	t.around = t.around[:len(t.around)-1]
	return route
}

func handlerName(raw json.RawMessage) string {
	var h struct {
		Handler string `json:"handler"`
	}
	_ = json.Unmarshal(raw, &h) // who has no name is not known
	return h.Handler
}

// handler reads a handler that has been provisioned.
func (t *treeReader) handler(h caddyhttp.MiddlewareHandler) *placement.Handler {
	switch h := h.(type) {
	case *caddyhttp.Subroute:
		return t.subroute(h)
	case *Handler:
		return &placement.Handler{Name: "wechat_auth", Does: placement.IsGate, Gate: &placement.Gate{Prefix: h.Prefix}}
	}
	module, ok := h.(caddy.Module)
	if !ok {
		return t.unknown("")
	}
	name := module.CaddyModule().ID.Name()
	if !isStandard(name) {
		return t.unknown(name)
	}
	raw, err := json.Marshal(h)
	if err != nil {
		return t.unknown(name)
	}
	return t.handlerRaw(name, raw)
}

// unknown is a handler that has been provisioned, and could be or hold anything.
func (t *treeReader) unknown(name string) *placement.Handler {
	return &placement.Handler{Name: name, Forwards: true, HidesGate: !t.hasNoGateYet}
}

// handlerRaw reads a handler's JSON.
func (t *treeReader) handlerRaw(name string, raw json.RawMessage) *placement.Handler {
	switch name {
	case "subroute":
		subroute := new(caddyhttp.Subroute)
		if json.Unmarshal(raw, subroute) == nil {
			return t.subroute(subroute)
		}
	case "invoke":
		invoke := new(caddyhttp.Invoke)
		if json.Unmarshal(raw, invoke) == nil && t.server.NamedRoutes[invoke.Name] != nil {
			routes := t.routes([]caddyhttp.Route{*t.server.NamedRoutes[invoke.Name]})
			return &placement.Handler{Name: name, Does: placement.HasRoutes, Routes: routes}
		}
	case "wechat_auth":
		if gate := t.gate(raw); gate != nil {
			return &placement.Handler{Name: name, Does: placement.IsGate, Gate: gate}
		}
	default:
		if !bytes.Contains(raw, []byte("wechat_auth")) {
			return standardHandler(name, raw)
		}
	}
	return &placement.Handler{Name: name, Forwards: true, HidesGate: true}
}

func (t *treeReader) subroute(s *caddyhttp.Subroute) *placement.Handler {
	h := &placement.Handler{Name: "subroute", Does: placement.HasRoutes, Routes: t.routes(s.Routes)}
	if s.Errors != nil {
		wasInErrors := t.inErrors
		t.inErrors = true
		h.Errors = t.routes(s.Errors.Routes)
		t.inErrors = wasInErrors
	}
	return h
}

// gate reads a gate's JSON. It returns nil for what provisioning it will refuse.
func (t *treeReader) gate(raw json.RawMessage) *placement.Gate {
	h := new(Handler)
	if json.Unmarshal(raw, h) != nil {
		return nil
	}
	prefix, err := config.ResolveOr(defaultPrefix, "prefix", h.Prefix, config.Prefix)
	if err != nil {
		return nil
	}
	g := &placement.Gate{Name: "wechat_auth", Prefix: prefix, InErrors: t.inErrors, Around: slices.Clone(t.around)}
	if len(h.MatchRaw) == 1 && len(h.MatchRaw[0]) == 1 {
		if json.Unmarshal(h.MatchRaw[0]["path"], &g.Paths) == nil {
			g.Name += " " + strings.Join(g.Paths, " ")
		}
	}
	if h.PublicURL != "" {
		origin, err := config.Resolve("public_url", h.PublicURL, config.Origin)
		if err != nil {
			return nil
		}
		u, err := url.Parse(origin)
		if err != nil {
			return nil
		}
		g.PublicHost = u.Hostname()
	}
	if !h.livesOnOthersLogins() {
		g.Returns = returnsTo(h.AccountsRaw)
	}
	return g
}

// livesOnOthersLogins reports whether a gate may be of use although nobody logs in by it: it has the sessions of
// another host's, or never asks for one.
func (h *Handler) livesOnOthersLogins() bool {
	if h.Session != nil && h.Session.Domain != "" {
		return true
	}
	for _, rule := range h.Rules {
		if rule.Ask == gate.Login || rule.Ask == gate.Userinfo {
			return false
		}
	}
	return len(h.Rules) > 0 && matched(h.Rules[len(h.Rules)-1].MatchRaw) == everything
}

// returnsTo returns the requests by which logins come to a gate with these accounts. Where browsers come, those of
// programs don't count.
func returnsTo(accounts []json.RawMessage) (returns []placement.Request) {
	for _, raw := range accounts {
		var a struct {
			Kind string `json:"kind"`
		}
		if json.Unmarshal(raw, &a) != nil {
			return nil
		}
		module, err := caddy.GetModule(accountNamespace + "." + a.Kind)
		if err != nil {
			return nil
		}
		switch module.New().(type) {
		case account.Redirector:
			return []placement.Request{{Method: http.MethodGet, Path: "/callback"}}
		case account.TokenLogin:
			returns = append(returns, placement.Request{Method: http.MethodPost, Path: "/" + a.Kind + "/login"})
		}
	}
	return returns
}
