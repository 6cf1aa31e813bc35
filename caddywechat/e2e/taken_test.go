package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// TestPort_OfAnotherCaddyIsTold runs what has a port twice. Caddy's listeners share ports: without a check the second
// process would get some of the visitors of the first, and say nothing.
func TestPort_OfAnotherCaddyIsTold(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who listens")
	}
	port := freeport.Get(t)
	site := gateAt(port, "admin off")
	config := write(t, "Caddyfile", site)
	arguments := []string{"run", "--config", config, "--adapter", "caddyfile"}
	first := start(t, home(t), arguments...)
	first.waitFor("serving initial configuration")

	// The same port, and the port at one address of those that it listens at.
	narrow := write(t, "Caddyfile", strings.Replace(site, "wechat_auth", "bind 127.0.0.1\n\twechat_auth", 1))
	for _, file := range []string{config, narrow} {
		second := start(t, home(t), "run", "--config", file, "--adapter", "caddyfile")
		second.waitFor(fmt.Sprintf(`another process's, too.*another port.*"port":%d.*process %d\)`, port,
			first.cmd.Process.Pid))
		second.stop()
	}
	if strings.Contains(first.log.String(), "another process's") {
		t.Errorf("the first one complains, too:\n%s", first.log.tail())
	}
	for _, command := range [][]string{{"validate"}, {"adapt", "--validate"}} {
		if out, err := run(t, home(t), append(command, "--config", config, "--adapter", "caddyfile")...); err != nil {
			t.Errorf("%s asks who listens: %v\n%s", command, err, out)
		}
	}
	out, err := run(t, home(t), "wechat", "simulator", "--listen", fmt.Sprintf("127.0.0.1:%d", port))
	wantTaken(t, out, err, port, fmt.Sprintf("(process %d)", first.cmd.Process.Pid))
	_, demo := startDemo(t, port)
	if strings.HasSuffix(demo, fmt.Sprintf(":%d", port)) {
		t.Errorf("the demo is at %s", demo)
	}
	first.stop()
	start(t, home(t), arguments...).waitFor("serving initial configuration")
}

// TestPort_OfAnotherProgramIsTold is one that Caddy cannot share. Which of Caddy's apps comes to the port first is by
// chance. It runs alone: a child that this process starts has its listeners for a moment, and would be named instead.
func TestPort_OfAnotherProgramIsTold(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	config := write(t, "Caddyfile", gateAt(port, "admin off"))
	for range 4 {
		out, err := run(t, home(t), "run", "--config", config, "--adapter", "caddyfile")
		wantTaken(t, out, err, port, fmt.Sprintf("%s (process %d)", filepath.Base(os.Args[0]), os.Getpid()))
	}
}

// gateAt is a site at a port, below a global option.
func gateAt(port int, option string) string {
	return fmt.Sprintf(`{
	%s
}
http://:%d {
	wechat_auth {
		official_account wx0123456789abcdef 0123456789abcdef0123456789abcdef
	}
	respond hello
}
`, option, port)
}

// wantTaken checks that a command failed and named the port, and on Linux who has it.
func wantTaken(t *testing.T, out string, err error, port int, by string) {
	t.Helper()
	exit, ok := err.(*exec.ExitError)
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	if !strings.Contains(out, fmt.Sprint(port)) || runtime.GOOS == "linux" && !strings.Contains(out, by) {
		t.Errorf("it does not say that %d is taken by %s:\n%s", port, by, out)
	}
	if !strings.Contains(out, "another port") && !strings.Contains(out, "--listen") {
		t.Errorf("it does not say what to do:\n%s", out)
	}
}

// TestAdminAddress_ThatIsSharedIsTold warns only: many leave it as it is.
func TestAdminAddress_ThatIsSharedIsTold(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who listens")
	}
	admin := freeport.Get(t)
	var processes []*process
	for range 2 {
		port := freeport.Get(t)
		config := write(t, "Caddyfile", gateAt(port, fmt.Sprintf("admin 127.0.0.1:%d", admin)))
		p := start(t, home(t), "run", "--config", config, "--adapter", "caddyfile")
		p.waitFor("serving initial configuration")
		processes = append(processes, p)
	}
	processes[1].waitFor(fmt.Sprintf(`another process listens at this address.*127\.0\.0\.1:%d.*process %d`,
		admin, processes[0].cmd.Process.Pid))
	if strings.Contains(processes[0].log.String(), "another process listens") {
		t.Errorf("the first one warns, too:\n%s", processes[0].log.tail())
	}
}
