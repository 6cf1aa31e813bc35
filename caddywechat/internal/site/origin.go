package site

import (
	"net/http"
	"net/netip"
	"strings"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Origin returns public_url, or what the request says of itself.
func (s *Site) Origin(r *http.Request, server visitor.Server) visitor.Origin {
	if s.config.Public != nil {
		return *s.config.Public
	}
	return s.requestOrigin(r, server)
}

// requestOrigin returns what the request says of itself. Only a proxy that the server trusts is believed about what it
// forwards.
func (s *Site) requestOrigin(r *http.Request, server visitor.Server) visitor.Origin {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	forwarded := forwardedScheme(r.Header)
	if server.IsTrustedProxy(r) {
		if forwarded != "" {
			scheme = forwarded
		}
		if forwardedHost := lastValue(r.Header, "X-Forwarded-Host"); forwardedHost != "" {
			host = forwardedHost
		}
	} else if forwarded == "https" && scheme == "http" && s.config.Public == nil {
		s.forwardedProtoHint.Do(func() {
			s.config.Logger.Warn("a proxy in front says that visitors use https, but it is not trusted, "+
				"so WeChat would send them back to http: "+
				"name it as trusted_proxies in the global option servers, or set public_url",
				zap.String("remote_addr", r.RemoteAddr))
		})
	}
	return visitor.NewOrigin(scheme, host)
}

// forwardedScheme returns the scheme that the nearest proxy says visitors use, "" where it says none that we know. Some
// name that of a WebSocket, others write it large.
func forwardedScheme(h http.Header) string {
	switch strings.ToLower(lastValue(h, "X-Forwarded-Proto")) {
	case "https", "wss":
		return "https"
	case "http", "ws":
		return "http"
	default:
		return ""
	}
}

// lastValue returns the last of the comma-separated values of a header: the one that the nearest proxy wrote.
func lastValue(h http.Header, name string) string {
	lines := h[name]
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

// CheckScheme tells the operator once that visitors may use https, for whom a login that starts by http leads to a
// callback that WeChat refuses or cookies that browsers drop: it comes from a proxy that does not say which they use.
func (s *Site) CheckScheme(r *visitor.Request) {
	if s.config.Public != nil || r.Origin.Secure() || !isPublicName(r.Origin.Hostname()) ||
		forwardedScheme(r.Header) != "" || !isFromProxy(r.Request) {
		return
	}
	s.silentProxyHint.Do(func() {
		s.config.Logger.Warn("a login begins by http, through a proxy that does not say whether visitors use https: "+
			"if they do, have it send X-Forwarded-Proto and name it as trusted_proxies in the global option servers, "+
			"or set public_url",
			zap.String("remote_addr", r.RemoteAddr), zap.String("host", r.Origin.Host))
	})
}

// isFromProxy reports whether a request came through a proxy: it says so, or its sender is on this machine or in a
// private network, where visitors of a public name are not.
func isFromProxy(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return true // a socket of this machine
	}
	ip := address.Addr().Unmap()
	return ip.IsLoopback() || ip.IsPrivate()
}

// isPublicName reports whether a host is a name that the public DNS may have, and no address.
func isPublicName(host string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return false
	}
	for _, suffix := range []string{"localhost", "local", "internal", "lan", "test", "home.arpa"} {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return false
		}
	}
	return strings.Contains(host, ".")
}
