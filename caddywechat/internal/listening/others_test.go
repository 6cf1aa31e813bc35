package listening

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain is also the other process: one that listens where it is told until its input ends.
func TestMain(m *testing.M) {
	if addr := os.Getenv("LISTEN_AT"); addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString(l.Addr().String() + "\n")
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// elsewhere lets another process listen and returns where.
func elsewhere(t *testing.T, addr string) (at netip.AddrPort, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_AT="+addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	at, err = netip.ParseAddrPort(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Skipf("the other process cannot listen at %s: %s", addr, line[:n])
	}
	return at, cmd.Process.Pid
}

func TestOthers_FindsWhoListensWhereConnectionsArrive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who listens")
	}
	program := filepath.Base(os.Args[0])
	program = program[:min(len(program), 15)] // as the kernel cuts it
	for theirs, reached := range map[string]map[string]bool{
		"127.0.0.1:0": {
			"127.0.0.1": true, "0.0.0.0": true, "::": true, "::ffff:127.0.0.1": true, "127.0.0.2": false, "::1": false,
		},
		"0.0.0.0:0": {"127.0.0.2": true, "::": true},
		"[::]:0":    {"127.0.0.2": true, "::1": true, "0.0.0.0": true},
		"[::1]:0":   {"::1": true, "::": true, "0.0.0.0": false},
	} {
		t.Run(theirs, func(t *testing.T) {
			at, pid := elsewhere(t, theirs)
			for ours, want := range reached {
				addr := netip.MustParseAddr(ours)
				got := Others(netip.AddrPortFrom(addr, at.Port()))
				if !want {
					if len(got) != 0 {
						t.Errorf("%s: got %v", ours, got)
					}
					continue
				}
				holder := Holder{PID: pid, Program: program, UID: os.Getuid()}
				if len(got) == 1 {
					holder.Addr = netip.AddrPortFrom(got[0].Addr.Addr(), at.Port())
				}
				if !slices.Equal(got, []Holder{holder}) {
					t.Fatalf("%s: got %+v, want %+v", ours, got, holder)
				}
				name := program + " (process " + strconv.Itoa(pid) + ")"
				if twice := append(got, got...); Names(twice) != name {
					t.Errorf("got %s, want %s", Names(twice), name)
				}
				if got := Others(netip.AddrPortFrom(addr, at.Port()+1)); len(got) != 0 {
					t.Errorf("another port: %v", got)
				}
			}
		})
	}
}

func TestOthers_LeavesOutThisProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	if got := Others(at); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	// A connection is no listener.
	c, err := net.DialTimeout("tcp", at.String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := Others(c.LocalAddr().(*net.TCPAddr).AddrPort()); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
