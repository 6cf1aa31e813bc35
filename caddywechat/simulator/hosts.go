package simulator

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hostShape is a host name as browsers send it, without a port.
var hostShape = regexp.MustCompile(`^[0-9a-z_-]+(\.[0-9a-z_-]+)*$`)

// completeHosts returns the names of the configuration under which browsers may be at the simulator, in lower case.
func (c Config) completeHosts() ([]string, error) {
	var hosts []string
	for _, host := range c.Hosts {
		host = strings.ToLower(host)
		if !hostShape.MatchString(host) {
			return nil, fmt.Errorf("host %q: write the name alone, like sim.example.com, without scheme and port", host)
		}
		hosts = append(hosts, host)
	}
	for _, account := range c.accounts() {
		host, _ := account.callback()
		hosts = append(hosts, host)
	}
	for _, app := range c.WeCom {
		hosts = append(hosts, hostname(app.Domain))
	}
	if u, err := url.Parse(c.PublicURL); err == nil {
		hosts = append(hosts, hostname(u.Host))
	}
	return hosts, nil
}

// knowsHost reports whether the simulator is asked under a name that is its own: an address, a loopback name, or one
// that the configuration names. A page of a stranger's can make any other name resolve to this machine (DNS rebinding),
// and is of the same origin then.
func (s *Simulator) knowsHost(r *http.Request) bool {
	host := hostname(r.Host)
	return net.ParseIP(host) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		host != "" && slices.Contains(s.config.Hosts, host)
}

// hostname returns a host in lower case without port, brackets and the root's dot.
func hostname(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// unknownHost is what a browser is told under a name that is not the simulator's.
func unknownHost(r *http.Request) problem {
	return problem{about: "host", title: "host", ours: true, hint: "host", values: []string{"{host}", hostname(r.Host)}}
}
