package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// parallel is how many tests run at a time unless -parallel says how many. They start programs and wait for them: most
// of the time a processor has nothing to do for a test.
const parallel = 6

// testDir is for what all tests share. It is removed when they are over.
var testDir string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	flag.Parse()
	isGiven := false
	flag.Visit(func(f *flag.Flag) { isGiven = isGiven || f.Name == "test.parallel" })
	if !isGiven {
		flag.Set("test.parallel", strconv.Itoa(parallel))
	}
	var err error
	if testDir, err = os.MkdirTemp("", "caddywechat-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(testDir)
	defer func() { stopChromium() }()
	return m.Run()
}

// buildBinary builds the program under test when the first test needs it.
var buildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(testDir, "caddywechat")
	args := append([]string{"build", "-o", path}, raceFlag()...)
	out, err := exec.Command("go", append(args, "../../cmd/caddywechat")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return path, nil
})

// raceFlag is what go build is told of the race detector: E2E_RACE asks for it.
func raceFlag() []string {
	if os.Getenv("E2E_RACE") == "" {
		return nil
	}
	return []string{"-race"}
}

// binary returns the path of the program under test. With -short tests that need it are skipped.
func binary(t *testing.T) string {
	t.Helper()
	skipIfShort(t)
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// skipIfShort skips tests that start programs, where -short asks for the quick tests only.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped with -short: it starts programs")
	}
}

// patience is how long a test waits for what takes a moment on a machine that has nothing else to do: others may run on
// it, too. It says nothing of how long something may take.
const patience = time.Minute

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
	cmd := exec.Command(binary(t), args...)
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
	skipIfShort(t)
	p := &process{t: t, cmd: cmd, log: new(logBuffer), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// A race is found in the log afterwards: one that is none of ours shall not end the process.
	p.cmd.Env = append(p.cmd.Environ(), "GORACE=halt_on_error=0")
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
			if _, report, found := strings.Cut(withoutCaddysRace(p.log.String()), trouble); found {
				t.Errorf("the process raced or panicked: %s%s", trouble, report[:min(len(report), 4000)])
			}
		}
	})
	return p
}

// raceReport is what the race detector writes of one race.
var raceReport = regexp.MustCompile(`(?s)={18}\nWARNING: DATA RACE\n.*?\n={18}`)

// withoutCaddysRace returns a log without the reports of a race in Caddy 2.11 itself: its TLS app tells of the first
// certificate with a copy of itself, while it starts.
func withoutCaddysRace(log string) string {
	return raceReport.ReplaceAllStringFunc(log, func(report string) string {
		for _, at := range []string{"caddytls.(*TLS).Start()", "caddytls.(*TLS).onEvent()"} {
			if !strings.Contains(report, at) {
				return report
			}
		}
		return ""
	})
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
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), args...)
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
	deadline := time.Now().Add(patience)
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
