package caddywechat

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// inSite puts the site's name before the error of a handler that is being provisioned: Caddy itself says only where in
// its JSON the handler stands.
func inSite(ctx caddy.Context, err error) error {
	if err == nil {
		return nil
	}
	if site := siteOf(ctx); site != "" {
		return fmt.Errorf("site %s: %w", site, err)
	}
	return err
}

// siteOf returns the hosts that the handler's requests are for, or else the addresses that its server listens on; ""
// where it stands in no server.
func siteOf(ctx caddy.Context) string {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return ""
	}
	lists := []caddyhttp.RouteList{server.Routes}
	if server.Errors != nil {
		lists = append(lists, server.Errors.Routes)
	}
	hosts := currentHosts(lists)
	for _, module := range ctx.Modules() {
		if subroute, ok := module.(*caddyhttp.Subroute); ok {
			lists := []caddyhttp.RouteList{subroute.Routes}
			if subroute.Errors != nil {
				lists = append(lists, subroute.Errors.Routes)
			}
			if inner := currentHosts(lists); len(inner) > 0 {
				hosts = inner
			}
		}
	}
	if len(hosts) == 0 {
		hosts = server.Listen
	}
	const most = 3
	if len(hosts) > most {
		return strings.Join(hosts[:most], ", ") + " …"
	}
	return strings.Join(hosts, ", ")
}

// currentHosts returns the hosts that the route asks for whose handlers are being provisioned: the first one that has
// them in JSON only. Lists are provisioned one after the other, and each has its matchers before any handlers.
func currentHosts(lists []caddyhttp.RouteList) (hosts []string) {
	for _, list := range lists {
		for _, route := range list {
			if route.HandlersRaw == nil || route.Handlers != nil {
				continue
			}
			for _, set := range route.MatcherSets {
				for _, matcher := range set {
					if host, ok := matcher.(*caddyhttp.MatchHost); ok {
						hosts = append(hosts, *host...)
					}
				}
			}
			return hosts
		}
	}
	return nil
}
