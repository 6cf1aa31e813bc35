package visitor

import (
	"net/netip"
	"strings"
)

// Origin is what a visitor's browser calls a site. Without a host nobody can say what that is.
type Origin struct {
	Scheme string // http or https
	Host   string // lower case, with the port where it is not the scheme's own; "" where the request names none
}

// NewOrigin returns the origin of a host as a request or an address writes it: see [CanonicalHost]. What cannot stand
// in a URL is no host.
func NewOrigin(scheme, host string) Origin {
	host = CanonicalHost(scheme, host)
	if !isHost(host) {
		host = ""
	}
	return Origin{Scheme: scheme, Host: host}
}

// String returns the origin as URLs begin.
func (o Origin) String() string { return o.Scheme + "://" + o.Host }

// Secure reports whether browsers reach the site by https, which the names of its cookies depend on.
func (o Origin) Secure() bool { return o.Scheme == "https" }

// Hostname returns the host without port: what a cookie belongs to.
func (o Origin) Hostname() string {
	host, port, ok := cutPort(o.Host)
	if ok && isDigits(port) {
		return host
	}
	return o.Host
}

// CanonicalHost returns a host in lower case, without the dot that may end a name and without the scheme's own port.
func CanonicalHost(scheme, host string) string {
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

// isHost reports whether host can stand in a URL: a name or an address, perhaps with a port.
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
