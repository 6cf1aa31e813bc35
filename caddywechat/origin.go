package caddywechat

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// origin is what a visitor's browser calls the site.
type origin struct {
	scheme string // http or https
	host   string // lower case, with the port where it is not the scheme's own
}

func (o origin) String() string { return o.scheme + "://" + o.host }

// secure reports whether browsers reach the site by https, which the names of its cookies depend on.
func (o origin) secure() bool { return o.scheme == "https" }

// hostname returns the host without port: what a cookie belongs to.
func (o origin) hostname() string {
	host, port, ok := cutPort(o.host)
	if ok && isDigits(port) {
		return host
	}
	return o.host
}

// originOf returns public_url, or what the request says of itself.
func (h *Handler) originOf(r *http.Request) origin {
	if h.public != nil {
		return *h.public
	}
	return h.requestOrigin(r)
}

// requestOrigin returns what the request says of itself. Only a proxy that the server trusts is believed about what it
// forwards. Where the host is none, the origin has none either.
func (h *Handler) requestOrigin(r *http.Request) origin {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	forwarded := forwardedScheme(r.Header)
	if isTrustedProxy(r) {
		if forwarded != "" {
			scheme = forwarded
		}
		if forwardedHost := lastValue(r.Header, "X-Forwarded-Host"); forwardedHost != "" {
			host = forwardedHost
		}
	} else if forwarded == "https" && scheme == "http" && h.public == nil {
		h.forwardedProtoHint.Do(func() {
			h.logger.Warn("a proxy in front says that visitors use https, but it is not trusted, so WeChat would send them "+
				"back to http: name it as trusted_proxies in the global option servers, or set public_url",
				zap.String("remote_addr", r.RemoteAddr))
		})
	}
	host = canonicalHost(scheme, host)
	if !isHost(host) {
		host = ""
	}
	return origin{scheme: scheme, host: host}
}

func isTrustedProxy(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
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

// hintAtSilentProxy tells the operator once that visitors may use https, for whom a login that begins by http leads to a
// callback that WeChat refuses or cookies that browsers drop: it comes from a proxy that does not say which they use.
func (h *Handler) hintAtSilentProxy(v *visit) {
	if h.public != nil || v.origin.secure() || !isPublicName(v.origin.hostname()) || forwardedScheme(v.Header) != "" || !isFromProxy(v.Request) {
		return
	}
	h.silentProxyHint.Do(func() {
		h.logger.Warn("a login begins by http, through a proxy that does not say whether visitors use https: if they do, have it "+
			"send X-Forwarded-Proto and name it as trusted_proxies in the global option servers, or set public_url",
			zap.String("remote_addr", v.RemoteAddr), zap.String("host", v.origin.host))
	})
}

// isFromProxy reports whether a request came through a proxy: it says so, or its sender is on this machine or in a private
// network, where visitors of a public name are not.
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

// lastValue returns the last of the comma-separated values of a header: the one that the nearest proxy wrote.
func lastValue(h http.Header, name string) string {
	lines := h[name]
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

// canonicalHost returns a host in lower case, without the dot that may end a name and without the scheme's own port.
func canonicalHost(scheme, host string) string {
	host = strings.ToLower(host)
	name, port, ok := cutPort(host)
	if !ok {
		return strings.TrimSuffix(host, ".")
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return strings.TrimSuffix(name, ".")
	}
	if name, hasDot := strings.CutSuffix(name, "."); hasDot {
		return name + ":" + port
	}
	return host
}

// cutPort cuts host:port. An IPv6 address stands in brackets, which stay.
func cutPort(host string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

// isHost reports whether host can stand in an URL: a name or an address, perhaps with a port.
func isHost(host string) bool {
	name, port, hasPort := cutPort(host)
	if hasPort && !isDigits(port) || name == "" || len(host) > 255 {
		return false
	}
	if address, ok := strings.CutPrefix(name, "["); ok {
		address, ok = strings.CutSuffix(address, "]")
		_, err := netip.ParseAddr(address)
		return ok && err == nil
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

func isDigits(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// isInDomain reports whether browsers keep the session's cookie for an origin.
func (h *Handler) isInDomain(o origin) bool {
	domain := h.cookies.Domain
	return domain == "" || o.hostname() == domain || strings.HasSuffix(o.hostname(), "."+domain)
}
