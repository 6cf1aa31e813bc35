package listening

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// socket is a line of /proc/net/tcp or tcp6.
type socket struct {
	addr  netip.AddrPort
	uid   int
	inode string
}

// Others returns who else listens where connections to addr arrive. What cannot be read is not told.
func Others(addr netip.AddrPort) []Holder {
	var found []socket
	for _, table := range tables {
		for _, s := range listeningSockets(table) {
			if s.addr.Port() == addr.Port() && overlaps(s.addr.Addr(), addr.Addr()) {
				found = append(found, s)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	ours := socketsOf("/proc/self")
	found = slices.DeleteFunc(found, func(s socket) bool { return ours[s.inode] })
	return holders(found)
}

// Own returns where this process itself listens.
func Own() []netip.AddrPort {
	ours := socketsOf("/proc/self")
	var addrs []netip.AddrPort
	for _, table := range tables {
		for _, s := range listeningSockets(table) {
			if ours[s.inode] {
				addrs = append(addrs, s.addr)
			}
		}
	}
	return addrs
}

// overlaps reports whether connections to one address may arrive at a listener of the other. An unspecified one stands
// for every address, of IPv4 as well where it is IPv6's.
func overlaps(a, b netip.Addr) bool {
	covers := func(a, b netip.Addr) bool { return a == b || a.IsUnspecified() && (a.Is6() || b.Is4()) }
	a, b = a.Unmap(), b.Unmap()
	return covers(a, b) || covers(b, a)
}

// tables are those of sockets.
var tables = []string{"/proc/net/tcp", "/proc/net/tcp6"}

// listeningSockets reads a table of sockets, see proc(5). The kernel lists those that listen before the connections, of
// which there may be very many.
func listeningSockets(table string) []socket {
	const (
		local, state, uid, inode = 1, 3, 7, 9
		listen                   = "0A"
	)
	file, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer file.Close()
	var sockets []socket
	scanner := bufio.NewScanner(file)
	scanner.Scan() // the names of the columns
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) <= inode || fields[state] != listen {
			break
		}
		addr, ok := parseAddr(fields[local])
		user, err := strconv.Atoi(fields[uid])
		if ok && err == nil {
			sockets = append(sockets, socket{addr, user, fields[inode]})
		}
	}
	return sockets
}

// parseAddr reads an address of the table: hexadecimal words of the machine's byte order, a colon, the port.
func parseAddr(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	number, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), ok && err == nil
}

// socketsOf returns the inodes of the sockets that a process has open, by its folder in /proc.
func socketsOf(process string) map[string]bool {
	files, err := os.ReadDir(process + "/fd")
	if err != nil {
		return nil
	}
	inodes := make(map[string]bool)
	for _, file := range files {
		target, err := os.Readlink(process + "/fd/" + file.Name())
		if inode, ok := strings.CutPrefix(target, "socket:["); err == nil && ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

// holders looks for the processes that have the sockets open.
func holders(sockets []socket) []Holder {
	if len(sockets) == 0 {
		return nil
	}
	found := make([]Holder, len(sockets))
	for i, s := range sockets {
		found[i] = Holder{Addr: s.addr, UID: s.uid}
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return found
	}
	for _, process := range processes {
		inodes := socketsOf(process)
		for i, s := range sockets {
			if found[i].PID != 0 || !inodes[s.inode] {
				continue
			}
			name, err := os.ReadFile(process + "/comm")
			pid, notANumber := strconv.Atoi(filepath.Base(process))
			if err == nil && notANumber == nil {
				found[i].PID, found[i].Program = pid, strings.TrimSpace(string(name))
			}
		}
	}
	return found
}
