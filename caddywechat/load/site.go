//go:build linux

package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

//go:embed *.Caddyfile
var caddyfiles embed.FS

// site is a running binary with one of the Caddyfiles.
type site struct {
	*process
	caddyfile []byte
	url       string // http://localhost and a port
	admin     string // the URL of the admin API
	storage   string // the folder in which it remembers
}

// startTimeout is how long the binary may take until it answers.
const startTimeout = 20 * time.Second

// startSite runs the binary with the Caddyfile of a name, which gets further values from its environment.
func (w *world) startSite(ctx context.Context, name string, values ...string) (*site, error) {
	file := name + ".Caddyfile"
	text, err := caddyfiles.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the Caddyfile of %s: %w", name, err)
	}
	path := filepath.Join(w.folder, file)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("writing the Caddyfile of %s: %w", name, err)
	}
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	admin, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	s := &site{
		caddyfile: text,
		url:       fmt.Sprintf("http://localhost:%d", port),
		admin:     fmt.Sprintf("http://127.0.0.1:%d", admin),
		storage:   filepath.Join(w.folder, name+".storage"),
	}
	cmd := exec.Command(w.binary, "run", "--config", path, "--adapter", "caddyfile")
	cmd.Env = append(append(os.Environ(),
		"HOME="+w.folder, "XDG_CONFIG_HOME="+w.folder, "XDG_DATA_HOME="+w.folder, // nothing of this machine's user
		"LOAD_PORT="+strconv.Itoa(port),
		"LOAD_ADMIN="+strconv.Itoa(admin),
		"LOAD_STORAGE="+s.storage,
		"LOAD_PLATFORM="+w.platform,
		"LOAD_APP_ID="+simulator.DemoAppID,
		"LOAD_APP_SECRET="+simulator.DemoSecret,
	), values...)
	if s.process, err = start(name, cmd); err != nil {
		return nil, err
	}
	if err := s.untilReady(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// untilReady waits until the site and the admin API answer.
func (s *site) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := s.adminCall(ctx, http.MethodGet, "/config/", nil, io.Discard)
		if err == nil {
			var conn net.Conn
			if conn, err = new(net.Dialer).DialContext(ctx, "tcp4", strings.TrimPrefix(s.url, "http://")); err == nil {
				return conn.Close()
			}
		}
		select {
		case <-s.exited:
			advice := ""
			if strings.Contains(s.log.String(), "address already in use") {
				advice = ": another program took a port that was free a moment ago, run this again"
			}
			return fmt.Errorf("%s ended instead of starting%s\n%s", s.name, advice, s.log)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", s.name, err, s.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// reload gives the site its configuration anew.
func (s *site) reload(ctx context.Context) error {
	if err := s.adminCall(ctx, http.MethodPost, "/load", s.caddyfile, io.Discard); err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	return nil
}

// memory is what Go says of a process's memory.
type memory struct {
	Mallocs   uint64 // allocations since it began
	HeapAlloc uint64 // bytes in use
}

func (s *site) memory(ctx context.Context) (memory, error) {
	var said bytes.Buffer
	if err := s.adminCall(ctx, http.MethodGet, "/debug/vars", nil, &said); err != nil {
		return memory{}, fmt.Errorf("asking %s for its memory: %w", s.name, err)
	}
	var vars struct{ Memstats memory }
	if err := json.Unmarshal(said.Bytes(), &vars); err != nil {
		return memory{}, fmt.Errorf("asking %s for its memory: %w", s.name, err)
	}
	if vars.Memstats.Mallocs == 0 {
		return memory{}, fmt.Errorf("asking %s for its memory: the answer has no memstats", s.name)
	}
	return vars.Memstats, nil
}

// collectGarbage makes the process free what it does not use. The heap's profile, which does that first, is not wanted.
func (s *site) collectGarbage(ctx context.Context) error {
	if err := s.adminCall(ctx, http.MethodGet, "/debug/pprof/heap?gc=1", nil, io.Discard); err != nil {
		return fmt.Errorf("collecting garbage: %w", err)
	}
	return nil
}

var goroutineTotal = regexp.MustCompile(`^goroutine profile: total (\d+)`)

func (s *site) goroutines(ctx context.Context) (int, error) {
	var profile strings.Builder
	if err := s.adminCall(ctx, http.MethodGet, "/debug/pprof/goroutine?debug=1", nil, &profile); err != nil {
		return 0, fmt.Errorf("counting goroutines: %w", err)
	}
	match := goroutineTotal.FindStringSubmatch(profile.String())
	if match == nil {
		return 0, errors.New("counting goroutines: the profile has no total")
	}
	return strconv.Atoi(match[1])
}

// adminClient keeps no connections: they would count among those of the process that is measured, and the admin API
// begins anew with each configuration.
var adminClient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// adminCall asks the admin API, and writes what it answers to out.
func (s *site) adminCall(ctx context.Context, method, path string, caddyfile []byte, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, s.admin+path, bytes.NewReader(caddyfile))
	if err != nil {
		return err
	}
	if caddyfile != nil {
		req.Header.Set("Content-Type", "text/caddyfile")
		req.Header.Set("Cache-Control", "must-revalidate") // also where it is the one that runs
	}
	res, err := adminClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, said)
	}
	_, err = io.Copy(out, res.Body)
	return err
}

// getJSON reads what an address answers, without a cookie or a proxy.
func getJSON(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := adminClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}
