package caddywechat

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/listening"
)

// tellOfSharedPorts says which of the sites' ports another process of the same user listens at, too. Nothing else does:
// Caddy's listeners share ports, so that one process can take over from another.
func (a *App) tellOfSharedPorts(sites []netip.AddrPort) {
	for _, addr := range sites {
		if names := a.lastingSharers(addr); names != "" {
			a.logger.Error("a port of this configuration is another process's, too: "+
				"each gets some of the visitors, and what one refuses the other may let through; "+
				"end that process, or give this configuration another port",
				zap.Uint16("port", addr.Port()), zap.String("by", names))
		}
	}
	for _, addr := range listening.Own() {
		if names := a.lastingSharers(addr); names != "" && !slices.Contains(sites, addr) {
			a.logger.Warn("another process listens at this address, too, which may be that of the admin API: "+
				"what is meant for one reaches the other; "+
				"end it, or give one of them another address by the global option admin",
				zap.Stringer("address", addr), zap.String("by", names))
		}
	}
}

// lastingSharers is [sharers] for what is still so a second later: a listener that this process closes meanwhile, as a
// reload does, seems to be somebody else's.
func (a *App) lastingSharers(addr netip.AddrPort) string {
	if sharers(addr) == "" {
		return ""
	}
	select {
	case <-time.After(time.Second):
		return sharers(addr)
	case <-a.ctx.Done():
		return ""
	}
}

// tellOfTakenPorts says, where Caddy itself could not open a port, who has it.
func (a *App) tellOfTakenPorts() {
	cause := context.Cause(a.config)
	if cause == nil || !strings.Contains(cause.Error(), syscall.EADDRINUSE.Error()) {
		return
	}
	for _, addr := range a.siteAddrs() {
		if names := listening.Names(listening.Others(addr)); names != "" {
			a.logger.Error("a port of this configuration is taken: end the process that has it, or choose another port",
				zap.Uint16("port", addr.Port()), zap.String("by", names))
		}
	}
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
	module, err := a.config.App("http")
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
