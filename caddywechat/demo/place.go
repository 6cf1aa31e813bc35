package demo

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/listening"
)

// place is where the demo listens, and by which host it is opened.
type place struct {
	bind  netip.Addr
	host  string   // of the addresses that are shown, and of the simulator
	site  string   // the host that Caddy answers to; empty: any
	port  int      // of the app
	other []string // further hosts by which this machine may be reached
}

// here is a demo that only this machine sees.
var here = place{bind: netip.AddrFrom4([4]byte{127, 0, 0, 1}), host: "localhost", site: "localhost"}

// findPlace reads where to listen: nothing for this machine alone, an address, or :: and 0.0.0.0 for all of its
// addresses; perhaps with the port of the app.
func findPlace(listen string, port int) (place, error) {
	host, own, err := splitPort(listen)
	if err != nil {
		return place{}, err
	}
	if own != 0 {
		port = own
	}
	if port < 0 || port > 65535 {
		return place{}, fmt.Errorf("port %d: ports are from 1 to 65535", port)
	}
	p := here
	p.port = port
	if listen == "" || host == "localhost" {
		return p, nil
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if p.bind, err = netip.ParseAddr(host); err != nil || p.bind.Zone() != "" {
		return place{}, fmt.Errorf("%q is no address to listen at: write %s", host, suggestions())
	}
	p.bind = p.bind.Unmap()
	switch {
	case p.bind.IsUnspecified():
		p.site, p.host = "", "127.0.0.1" // where there is no other
		for _, private := range listening.Private() {
			switch {
			case p.bind.Is4() && !private.Is4():
			case !p.hasNetwork():
				p.host = bracketed(private)
			default:
				p.other = append(p.other, private.String())
			}
		}
	case p.bind.IsLoopback(), p.bind.IsPrivate():
		p.host = bracketed(p.bind)
		p.site = p.host
	default:
		return place{}, fmt.Errorf("%s is in no private network, and the demo lets everybody who reaches it log in as "+
			"anybody: write %s", p.bind, suggestions())
	}
	return p, nil
}

// isShared reports whether others than this machine may open it.
func (p place) isShared() bool { return !p.bind.IsLoopback() }

// hasNetwork reports whether there is an address that a phone may open.
func (p place) hasNetwork() bool { return p.host != "localhost" && p.host != "127.0.0.1" }

func splitPort(listen string) (host string, port int, err error) {
	if addr, err := netip.ParseAddr(strings.Trim(listen, "[]")); err == nil {
		return addr.String(), 0, nil
	}
	i := strings.LastIndexByte(listen, ':')
	if i == -1 {
		return listen, 0, nil
	}
	if port, err = strconv.Atoi(listen[i+1:]); err != nil || port < 1 || port > 65535 {
		return "", 0, errors.New("what follows the last colon is no port: ports are from 1 to 65535")
	}
	return strings.Trim(listen[:i], "[]"), port, nil
}

// suggestions are what to listen at.
func suggestions() string {
	var found []string
	for _, private := range listening.Private() {
		found = append(found, private.String())
	}
	return strings.Join(append(found, "0.0.0.0 for all addresses of this machine"), ", ")
}

func bracketed(addr netip.Addr) string {
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}
