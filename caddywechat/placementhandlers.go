package caddywechat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

// What Caddy's own handlers do to requests that come to them.
var standardHandlers = map[string]placement.Does{
	"authentication":        placement.PassesOn, // those who are known
	"copy_response_headers": placement.PassesOn,
	"encode":                placement.PassesOn,
	"headers":               placement.PassesOn,
	"intercept":             placement.PassesOn,
	"log_append":            placement.PassesOn,
	"map":                   placement.PassesOn,
	"push":                  placement.PassesOn,
	"request_body":          placement.PassesOn,
	"templates":             placement.PassesOn,
	"timeouts":              placement.PassesOn,
	"tracing":               placement.PassesOn,
	"vars":                  placement.PassesOn,
	"wechat_verify":         placement.PassesOn, // all but a few files
	"rewrite":               placement.Rewrites,
	"error":                 placement.Answers,
	"file_server":           placement.Answers,
	"metrics":               placement.Answers,
	"reverse_proxy":         placement.Answers,
	"static_response":       placement.Answers,
	"invoke":                placement.HasRoutes,
}

func isStandard(name string) bool {
	_, ok := standardHandlers[name]
	return ok
}

// standardHandler reads the JSON of a handler that holds no gate.
func standardHandler(name string, raw json.RawMessage) *placement.Handler {
	h := &placement.Handler{Name: name, Does: standardHandlers[name]}
	var options struct {
		Abort          bool                       `json:"abort"`
		HandleResponse []json.RawMessage          `json:"handle_response"`
		Headers        map[string]json.RawMessage `json:"headers"`
		PassThru       bool                       `json:"pass_thru"`
		StatusCode     any                        `json:"status_code"`
	}
	switch name {
	case "file_server", "reverse_proxy", "static_response":
		if json.Unmarshal(raw, &options) != nil {
			return &placement.Handler{Name: name, Forwards: true}
		}
	}
	switch {
	case h.Does == placement.MayAnswer:
		h.Forwards = true
	case name == "file_server" && options.PassThru:
		h.Does = placement.MayAnswer
	case name == "reverse_proxy":
		h.Forwards = true
		if len(options.HandleResponse) > 0 { // forward_auth is such a one
			h.Does = placement.MayAnswer
		}
	case name == "static_response":
		status := fmt.Sprint(options.StatusCode)
		switch {
		case options.Abort:
			h.Name = "abort"
		case status == "103" || strings.Contains(status, "{"): // hints come before the answer
			h.Does = placement.MayAnswer
		case len(options.Headers["Location"]) > 0:
			h.Name, h.Does = "redir", placement.Redirects
		default:
			h.Name = "respond"
		}
	}
	return h
}

// makesScripts reports whether a route makes a script of every path that is no file, as the first of those does that
// php_fastcgi stands for.
func makesScripts(r *caddyhttp.Route) bool {
	var raw json.RawMessage
	switch {
	case len(r.MatcherSets) == 1 && len(r.MatcherSets[0]) == 1 && matcherName(r.MatcherSets[0][0]) == "file":
		raw, _ = json.Marshal(r.MatcherSets[0][0])
	case len(r.MatcherSetsRaw) == 1 && len(r.MatcherSetsRaw[0]) == 1:
		raw = r.MatcherSetsRaw[0]["file"]
	}
	var file struct {
		TryFiles  []string `json:"try_files"`
		TryPolicy string   `json:"try_policy"`
	}
	if json.Unmarshal(raw, &file) != nil || file.TryPolicy != "first_exist_fallback" {
		return false
	}
	return len(file.TryFiles) > 0 && strings.HasSuffix(file.TryFiles[len(file.TryFiles)-1], ".php")
}

// markFallback marks the route that takes the scripts which the one before it makes, where it is one for nothing but
// these.
func markFallback(before, r *placement.Route) {
	if len(before.Handlers) == 0 || before.Handlers[0].Does != placement.Rewrites {
		return
	}
	if len(r.Handlers) == 0 || r.Handlers[0].Name != "reverse_proxy" {
		return
	}
	for _, set := range r.Sets {
		if len(set) != 1 {
			return
		}
		path, ok := set[0].(*placement.Path)
		if !ok || !slices.Contains(path.Patterns, "*.php") {
			return
		}
	}
	r.IsFallback = len(r.Sets) > 0
	r.Handlers[0].Name = "php_fastcgi"
}
