package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "caddywechat-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "caddywechat")
	args := []string{"build", "-o", binary}
	if os.Getenv("E2E_RACE") != "" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "../../cmd/caddywechat")...).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
		return 1
	}
	defer func() { stopChromium() }()
	return m.Run()
}

// process is a running binary.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *logBuffer
	// exited is closed when the process has ended.
	exited chan struct{}
}

// home is the environment of a process that finds nothing of this machine's user.
func home(t *testing.T, env ...string) []string {
	dir := t.TempDir()
	return append(append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir), env...)
}

// start runs the binary until the test ends.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = env
	return startCommand(t, cmd)
}

// startProgram runs another program until the test ends.
func startProgram(t *testing.T, path string, args ...string) *process {
	t.Helper()
	return startCommand(t, exec.Command(path, args...))
}

// startInstance runs the program of an instance until the test ends.
func startInstance(i *instance) *process {
	i.t.Helper()
	cmd := exec.Command(i.binary, "run", "--config", i.config, "--adapter", "caddyfile")
	cmd.Env = i.env
	return startCommand(i.t, cmd)
}

func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, log: new(logBuffer), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.stop()
		for _, trouble := range []string{"DATA RACE", "panic"} {
			if _, report, found := strings.Cut(p.log.String(), trouble); found {
				t.Errorf("the process raced or panicked: %s%s", trouble, report[:min(len(report), 4000)])
			}
		}
	})
	return p
}

// stop ends the process as Ctrl-C does.
func (p *process) stop() {
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.exited
		p.t.Errorf("the process did not end:\n%s", p.log.tail())
	}
}

// run runs the binary to its end and returns what it printed.
func run(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// waitFor waits until the process has printed something that matches, and returns the submatches.
func (p *process) waitFor(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var match []string
	p.eventually("the log matches "+pattern, func() bool {
		match = re.FindStringSubmatch(p.log.String())
		return match != nil
	})
	return match
}

// eventually waits for something that the process is about to do.
func (p *process) eventually(what string, done func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		select {
		case <-p.exited:
			p.t.Fatalf("the process ended before %s:\n%s", what, p.log.tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited too long for: %s\n%s", what, p.log.tail())
		}
	}
}

// answers waits until something answers at an address.
func (p *process) answers(url string) {
	p.t.Helper()
	p.eventually(url+" answers", func() bool {
		res, err := http.Get(url)
		if err != nil {
			return false
		}
		res.Body.Close()
		return true
	})
}

// logBuffer collects what a process prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tail returns the end of what was printed, for messages.
func (l *logBuffer) tail() string {
	text := l.String()
	return text[max(0, len(text)-4000):]
}

// nextPort is where freePort looks next: below the ports that the kernel gives away by itself, which somebody could get
// between the moment a port was found free and the moment a process opens it.
var nextPort = func() *atomic.Int32 {
	n := new(atomic.Int32)
	n.Store(int32(15_000 + os.Getpid()%1000*10))
	return n
}()

// freePort returns a port of the loopback interface that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := int(nextPort.Add(1))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// write puts a file into a folder of the test's own and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAll(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return string(b)
}
