package caddywechat

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// maxHops bounds how many proxies of a chain are looked at.
const maxHops = 16

// networkOf returns the network by which limits count the client of a request: its address, of IPv6 the /64 that one
// subscriber has. It is not valid where nobody knows the address.
//
// Caddy's client_ip would not do: unless trusted_proxies_strict is set it is the first address of X-Forwarded-For,
// which clients write as they like, to evade a limit or to turn it on somebody else.
func (h *Handler) networkOf(v *visit) netip.Prefix {
	address := clientAddress(v.Request)
	h.hintAtProxy(v, address)
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

// clientAddress returns the nearest address on a request's way that is no trusted proxy's: the peer's or, where that
// is trusted, the last one of those that trusted proxies wrote down. Where all are trusted it is the farthest of
// them.
func clientAddress(r *http.Request) netip.Addr {
	peer := parseAddress(r.RemoteAddr)
	if !isTrustedProxy(r) {
		return peer
	}
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return peer
	}
	farthest := peer
	for _, name := range server.ClientIPHeaders {
		hops := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
		slices.Reverse(hops)
		for _, hop := range hops[:min(len(hops), maxHops)] {
			if strings.TrimSpace(hop) == "" {
				continue
			}
			address := parseAddress(hop)
			if !address.IsValid() {
				return farthest // whoever wrote it did not know, and what stands before it is anybody's
			}
			if !isTrustedHop(r, server, address) {
				return address
			}
			farthest = address
		}
	}
	return farthest
}

// isTrustedHop reports whether an address is one of the server's trusted proxies. Only the server knows them, and it
// says so of a request's peer.
func isTrustedHop(r *http.Request, server *caddyhttp.Server, address netip.Addr) bool {
	asked := &http.Request{
		Method: r.Method, URL: new(url.URL), Host: r.Host, Header: http.Header{},
		RemoteAddr: net.JoinHostPort(address.String(), "0"),
	}
	asked = caddyhttp.PrepareRequest(asked.WithContext(r.Context()), caddy.NewReplacer(), nil, server)
	return isTrustedProxy(asked)
}

// parseAddress reads an address as proxies write it, with or without a port. It is not valid where there is none.
func parseAddress(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	text, _, _ = strings.Cut(strings.Trim(text, "[]"), "%")
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}

// forwardingHeaders are what a proxy is known by that may not be trusted.
var forwardingHeaders = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"}

// hintAtProxy says once that all who come by a proxy count as one, where one of this network is not trusted.
func (h *Handler) hintAtProxy(v *visit, peer netip.Addr) {
	if isTrustedProxy(v.Request) || !peer.IsPrivate() && !peer.IsLoopback() && !peer.IsLinkLocalUnicast() {
		return
	}
	if slices.ContainsFunc(forwardingHeaders, func(name string) bool { return v.Header.Get(name) != "" }) {
		h.clientHint.Do(func() {
			h.logger.Warn("a proxy in front is not trusted, so that limits count all who come by it as one address: name it as "+
				"trusted_proxies in the global option servers", zap.String("remote_addr", v.RemoteAddr))
		})
	}
}
