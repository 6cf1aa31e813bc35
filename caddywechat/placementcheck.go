package caddywechat

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

// gatedServers are the servers with gates that are in use or being provisioned: the first gate of a server checks where
// all of them stand, for it comes before any of them is more than JSON.
var gatedServers = caddy.NewUsagePool()

type gatedServer struct{}

// Destruct implements [caddy.Destructor].
func (gatedServer) Destruct() error { return nil }

// checkPlacement refuses a server whose gates stand where they can never work. The error names the site.
func (h *Handler) checkPlacement(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil
	}
	_, isChecked, err := gatedServers.LoadOrNew(server, func() (caddy.Destructor, error) { return gatedServer{}, nil })
	if err != nil {
		return err
	}
	h.lease.server = server
	if isChecked {
		return nil
	}
	tree := readServer(server, true)
	if tree == nil {
		return nil
	}
	return placement.Check(tree, func(r placement.Request, prefix string) bool {
		return isAtAnotherServer(ctx, server, r, prefix)
	})
}

// leaveServer gives back what checkPlacement took, nil for nothing.
func leaveServer(server *caddyhttp.Server) error {
	if server == nil {
		return nil
	}
	_, err := gatedServers.Delete(server)
	return err
}

// isAtAnotherServer reports whether a request could come to a gate with that prefix on another server of this process:
// a proxy in front may send some paths to one, and some to another.
func isAtAnotherServer(ctx caddy.Context, server *caddyhttp.Server, r placement.Request, prefix string) bool {
	for _, module := range ctx.Modules() {
		app, ok := module.(*caddyhttp.App)
		if !ok {
			continue
		}
		for _, other := range app.Servers {
			if other == server {
				continue
			}
			if tree := readServer(other, false); tree == nil || tree.Reaches(r, prefix) {
				return true
			}
		}
	}
	return false
}
