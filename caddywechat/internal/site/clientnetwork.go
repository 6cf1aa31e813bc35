package site

import (
	"net/netip"
	"slices"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// ClientNetwork returns the network by which limits count the client of a request: its address, of IPv6 the /64 that
// one subscriber has. It is not valid where nobody knows the address.
//
// Caddy's client_ip would not do: unless trusted_proxies_strict is set it is the first address of X-Forwarded-For,
// which clients write as they like, to evade a limit or to turn it on somebody else.
func (s *Site) ClientNetwork(r *visitor.Request) netip.Prefix {
	address := r.Server.ClientAddress(r.Request)
	s.checkProxy(r, address)
	return subscriberOf(address)
}

// subscriberOf returns an address, of IPv6 the /64.
func subscriberOf(address netip.Addr) netip.Prefix {
	bits := 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits) // not valid for an address that is none
	return network
}

// forwardingHeaders are what a proxy is known by that may not be trusted.
var forwardingHeaders = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"}

// checkProxy says once that all who come by a proxy count as one, where one of this network is not trusted.
func (s *Site) checkProxy(r *visitor.Request, peer netip.Addr) {
	isNear := peer.IsPrivate() || peer.IsLoopback() || peer.IsLinkLocalUnicast()
	if !isNear || r.Server.IsTrustedProxy(r.Request) {
		return
	}
	if slices.ContainsFunc(forwardingHeaders, func(name string) bool { return r.Header.Get(name) != "" }) {
		s.clientHint.Do(func() {
			s.config.Logger.Warn("a proxy in front is not trusted, so that limits count all who come by it as one "+
				"address: name it as trusted_proxies in the global option servers",
				zap.String("remote_addr", r.RemoteAddr))
		})
	}
}
