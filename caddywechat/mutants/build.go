package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// variable is that of the environment which says which guard is out.
const variable = "MUTANT"

// pkg is a package, as go list has it.
type pkg struct {
	Dir        string
	ImportPath string
	Name       string
	GoFiles    []string
}

// load returns the packages that patterns name.
func load(ctx context.Context, patterns []string) (packages []*pkg, err error) {
	arguments := append([]string{"list", "-json=Dir,ImportPath,Name,GoFiles", "--"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", arguments...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := decoder.Decode(p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// switchFile declares in a package what says which guard is out.
const switchFile = `package %s

import (
	"os"
	"strconv"
)

var %s, _ = strconv.Atoi(os.Getenv(%q))
`

// instrument writes into dir the sources of packages with a switch for each guard, and returns the overlay that puts
// them in place of their own.
func instrument(dir string, packages []*pkg) (mutants []mutant, excluded int, overlay string, err error) {
	replace := make(map[string]string)
	write := func(original string, source []byte) error {
		name := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		replace[original] = name
		return os.WriteFile(name, source, 0o600)
	}
	for _, p := range packages {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			source, err := os.ReadFile(path)
			if err != nil {
				return nil, 0, "", err
			}
			found, left, source, err := guards(p, shortName(path), source, len(mutants)+1)
			if err != nil {
				return nil, 0, "", err
			}
			mutants, excluded = append(mutants, found...), excluded+left
			if err := write(path, source); err != nil {
				return nil, 0, "", err
			}
		}
		source := fmt.Sprintf(switchFile, p.Name, switchName, variable)
		if err := write(filepath.Join(p.Dir, "mutant_that_is_out.go"), []byte(source)); err != nil {
			return nil, 0, "", err
		}
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, 0, "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return mutants, excluded, overlay, os.WriteFile(overlay, content, 0o600)
}

// shortName returns a path as seen from here, where that is shorter.
func shortName(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && len(relative) < len(path) {
		return relative
	}
	return path
}

// suite is the tests of a package, built with a switch for each guard.
type suite struct {
	tests
	binary  string // "" where the package has no tests
	skip    string // tests that fail although no guard is out
	timeout time.Duration
	killers killers

	once sync.Once
	err  error
}

// builder makes each suite once, when it is first asked for.
type builder struct {
	dir     string
	overlay string
	timeout time.Duration // 0: by how long the suite takes

	mu     sync.Mutex
	suites map[string]*suite
}

// suite returns the tests of a package.
func (b *builder) suite(ctx context.Context, t tests) (*suite, error) {
	key := t.ImportPath + " " + strconv.FormatBool(t.short)
	b.mu.Lock()
	s := b.suites[key]
	if s == nil {
		s = &suite{tests: t, timeout: b.timeout}
		b.suites[key] = s
	}
	b.mu.Unlock()
	s.once.Do(func() { s.err = b.build(ctx, s) })
	return s, s.err
}

// build builds a suite, and runs it without a mutant: what fails then kills none.
func (b *builder) build(ctx context.Context, s *suite) error {
	binary := filepath.Join(b.dir, strings.ReplaceAll(s.ImportPath, "/", "-")+".test")
	if s.short {
		binary = filepath.Join(b.dir, "short-"+filepath.Base(binary))
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", b.overlay, "-o", binary, s.ImportPath)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the tests of %s: %w\n%s", s.ImportPath, err, out)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil // it has no tests
	}
	s.binary = binary
	const forever = 10 * time.Minute
	var failing []string
	for {
		started := time.Now()
		v := s.run(ctx, 0, forever, "")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if v.test == "" && !v.failed {
			if s.timeout == 0 {
				s.timeout = 10*time.Second + 5*time.Since(started)
			}
			return nil
		}
		if v.test == "" || len(failing) == 10 {
			return fmt.Errorf("the tests of %s fail although no guard is out:\n%s", s.ImportPath, v.output)
		}
		fmt.Printf("%s: %s fails although no guard is out, and is left out\n", s.ImportPath, v.test)
		failing = append(failing, v.test)
		s.skip = "^(" + strings.Join(failing, "|") + ")$"
	}
}
