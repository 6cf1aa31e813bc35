package listening

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"
)

// TakenError says that somebody listens at a port already.
type TakenError struct {
	Port uint16 // the one that was to be opened
	By   string // who, as far as that can be told
	Err  error  // the system's
}

// Error names the port and who has it.
func (e *TakenError) Error() string { return fmt.Sprintf("port %d is taken by %s", e.Port, e.By) }

// Unwrap returns the system's error.
func (e *TakenError) Unwrap() error { return e.Err }

// Listen opens a TCP address, and shares it with nobody. Its error is a [TakenError] where the port is taken.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // the rest of it repeats the address
	}
	host, port, _ := net.SplitHostPort(address)
	number, invalid := strconv.ParseUint(port, 10, 16)
	if invalid != nil || !isTaken(err) {
		return nil, fmt.Errorf("listening at %s: %w", address, err)
	}
	taken := &TakenError{Port: uint16(number), Err: err}
	taken.By = Names(Others(netip.AddrPortFrom(hostAddr(host), taken.Port)))
	if taken.By == "" {
		taken.By = Holder{}.String()
	}
	return nil, taken
}

// hostAddr returns the address of a listener's host.
func hostAddr(host string) netip.Addr {
	switch ip, err := netip.ParseAddr(host); {
	case err == nil:
		return ip
	case host == "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		return netip.IPv6Unspecified()
	}
}

func isTaken(err error) bool {
	const winsock = syscall.Errno(10048) // WSAEADDRINUSE
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, winsock)
}
