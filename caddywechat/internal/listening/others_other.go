//go:build !linux

package listening

import "net/netip"

// Others returns who else listens where connections to addr arrive. Here nobody can tell.
func Others(netip.AddrPort) []Holder { return nil }

// Own returns where this process itself listens. Here nobody can tell.
func Own() []netip.AddrPort { return nil }
