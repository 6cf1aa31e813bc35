package caddywechat

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

// nameOf returns what a Caddyfile calls a route with these matchers, as far as its JSON tells, and whether it is a
// site.
func (t *treeReader) nameOf(r *caddyhttp.Route, sets []placement.Set) (name string, isSite bool) {
	var hosts, paths []string
	others := false
	for _, set := range sets {
		for _, m := range set {
			switch m := m.(type) {
			case placement.Host:
				hosts = append(hosts, m...)
			case *placement.Path:
				paths = append(paths, m.Patterns...)
			default:
				others = true
			}
		}
	}
	if len(t.around) == 0 && r.Terminal && len(hosts) > 0 {
		return "the site " + hosts[0] + strings.Join(paths, " "), true
	}
	name = blockName(r)
	switch {
	case len(paths) > 0:
		name += " " + strings.Join(paths, " ")
	case len(hosts) > 0:
		name += " of the host " + strings.Join(hosts, " ")
	case others:
		name += " with a matcher"
	}
	if name, ok := strings.CutPrefix(name, "handle|route"); ok && len(sets) > 0 {
		return "handle" + name + " (or route)", false // one that is alone could be either
	} else if ok {
		return "route", false
	}
	return name, false
}

// blockName returns what the directive of a route is called: handle|route where it is one of these.
func blockName(r *caddyhttp.Route) string {
	var first string
	var inner []caddyhttp.Route
	switch {
	case len(r.HandlersRaw) > 0:
		first = handlerName(r.HandlersRaw[0])
		subroute := new(caddyhttp.Subroute)
		if first == "subroute" && json.Unmarshal(r.HandlersRaw[0], subroute) == nil {
			inner = subroute.Routes
		}
	case len(r.Handlers) > 0:
		first = matcherName(r.Handlers[0])
	}
	if first != "subroute" {
		return first
	}
	if len(inner) > 0 && len(inner[0].HandlersRaw) > 0 &&
		strings.Contains(string(inner[0].HandlersRaw[0]), `"strip_path_prefix"`) {
		return "handle_path"
	}
	if r.Group != "" {
		return "handle"
	}
	return "handle|route"
}
