package listening

import (
	"net"
	"net/netip"
	"slices"
)

// Private returns the addresses of this machine in private networks, where phones in the same network reach it: the one
// that it would send from first, IPv4 before IPv6.
func Private() []netip.Addr {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var found []netip.Addr
	for _, a := range interfaces {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsPrivate() {
			found = append(found, prefix.Addr())
		}
	}
	first := outgoing()
	rank := func(a netip.Addr) int {
		switch {
		case a == first:
			return 0
		case a.Is4():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	return found
}

// outgoing returns the address that this machine sends from. Nothing is sent to learn it.
func outgoing() netip.Addr {
	c, err := net.Dial("udp4", "198.51.100.1:9") // an address for documentation, which is nobody's
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
