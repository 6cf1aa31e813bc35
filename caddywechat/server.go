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

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// server tells what Caddy knows of a request.
type server struct{}

var _ visitor.Server = server{}

// RequestID implements [visitor.Server].
func (server) RequestID(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id
}

// ClientIP implements [visitor.Server], as far as Caddy's trusted_proxies tell.
func (server) ClientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// IsTrustedProxy implements [visitor.Server].
func (server) IsTrustedProxy(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// OmitFromLog implements [visitor.Server].
func (server) OmitFromLog(r *http.Request) { caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) }

// maxHops bounds how many proxies of a chain are looked at.
const maxHops = 16

// ClientAddress implements [visitor.Server]: the peer's address or, where that is a trusted proxy's, the last one of
// those that trusted proxies wrote down and that is none of theirs. Where all are trusted it is the farthest of them.
func (s server) ClientAddress(r *http.Request) netip.Addr {
	peer := parseAddress(r.RemoteAddr)
	if !s.IsTrustedProxy(r) {
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
			if !s.isTrustedHop(r, server, address) {
				return address
			}
			farthest = address
		}
	}
	return farthest
}

// isTrustedHop reports whether an address is one of the server's trusted proxies. Only the server knows them, and it
// says so of a request's peer.
func (s server) isTrustedHop(r *http.Request, server *caddyhttp.Server, address netip.Addr) bool {
	asked := &http.Request{
		Method: r.Method, URL: new(url.URL), Host: r.Host, Header: http.Header{},
		RemoteAddr: net.JoinHostPort(address.String(), "0"),
	}
	asked = caddyhttp.PrepareRequest(asked.WithContext(r.Context()), caddy.NewReplacer(), nil, server)
	return s.IsTrustedProxy(asked)
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
