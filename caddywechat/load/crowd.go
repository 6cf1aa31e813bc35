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
)

const (
	// groups is how many things the crowd does at a time.
	groups = 16
	// lifetime is how long a session lives, and unsure how long before and after its end nobody can say what becomes of
	// a request: sessions count in whole seconds, and a busy machine stands still now and then.
	lifetime = 30 * time.Second
	unsure   = 5 * time.Second
	// maxHeld is how many sessions a group remembers. The oldest are dropped, and live on without anybody knowing.
	maxHeld = 400
)

// crowd is people who log in, come back and go, and some who try what they should not.
type crowd struct {
	browser *browser
	site    *site
	people  []string

	mu       sync.Mutex
	done     map[string]int // what came out as it should, by deed
	wrong    int            // what did not
	examples []string       // of that
}

const maxExamples = 5

// deeds are what the crowd does, the first ones for each login so often.
var deeds = []struct {
	name   string
	weight int
	do     func(*group, context.Context) error
}{
	{"logins", 10, (*group).login},
	{"pages", 12, (*group).page},
	{"fetches", 8, (*group).fetch},
	{"public pages", 4, (*group).public},
	{"expired cookies", 4, (*group).expired},
	{"forged cookies", 2, (*group).forged},
	{"logouts", 1, (*group).logout},
}

// errNobody says that there was nobody for a deed.
var errNobody = errors.New("nobody is logged in for that")

// group is some of the crowd, who do one thing after the other.
type group struct {
	*crowd
	held []held // the oldest first
}

// held is a session in somebody's browser.
type held struct {
	cookie, user string
	since        time.Time
}

func (h held) lives() bool { return time.Since(h.since) < lifetime-unsure }

func (h held) isOver() bool { return time.Since(h.since) > lifetime+unsure }

// live keeps the crowd busy, with as many logins a second if it can, until ctx ends.
func (c *crowd) live(ctx context.Context, logins int) {
	var choice []int // the deeds, each as often as it weighs
	for i, d := range deeds {
		choice = append(choice, slices.Repeat([]int{i}, d.weight)...)
	}
	pause := time.Second * time.Duration(groups*deeds[0].weight) / time.Duration(logins*len(choice))
	var wait sync.WaitGroup
	for range groups {
		g := &group{crowd: c}
		wait.Go(func() {
			ticker := time.NewTicker(pause)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					g.act(ctx, choice[rand.IntN(len(choice))])
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wait.Wait()
}

// act does a deed and notes what came of it.
func (g *group) act(ctx context.Context, deed int) {
	d := deeds[deed]
	err := d.do(g, ctx)
	if ctx.Err() != nil || errors.Is(err, errNobody) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.done[d.name]++
		return
	}
	g.wrong++
	if len(g.examples) < maxExamples {
		g.examples = append(g.examples, d.name+": "+err.Error())
	}
}

func (g *group) login(ctx context.Context) error {
	person := g.people[rand.IntN(len(g.people))]
	since := time.Now() // before the session is made, so it ends later than it seems, which is within what is unsure
	page := fmt.Sprintf("%s/page/%d", g.site.url, rand.IntN(1000))
	cookie, err := g.browser.login(ctx, page, person)
	if err != nil {
		return err
	}
	h := held{cookie, openID(person), since}
	if len(g.held) == maxHeld {
		g.held = slices.Delete(g.held, 0, 1)
	}
	g.held = append(g.held, h)
	return g.served(ctx, "/page", aPage, h)
}

func (g *group) page(ctx context.Context) error { return g.comeBack(ctx, "/page", aPage) }

func (g *group) fetch(ctx context.Context) error { return g.comeBack(ctx, "/api", aFetch) }

// comeBack asks with a session that lives.
func (g *group) comeBack(ctx context.Context, path, accept string) error {
	h, ok := g.take(held.lives, true)
	if !ok {
		return errNobody
	}
	return g.served(ctx, path, accept, h)
}

// public asks for what everybody may see, where the app is told of nobody, logged in or not.
func (g *group) public(ctx context.Context) error {
	h, _ := g.take(held.lives, true)
	a, err := g.browser.get(ctx, g.site.url+"/public", aPage, h.cookie)
	return unless(err, a, a.status == http.StatusOK && a.user == "")
}

// expired asks with a session that is over.
func (g *group) expired(ctx context.Context) error {
	h, ok := g.take(held.isOver, false)
	if !ok {
		return errNobody
	}
	return g.refused(ctx, h.cookie)
}

// forged asks with a session that was altered.
func (g *group) forged(ctx context.Context) error {
	h, ok := g.take(held.lives, true)
	if !ok {
		return errNobody
	}
	forged := []byte(h.cookie)
	place := len(forged) - 1 - rand.IntN(len(forged)/2) // in the value, which is longer than the name
	if forged[place] == 'A' {
		forged[place] = 'B'
	} else {
		forged[place] = 'A'
	}
	return g.refused(ctx, string(forged))
}

// logout ends a session, and asks with it once more.
func (g *group) logout(ctx context.Context) error {
	h, ok := g.take(held.lives, false)
	if !ok {
		return errNobody
	}
	a, err := g.browser.get(ctx, g.site.url+"/_wechat/logout", aPage, h.cookie)
	if err := unless(err, a, a.status == http.StatusOK && a.user == ""); err != nil {
		return err
	}
	return g.refused(ctx, h.cookie)
}

// take chooses one of the sessions of a kind, and leaves it there or not.
func (g *group) take(kind func(held) bool, leave bool) (held, bool) {
	var places []int
	for i, h := range g.held {
		if kind(h) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return held{}, false
	}
	place := places[rand.IntN(len(places))]
	h := g.held[place]
	if !leave {
		g.held = slices.Delete(g.held, place, place+1)
	}
	return h, true
}

// served asks for what is the app's, and wants it to know who asks.
func (g *group) served(ctx context.Context, path, accept string, h held) error {
	a, err := g.browser.get(ctx, g.site.url+path, accept, h.cookie)
	return unless(err, a, a.status == http.StatusOK && a.user == h.user)
}

// refused asks for what is the app's, and wants to be sent to WeChat, or as a script to be told that a login is needed.
func (g *group) refused(ctx context.Context, cookie string) error {
	if rand.IntN(2) == 0 {
		a, err := g.browser.get(ctx, g.site.url+"/api", aFetch, cookie)
		return unless(err, a, a.status == http.StatusUnauthorized && strings.Contains(a.body, "login_required"))
	}
	a, err := g.browser.get(ctx, g.site.url+"/page", aPage, cookie)
	return unless(err, a, a.status == http.StatusFound && strings.Contains(a.next, "/connect/oauth2/authorize?"))
}

// unless returns an error that describes an answer, or the error in place of one, unless all is well.
func unless(err error, a answer, well bool) error {
	if err == nil && !well {
		return fmt.Errorf("the answer was %s", a)
	}
	return err
}

// so returns what was done, most of it first.
func (c *crowd) so() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(c.done), func(a, b string) int { return c.done[b] - c.done[a] }) {
		parts = append(parts, fmt.Sprintf("%d %s", c.done[name], name))
	}
	return strings.Join(parts, ", ")
}

// logins returns how many there were.
func (c *crowd) logins() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done["logins"]
}
