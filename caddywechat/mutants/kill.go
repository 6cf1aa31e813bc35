package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// result is what became of a mutant.
type result struct {
	mutant
	killer string // the test that fails, "" where none does
	suite  string // whose test that is
}

func (r result) survives() bool { return r.killer == "" }

// kill runs tests against each mutant.
func kill(ctx context.Context, b *builder, mutants []mutant, o options) ([]result, error) {
	order, err := suitesOf(ctx, mutants, o.integration)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(mutants))
	errs := make([]error, o.parallel)
	next := make(chan int)
	var workers sync.WaitGroup
	for w := range o.parallel {
		workers.Go(func() {
			for i := range next {
				if errs[w] != nil {
					continue
				}
				results[i], errs[w] = killOne(ctx, b, mutants[i], order[mutants[i].pkg])
				if o.verbose && errs[w] == nil {
					fmt.Println(results[i])
				}
			}
		})
	}
	for i := range mutants {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, errors.Join(append(errs, ctx.Err())...)
}

// tests names the tests of a package.
type tests struct {
	*pkg
	short bool
}

// suitesOf returns for the package of each mutant whose tests to run: its own, those of packages below it, and the
// integration tests.
func suitesOf(ctx context.Context, mutants []mutant, integration string) (map[*pkg][]tests, error) {
	order := make(map[*pkg][]tests)
	for _, m := range mutants {
		if order[m.pkg] != nil {
			continue
		}
		order[m.pkg] = []tests{{m.pkg, false}}
		below, err := load(ctx, []string{m.pkg.ImportPath + "/..."})
		if err != nil {
			return nil, err
		}
		for _, p := range below {
			if p.ImportPath != m.pkg.ImportPath {
				order[m.pkg] = append(order[m.pkg], tests{p, false})
			}
		}
		if integration == "" {
			continue
		}
		last, err := load(ctx, []string{integration})
		if err != nil {
			return nil, err
		}
		order[m.pkg] = append(order[m.pkg], tests{last[0], true})
	}
	return order, nil
}

// killOne runs tests against a mutant until one fails.
func killOne(ctx context.Context, b *builder, m mutant, order []tests) (result, error) {
	for _, t := range order {
		s, err := b.suite(ctx, t)
		if err != nil {
			return result{}, err
		}
		if killer := s.kill(ctx, m); killer != "" {
			return result{m, killer, t.Name}, ctx.Err()
		}
	}
	return result{mutant: m}, ctx.Err()
}

// kill returns the test that fails with a mutant, "" where none does. It begins with those that killed others of the
// same file lately, since one of them often does.
func (s *suite) kill(ctx context.Context, m mutant) string {
	if s.binary == "" {
		return ""
	}
	if likely := s.killers.of(m.file); likely != "" {
		if killer, _ := s.try(ctx, m, likely); killer != "" {
			return killer
		}
	}
	for range 2 {
		killer, isDoubtful := s.try(ctx, m, "")
		if killer != "" {
			s.killers.add(m.file, killer)
		}
		if !isDoubtful {
			return killer
		}
	}
	return ""
}

// try runs tests that a pattern names, all by none. One that fails, and not a second time alone, kills nobody, but then
// nobody knows what those behind it would have said.
func (s *suite) try(ctx context.Context, m mutant, pattern string) (killer string, isDoubtful bool) {
	v := s.run(ctx, m.id, s.timeout, pattern)
	switch {
	case !v.failed:
		return "", false
	case v.test == "", v.timedOut, s.run(ctx, m.id, s.timeout, v.test).failed:
		return v.reason(), false
	default:
		return "", true
	}
}

// killers are the tests that killed mutants of a file.
type killers struct {
	mu     sync.Mutex
	byFile map[string][]string // the last ones
}

// maxKillers is how many tests are tried before all.
const maxKillers = 5

// of returns a pattern that names those of a file, "" for none.
func (k *killers) of(file string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.byFile[file], "|")
}

func (k *killers) add(file, test string) {
	if strings.ContainsAny(test, " ()") {
		return // no test, but a reason
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byFile == nil {
		k.byFile = make(map[string][]string)
	}
	last := append(k.byFile[file], test)
	k.byFile[file] = last[max(0, len(last)-maxKillers):]
}

// verdict is what came of a run of tests.
type verdict struct {
	failed   bool
	test     string // the first one that failed, "" where nobody knows
	timedOut bool
	output   []byte
}

func (v verdict) reason() string {
	switch {
	case v.timedOut:
		return strings.TrimSpace(v.test + " (does not end)")
	case v.test == "":
		return "(the tests do not even start)"
	default:
		return v.test
	}
}

// run runs the suite, or some tests of it, with a guard out.
func (s *suite) run(ctx context.Context, id int, timeout time.Duration, test string) verdict {
	ctx, cancel := context.WithTimeout(ctx, timeout+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, "-test.v", "-test.failfast", "-test.count=1",
		"-test.short="+strconv.FormatBool(s.short), "-test.timeout="+timeout.String())
	if s.skip != "" {
		cmd.Args = append(cmd.Args, "-test.skip="+s.skip)
	}
	if test != "" {
		cmd.Args = append(cmd.Args, "-test.run=^("+test+")$")
	}
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, id))
	cmd.WaitDelay = time.Second // whatever the tests started
	out, err := cmd.CombinedOutput()
	if err == nil {
		return verdict{output: out}
	}
	v := verdict{failed: true, output: out}
	v.timedOut = ctx.Err() != nil || bytes.Contains(out, []byte("panic: test timed out"))
	v.test = failingTest(string(out))
	return v
}

var (
	failLine = regexp.MustCompile(`(?m)^--- FAIL: ([^\s/]+)`)
	runLine  = regexp.MustCompile(`(?m)^=== (?:RUN|CONT) +([^\s/]+)`)
)

// failingTest returns the first test that failed; where the tests panicked or were ended, the last one that ran.
func failingTest(output string) string {
	if m := failLine.FindStringSubmatch(output); m != nil {
		return m[1]
	}
	if all := runLine.FindAllStringSubmatch(output, -1); len(all) > 0 {
		return all[len(all)-1][1]
	}
	return ""
}
