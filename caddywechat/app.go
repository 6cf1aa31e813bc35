package caddywechat

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/listening"
)

func init() { caddy.RegisterModule(new(App)) }

// App is what wechat_auth needs once for a whole configuration. It has no options, and is there wherever a site has
// wechat_auth.
//
// It refuses to start where another process of the same user listens at a port of the configuration already: the system
// would hand each of them some of the connections, and what one refuses the other may let through.
type App struct {
	ctx    caddy.Context
	logger *zap.Logger
	stores []*sharedStore // that the sites use
}

// appName is the app's name in Caddy's configuration.
const appName = "wechat"

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

// Provision implements [caddy.Provisioner].
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger = ctx, ctx.Logger()
	return nil
}

// useStore makes the app look at the site's store when it starts.
func (h *Handler) useStore(ctx caddy.Context) error {
	app, err := ctx.App(appName)
	if err != nil {
		return fmt.Errorf("the app wechat: %w", err)
	}
	a := app.(*App)
	a.stores = append(a.stores, h.shared)
	return nil
}

// Start implements [caddy.App]. Caddy starts its apps in any order: the ports may be this process's by now. It looks at the
// stores in the background: an operator hears at once of one that does not answer, and not from the first visitor.
// It is not called where a configuration is only validated.
func (a *App) Start() error {
	sites := a.siteAddrs()
	for _, addr := range sites {
		if names := sharers(addr); names != "" {
			return fmt.Errorf("port %d is taken by %s: end that, or give this configuration another port",
				addr.Port(), names)
		}
	}
	for _, addr := range listening.Own() {
		if names := sharers(addr); names != "" && !slices.Contains(sites, addr) {
			a.logger.Warn("another process listens at this address, too, which may be that of the admin API: what is meant "+
				"for one reaches the other; end it, or give one of them another address by the global option admin",
				zap.Stringer("address", addr), zap.String("by", names))
		}
	}
	for _, s := range a.stores {
		s.follow()
	}
	return nil
}

// Stop implements [caddy.App]: a store is followed until no site uses it.
func (*App) Stop() error { return nil }

// Cleanup implements [caddy.CleanerUpper]. Where Caddy itself could not open a port, it says who has it.
func (a *App) Cleanup() error {
	cause := context.Cause(a.ctx)
	if cause == nil || !strings.Contains(cause.Error(), syscall.EADDRINUSE.Error()) {
		return nil
	}
	for _, addr := range a.siteAddrs() {
		if names := listening.Names(listening.Others(addr)); names != "" {
			a.logger.Error("a port of this configuration is taken: end the process that has it, or choose another port",
				zap.Uint16("port", addr.Port()), zap.String("by", names))
		}
	}
	return nil
}

// sharers names the other processes with which this one may share connections to addr, "" if there are none. The system
// lets only those of one user share a port.
func sharers(addr netip.AddrPort) string {
	stranger := func(h listening.Holder) bool { return h.UID != os.Geteuid() }
	return listening.Names(slices.DeleteFunc(listening.Others(addr), stranger))
}

// maxPorts is how many ports of one range are looked at.
const maxPorts = 100

// siteAddrs returns where the configuration's sites listen, as far as those are addresses.
func (a *App) siteAddrs() (addrs []netip.AddrPort) {
	module, err := a.ctx.App("http")
	app, ok := module.(*caddyhttp.App)
	if err != nil || !ok {
		return nil
	}
	for _, server := range app.Servers {
		for _, listen := range server.Listen {
			at, err := caddy.ParseNetworkAddress(listen)
			if err != nil || !strings.HasPrefix(at.Network, "tcp") {
				continue
			}
			ip, err := listenIP(at)
			if err != nil {
				continue
			}
			for offset := range min(at.PortRangeSize(), maxPorts) {
				if port := at.StartPort + offset; port != 0 {
					addrs = append(addrs, netip.AddrPortFrom(ip, uint16(port)))
				}
			}
		}
	}
	return addrs
}

// listenIP returns the address that stands for the host of a listener.
func listenIP(at caddy.NetworkAddress) (netip.Addr, error) {
	switch {
	case at.Host == "" && at.Network == "tcp4":
		return netip.IPv4Unspecified(), nil
	case at.Host == "":
		return netip.IPv6Unspecified(), nil
	case at.Host == "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	ip, err := netip.ParseAddr(at.Host)
	if err != nil {
		return netip.Addr{}, errors.New("a name")
	}
	return ip.Unmap(), nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
