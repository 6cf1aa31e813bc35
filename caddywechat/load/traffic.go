//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/testbrowser"
)

const (
	// workers is how many requests are sent at a time.
	workers = 16
	// lifetime is that of a session, and unsure how long before and after its end a request may be let in or not:
	// sessions count in whole seconds, and a busy machine stalls now and then.
	lifetime = 30 * time.Second
	unsure   = 5 * time.Second
	// maxKept is how many sessions a worker keeps. The oldest are dropped without a logout.
	maxKept = 400
)

// traffic is the requests of people who log in, come back and log out, and of some with expired or forged cookies.
type traffic struct {
	client *client
	site   *site
	people []string

	mu       sync.Mutex
	done     map[string]int // actions whose responses were as they should be, by name
	wrong    int            // actions whose responses were not
	examples []string       // of those
}

const maxExamples = 5

// actions are what workers do, each as often as its weight says.
var actions = []struct {
	name   string
	weight int
	do     func(*worker, context.Context) error
}{
	{"logins", 10, (*worker).login},
	{"pages", 12, (*worker).page},
	{"fetches", 8, (*worker).fetch},
	{"public pages", 4, (*worker).public},
	{"expired cookies", 4, (*worker).expired},
	{"forged cookies", 2, (*worker).forged},
	{"logouts", 1, (*worker).logout},
}

// errNoSession says that there was no session for an action.
var errNoSession = errors.New("there is no session for that")

// worker does one action after the other.
type worker struct {
	*traffic
	kept []keptSession // the oldest first
}

// keptSession is a session in somebody's browser.
type keptSession struct {
	cookie, user string
	since        time.Time
}

func (h keptSession) isValid() bool { return time.Since(h.since) < lifetime-unsure }

func (h keptSession) isOver() bool { return time.Since(h.since) > lifetime+unsure }

// run sends requests, with as many logins a second if it can, until ctx ends.
func (c *traffic) run(ctx context.Context, logins int) {
	var choice []int // the actions, each as often as it weighs
	for i, d := range actions {
		choice = append(choice, slices.Repeat([]int{i}, d.weight)...)
	}
	pause := time.Second * time.Duration(workers*actions[0].weight) / time.Duration(logins*len(choice))
	var wait sync.WaitGroup
	for range workers {
		w := &worker{traffic: c}
		wait.Go(func() {
			ticker := time.NewTicker(pause)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					w.act(ctx, choice[rand.IntN(len(choice))])
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wait.Wait()
}

// act does an action and counts what came of it.
func (w *worker) act(ctx context.Context, action int) {
	d := actions[action]
	err := d.do(w, ctx)
	if ctx.Err() != nil || errors.Is(err, errNoSession) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.done[d.name]++
		return
	}
	w.wrong++
	if len(w.examples) < maxExamples {
		w.examples = append(w.examples, d.name+": "+err.Error())
	}
}

func (w *worker) login(ctx context.Context) error {
	person := w.people[rand.IntN(len(w.people))]
	since := time.Now() // before the session is made, so it ends later than it seems, which is within what is unsure
	page := fmt.Sprintf("%s/page/%d", w.site.url, rand.IntN(1000))
	cookie, err := w.client.login(ctx, page, person)
	if err != nil {
		return err
	}
	h := keptSession{cookie, openID(person), since}
	if len(w.kept) == maxKept {
		w.kept = slices.Delete(w.kept, 0, 1)
	}
	w.kept = append(w.kept, h)
	return w.served(ctx, "/page", testbrowser.AcceptPage, h)
}

func (w *worker) page(ctx context.Context) error {
	return w.visit(ctx, "/page", testbrowser.AcceptPage)
}

func (w *worker) fetch(ctx context.Context) error {
	return w.visit(ctx, "/api", testbrowser.AcceptFetch)
}

// visit asks with a valid session.
func (w *worker) visit(ctx context.Context, path, accept string) error {
	h, ok := w.take(keptSession.isValid, true)
	if !ok {
		return errNoSession
	}
	return w.served(ctx, path, accept, h)
}

// public asks for a public path, where the app gets no user, whether somebody is logged in or not.
func (w *worker) public(ctx context.Context) error {
	h, _ := w.take(keptSession.isValid, true)
	a, err := w.client.get(ctx, w.site.url+"/public", testbrowser.AcceptPage, h.cookie)
	return unless(err, a, a.StatusCode == http.StatusOK && a.user() == "")
}

// expired asks with a session that is over.
func (w *worker) expired(ctx context.Context) error {
	h, ok := w.take(keptSession.isOver, false)
	if !ok {
		return errNoSession
	}
	return w.refused(ctx, h.cookie)
}

// forged asks with a session that was altered.
func (w *worker) forged(ctx context.Context) error {
	h, ok := w.take(keptSession.isValid, true)
	if !ok {
		return errNoSession
	}
	forged := []byte(h.cookie)
	place := len(forged) - 1 - rand.IntN(len(forged)/2) // in the value, which is longer than the name
	if forged[place] == 'A' {
		forged[place] = 'B'
	} else {
		forged[place] = 'A'
	}
	return w.refused(ctx, string(forged))
}

// logout ends a session, and asks with it once more.
func (w *worker) logout(ctx context.Context) error {
	h, ok := w.take(keptSession.isValid, false)
	if !ok {
		return errNoSession
	}
	a, err := w.client.get(ctx, w.site.url+"/_wechat/logout", testbrowser.AcceptPage, h.cookie)
	if err := unless(err, a, a.StatusCode == http.StatusOK && a.user() == ""); err != nil {
		return err
	}
	return w.refused(ctx, h.cookie)
}

// take chooses one of the sessions of a kind, and leaves it there or not.
func (w *worker) take(kind func(keptSession) bool, leave bool) (keptSession, bool) {
	var places []int
	for i, h := range w.kept {
		if kind(h) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return keptSession{}, false
	}
	place := places[rand.IntN(len(places))]
	h := w.kept[place]
	if !leave {
		w.kept = slices.Delete(w.kept, place, place+1)
	}
	return h, true
}

// served asks for what is the app's, and wants it to know who asks.
func (w *worker) served(ctx context.Context, path, accept string, h keptSession) error {
	a, err := w.client.get(ctx, w.site.url+path, accept, h.cookie)
	return unless(err, a, a.StatusCode == http.StatusOK && a.user() == h.user)
}

// refused asks for what is the app's, and wants a redirect to WeChat, or as a script an error.
func (w *worker) refused(ctx context.Context, cookie string) error {
	if rand.IntN(2) == 0 {
		a, err := w.client.get(ctx, w.site.url+"/api", testbrowser.AcceptFetch, cookie)
		return unless(err, a, a.StatusCode == http.StatusUnauthorized && strings.Contains(a.Text, "login_required"))
	}
	a, err := w.client.get(ctx, w.site.url+"/page", testbrowser.AcceptPage, cookie)
	return unless(err, a, a.StatusCode == http.StatusFound && strings.Contains(a.Next(), "/connect/oauth2/authorize?"))
}

// unless returns an error that describes an answer, or the error in place of one, unless the response is as it should
// be.
func unless(err error, a response, isGood bool) error {
	if err == nil && !isGood {
		return fmt.Errorf("the answer was %s", a)
	}
	return err
}

// so returns what was done, most of it first.
func (c *traffic) so() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(c.done), func(a, b string) int { return c.done[b] - c.done[a] }) {
		parts = append(parts, fmt.Sprintf("%d %s", c.done[name], name))
	}
	return strings.Join(parts, ", ")
}

// logins returns how many there were.
func (c *traffic) logins() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done["logins"]
}
