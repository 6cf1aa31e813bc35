package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// traffic is requests of many members who log in and out, and what became of them.
type traffic struct {
	cluster *cluster
	members []*member

	mu       sync.Mutex
	requests int
	logins   int
	logouts  int
	slowest  time.Duration  // request
	lost     int            // sessions of members who were logged in
	other    map[string]int // responses that were not what was asked for, by kind
}

// traffic makes members whose browsers are to send requests.
func (c *cluster) traffic(n int) *traffic {
	c.t.Helper()
	traffic := &traffic{cluster: c, other: make(map[string]int)}
	for i := range n {
		traffic.members = append(traffic.members, c.member(fmt.Sprintf("member-%d", i)))
	}
	return traffic
}

// thinkTime is how long a member waits between two requests, at most.
const thinkTime = 60 * time.Millisecond

// during sends requests while something happens, and returns what became of them as a table's row.
func (c *traffic) during(what string, happens func()) string {
	c.requests, c.logins, c.logouts, c.slowest, c.lost, c.other = 0, 0, 0, 0, 0, make(map[string]int)
	exchanges := c.cluster.exchanges()
	over := make(chan struct{})
	var wait sync.WaitGroup
	for _, m := range c.members {
		wait.Go(func() {
			for {
				c.step(m)
				select {
				case <-time.After(rand.N(thinkTime)):
				case <-over:
					return
				}
			}
		})
	}
	func() {
		defer wait.Wait()
		defer close(over)
		happens()
	}()
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(c.other)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, c.other[kind]))
	}
	if kinds == nil {
		kinds = []string{"none"}
	}
	return fmt.Sprintf("%-42s | %8d | %6d | %7d | %4d | %5d | %7s | %s", what,
		c.requests, c.logins, c.logouts, c.lost, c.cluster.exchanges()-exchanges, c.slowest.Round(time.Millisecond),
		strings.Join(kinds, ", "))
}

// rowHead names what is in a row.
var rowHead = fmt.Sprintf("%-42s | %8s | %6s | %7s | %4s | %5s | %7s | %s", "while",
	"requests", "logins", "logouts", "lost", "calls", "slowest", "other responses")

// step lets a member do one thing.
func (c *traffic) step(m *member) {
	switch n := rand.IntN(20); {
	case n == 0 && m.loggedIn:
		c.logout(m)
	case n < 4:
		c.fetch(m)
	default:
		c.visit(m)
	}
}

// visit opens a page, and goes through the login if there is need.
func (c *traffic) visit(m *member) {
	address := fmt.Sprintf("/page/%d", rand.IntN(1000))
	target := m.cluster.url(host, address)
	began := false
	for range 16 {
		a, ok := c.send(m, address)
		if !ok {
			m.unsure = m.unsure || began
			return
		}
		if m.isServed(a) {
			c.count(func() {
				if began {
					c.logins++
				}
			})
			m.loggedIn, m.unsure = true, false
			return
		}
		if a.Next() == "" {
			c.record("a page with status %d", a.StatusCode)
			return
		}
		if a.Request.URL.String() == target && strings.HasPrefix(a.Next(), m.cluster.simURL) {
			if m.loggedIn && !m.unsure {
				c.count(func() { c.lost++ })
			}
			m.loggedIn, m.unsure, began = false, false, true
		}
		address = a.Next()
	}
	c.record("redirected too often")
}

// fetch asks for something as a script does.
func (c *traffic) fetch(m *member) {
	a, ok := c.send(m, "/api", "Accept: */*")
	switch {
	case !ok:
	case m.isServed(a):
		m.loggedIn, m.unsure = true, false
	case a.StatusCode == http.StatusUnauthorized:
		if m.loggedIn && !m.unsure {
			c.count(func() { c.lost++ })
		}
		m.loggedIn, m.unsure = false, false
	default:
		c.record("a script got %s", errorWord(a))
	}
}

func (c *traffic) logout(m *member) {
	a, ok := c.send(m, "/_wechat/logout", byALink...)
	switch {
	case !ok:
		m.unsure = true
	case a.StatusCode == http.StatusOK:
		m.loggedIn = false
		c.count(func() { c.logouts++ })
	default:
		c.record("a logout got %s", errorWord(a))
	}
}

// errorWord returns a response's status, and what its JSON calls the error.
func errorWord(a response) string {
	var body struct{ Error string }
	_ = json.Unmarshal([]byte(a.Text), &body)
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.StatusCode, body.Error))
}

// send is get at any instance. It reports whether there was a response.
func (c *traffic) send(m *member, address string, headers ...string) (response, bool) {
	begun := time.Now()
	a, err := m.get(anywhere, address, headers...)
	c.count(func() { c.requests++; c.slowest = max(c.slowest, time.Since(begun)) })
	if err != nil || a.Header.Get(cutHeader) != "" {
		c.record(cut)
		return response{}, false
	}
	return a, true
}

// cut is the kind of a request whose connection ended before there was a response.
const cut = "cut"

// record counts a response of a kind that was not asked for.
func (c *traffic) record(kind string, args ...any) {
	c.count(func() { c.other[fmt.Sprintf(kind, args...)]++ })
}

func (c *traffic) count(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// wantNoFailures fails the test where a session was lost, or a response was not what was asked for, beside those that
// may be cut.
func (c *traffic) wantNoFailures(t *testing.T, what string, mayBeCut int) {
	t.Helper()
	if c.lost > 0 {
		t.Errorf("%s: %d sessions were lost", what, c.lost)
	}
	if c.logins == 0 || c.requests == 0 {
		t.Errorf("%s: %d logins in %d requests", what, c.logins, c.requests)
	}
	for kind, n := range c.other {
		if kind != cut || n > mayBeCut {
			t.Errorf("%s: %s, %d times", what, kind, n)
		}
	}
}
