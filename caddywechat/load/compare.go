//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/testbrowser"
)

// setup is one of the proxies that are compared.
type setup struct {
	*site
	identifies bool // whether the app is told who asks
	rounds     []round
}

// round is what a setup did in one round.
type round struct {
	rate        float64 // requests a second
	p50, p99    time.Duration
	cpu         time.Duration // of the proxy, for a request
	allocations float64       // of the proxy, for a request
	opened      int64         // connections to the servers behind the proxy
}

// comparison is the setups and what is around them.
type comparison struct {
	app, auth *upstream
	setups    []*setup // the first is what the others are measured by
	cookie    string   // goes with every request, also where nobody looks at it, so that requests are the same
}

const (
	warmUp = 2 * time.Second
	// roundSlack is what a round may take beside its length.
	roundSlack = 5 * time.Second
)

// compare lets the setups take turns, and writes a table of what they did.
func compare(ctx context.Context, w *world, o options, out io.Writer) error {
	turns := time.Duration(o.rounds) * 3
	ctx, cancel := context.WithTimeout(ctx, time.Minute+turns*(o.round+roundSlack))
	defer cancel()

	c := new(comparison)
	defer c.stop()
	if err := c.start(ctx, w); err != nil {
		return err
	}
	fmt.Fprintf(out, "Comparison: %d rounds of %s for each, by turns, with %d connections; about %s.\n",
		o.rounds, o.round, connections, (3*warmUp + turns*o.round).Round(time.Second))
	for _, s := range c.setups {
		if _, err := c.run(ctx, s, warmUp); err != nil {
			return err
		}
	}
	for range o.rounds {
		for _, s := range c.setups {
			r, err := c.run(ctx, s, o.round)
			if err != nil {
				return err
			}
			s.rounds = append(s.rounds, r)
		}
	}
	return writeComparison(out, c.setups)
}

// start brings up the app, the proxies and the auth server, and checks that the app is told the same by both that
// identify, and nothing by the other.
func (c *comparison) start(ctx context.Context, w *world) (err error) {
	if c.app, err = startUpstream(roleApp); err != nil {
		return err
	}
	app := "LOAD_APP=" + c.app.address
	ours, err := c.add(ctx, w, "ours", app)
	if err != nil {
		return err
	}
	b := newClient()
	defer b.CloseIdleConnections()
	person := w.people[0]
	if c.cookie, err = b.login(ctx, ours.url+"/page", person); err != nil {
		return err
	}
	identity, err := c.identity(ctx, b, ours)
	if err != nil {
		return err
	}
	if identity[userHeader] != openID(person) {
		return fmt.Errorf("ours should tell the app that %s asks, it tells: %v", openID(person), identity)
	}

	answer, err := json.Marshal(identity)
	if err != nil {
		return err
	}
	if c.auth, err = startUpstream(roleAuth, string(answer)); err != nil {
		return err
	}
	forwardAuth, err := c.add(ctx, w, "forward_auth", app, "LOAD_AUTH="+c.auth.address,
		"LOAD_COPY_HEADERS="+strings.Join(slices.Sorted(maps.Keys(identity)), " "))
	if err != nil {
		return err
	}
	plain, err := c.add(ctx, w, "plain", app)
	if err != nil {
		return err
	}
	ours.identifies, forwardAuth.identifies = true, true
	c.setups = []*setup{plain, ours, forwardAuth}
	for s, want := range map[*setup]map[string]string{plain: {}, forwardAuth: identity} {
		got, err := c.identity(ctx, b, s)
		if err != nil {
			return err
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("%s should tell the app %v, it tells %v", s.name, want, got)
		}
	}
	return nil
}

// add starts a setup. It belongs to the comparison from then on.
func (c *comparison) add(ctx context.Context, w *world, name string, values ...string) (*setup, error) {
	site, err := w.startSite(ctx, name, values...)
	if err != nil {
		return nil, err
	}
	s := &setup{site: site}
	c.setups = append(c.setups, s)
	return s, nil
}

func (c *comparison) stop() {
	for _, s := range c.setups {
		s.stop()
	}
	for _, u := range []*upstream{c.auth, c.app} {
		if u != nil {
			u.stop()
		}
	}
}

// identity returns what the app is told of who asks.
func (c *comparison) identity(ctx context.Context, b *client, s *setup) (identity map[string]string, err error) {
	a, err := b.get(ctx, s.url+identityPath, testbrowser.AcceptFetch, c.cookie)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(a.Text), &identity); err != nil || a.StatusCode != 200 {
		return nil, fmt.Errorf("the app's answer by way of %s is %s", s.name, a)
	}
	return identity, nil
}

// run is one round of a setup. Anything but answers of the app, to whom it should know, is an error.
func (c *comparison) run(ctx context.Context, s *setup, length time.Duration) (r round, err error) {
	before, err := c.read(ctx, s)
	if err != nil {
		return r, err
	}
	// By address: wrk would try the loopback interface's other address, too.
	address := strings.Replace(s.url, "localhost", "127.0.0.1", 1)
	w, err := runWrk(ctx, address+"/page", length,
		"Host: "+strings.TrimPrefix(s.url, "http://"), "Cookie: "+c.cookie,
		"User-Agent: "+testbrowser.InWeChat, "Accept: "+testbrowser.AcceptPage)
	if err != nil {
		return r, err
	}
	after, err := c.read(ctx, s)
	if err != nil {
		return r, err
	}
	app, auth := after.app.since(before.app), after.auth.since(before.auth)
	if err := s.check(w, app); err != nil {
		return r, fmt.Errorf("%s: %w", s.name, err)
	}
	requests := float64(w.requests)
	return round{
		rate:        w.rate,
		p50:         w.p50,
		p99:         w.p99,
		cpu:         time.Duration(float64(after.cpu-before.cpu) / requests),
		allocations: float64(after.mallocs-before.mallocs) / requests,
		opened:      app.Connections + auth.Connections,
	}, nil
}

// check says what was wrong with a round. To wrk a redirect is an answer like others, so the app has to have seen every
// request. It may also have seen those that were under way when wrk stopped, and those that wrk had the answer of and
// did not count any more: up to two on each connection.
func (s *setup) check(w wrkResult, app counts) error {
	underWay := app.Requests - int64(w.requests)
	switch {
	case w.requests == 0:
		return errors.New("wrk got no answer")
	case w.failures != "":
		return fmt.Errorf("wrk reports failures: %s", w.failures)
	case underWay < 0 || underWay > 2*connections:
		return fmt.Errorf("wrk got %d answers, the app saw %d requests", w.requests, app.Requests)
	case s.identifies && app.Identified != app.Requests:
		return fmt.Errorf("the app was told who asks in %d of %d requests", app.Identified, app.Requests)
	case !s.identifies && app.Identified != 0:
		return fmt.Errorf("the app was told in %d requests who asks, and nobody knows", app.Identified)
	default:
		return nil
	}
}

// reading is what stands on all counters at a moment.
type reading struct {
	cpu       time.Duration
	mallocs   uint64
	app, auth counts
}

func (c *comparison) read(ctx context.Context, s *setup) (r reading, err error) {
	if r.app, err = c.app.counts(ctx); err != nil {
		return r, err
	}
	if r.auth, err = c.auth.counts(ctx); err != nil {
		return r, err
	}
	m, err := s.memory(ctx)
	if err != nil {
		return r, err
	}
	r.mallocs = m.Mallocs
	r.cpu, err = cpuTime(s.pid())
	return r, err
}
