package caddywechat

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(new(App)) }

// App is what the sites of a configuration with wechat_auth have in common. It has no options, and is there wherever such a
// site is.
type App struct {
	stores []*sharedStore // that the sites use
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat", New: func() caddy.Module { return new(App) }}
}

// Start looks at the stores in the background: an operator hears at once of one that does not answer, and not from the first
// visitor. It is not called where a configuration is only validated.
func (a *App) Start() error {
	for _, s := range a.stores {
		s.follow()
	}
	return nil
}

// Stop implements [caddy.App]: a store is followed until no site uses it.
func (*App) Stop() error { return nil }

// useStore makes the app look at the site's store when it starts.
func (h *Handler) useStore(ctx caddy.Context) error {
	app, err := ctx.App("wechat")
	if err != nil {
		return fmt.Errorf("the app wechat: %w", err)
	}
	a := app.(*App)
	a.stores = append(a.stores, h.shared)
	return nil
}

// Interface guards
var _ caddy.App = (*App)(nil)
