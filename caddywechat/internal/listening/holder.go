package listening

import (
	"fmt"
	"net/netip"
	"strings"
)

// Holder is another process that listens on a port.
type Holder struct {
	// Addr is where it listens; unspecified: at every address of this machine.
	Addr netip.AddrPort

	// UID is the user that it runs as.
	UID int

	// PID is its process id; 0 where this process may not see that.
	PID int

	// Program is its name, empty where PID is 0.
	Program string
}

// String names the holder as far as it can be told, such as "nginx (process 812)".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("%s (process %d)", h.Program, h.PID)
}

// Names names holders, each once. It is empty where there are none.
func Names(holders []Holder) string {
	var names []string
	seen := make(map[string]bool)
	for _, h := range holders {
		if name := h.String(); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
