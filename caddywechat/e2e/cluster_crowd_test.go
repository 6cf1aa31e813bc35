package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// member is somebody with a phone of their own, who knows whether they are logged in.
type member struct {
	*http.Client
	cluster *cluster
	id      string // in the simulator
	// logged is whether the person is; unsure after a login or logout whose answer did not arrive.
	logged, unsure bool
}

// airwaves are what all phones share.
var airwaves = &http.Transport{
	MaxIdleConnsPerHost: 64,
	DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if name, port, _ := net.SplitHostPort(addr); strings.HasSuffix(name, "example.com") {
			addr = "127.0.0.1:" + port
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	},
}

// member adds somebody to those who WeChat knows.
func (c *cluster) member(id string) *member {
	c.t.Helper()
	if err := c.sim.AddPerson(simulator.Person{ID: id, Nickname: id}); err != nil {
		c.t.Fatal(err)
	}
	return c.phoneOf(id)
}

// phoneOf returns another phone of a member.
func (c *cluster) phoneOf(id string) *member {
	jar, _ := cookiejar.New(nil)
	m := &member{cluster: c, id: id, Client: &http.Client{
		Jar: jar, Transport: airwaves, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	m.Jar.SetCookies(mustParse(c.simURL), []*http.Cookie{{Name: "simulator_person", Value: id, Path: "/"}})
	return m
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}

func (m *member) openID() string { return simulator.OpenID(simulator.DemoAppID, m.id) }

// byALink is how a browser says that somebody followed a link of the site.
var byALink = []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}

// anywhere is the place of a request that may go to any instance.
const anywhere = -1

// get asks for an address once, at an instance.
func (m *member) get(at int, address string, headers ...string) (answer, error) {
	if strings.HasPrefix(address, "/") {
		address = m.cluster.url(host, address)
	}
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", inWeChat)
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if at != anywhere {
		req.Header.Set(pinHeader, strconv.Itoa(at))
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := m.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res, string(body)}, err
}

// open is get for a test that is alone and expects an answer.
func (m *member) open(at int, address string, headers ...string) answer {
	m.cluster.t.Helper()
	a, err := m.get(at, address, headers...)
	if err != nil {
		m.cluster.t.Fatal(err)
	}
	return a
}

// toCallback begins a login at an instance and goes to WeChat. It returns the address that leads back.
func (m *member) toCallback(at int, page string) string {
	m.cluster.t.Helper()
	authorize := m.open(at, page)
	callback := m.open(anywhere, authorize.next())
	if authorize.StatusCode != http.StatusFound || !strings.Contains(callback.next(), "/_wechat/callback?") {
		m.cluster.t.Fatalf("%s: status %d, then %d to %s: %s", page, authorize.StatusCode, callback.StatusCode, callback.next(), callback.body)
	}
	return callback.next()
}

// login logs in by way of the instances, the last of which serves the page.
func (m *member) login(begin, callback, page int) {
	m.cluster.t.Helper()
	target := fmt.Sprintf("/from/%d%d%d", begin, callback, page)
	a := m.open(callback, m.toCallback(begin, target))
	if want := m.cluster.url(host, target); a.next() != want {
		m.cluster.t.Fatalf("login by %s landed at %q: status %d: %s", target, a.next(), a.StatusCode, a.body)
	}
	m.wantPage(page)
}

// wantPage fails the test unless the member is served as themselves.
func (m *member) wantPage(at int) {
	m.cluster.t.Helper()
	if a := m.open(at, "/page"); !m.isServed(a) {
		m.cluster.t.Errorf("%s at instance %d: status %d: %s", m.id, at, a.StatusCode, a.body)
	}
}

func (m *member) isServed(a answer) bool {
	return a.StatusCode == http.StatusOK && strings.Contains(a.body, "X-Wechat-User: "+m.openID())
}

// next returns where an answer leads, "" for nowhere.
func (a answer) next() string {
	if u, err := a.Location(); err == nil {
		return u.String()
	}
	return ""
}

// siteCookies returns the member's cookies for the site, as a header line.
func (m *member) siteCookies() string {
	var pairs []string
	for _, c := range m.Jar.Cookies(mustParse(m.cluster.url(host, "/"))) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(pairs, "; ")
}

// crowd is many members who go in and out, and what became of it.
type crowd struct {
	cluster *cluster
	members []*member

	mu       sync.Mutex
	requests int
	logins   int
	logouts  int
	slowest  time.Duration  // request
	lost     int            // sessions of people who were logged in
	other    map[string]int // answers that were not what was asked for, by kind
}

func (c *cluster) crowd(n int) *crowd {
	c.t.Helper()
	crowd := &crowd{cluster: c, other: make(map[string]int)}
	for i := range n {
		crowd.members = append(crowd.members, c.member(fmt.Sprintf("member-%d", i)))
	}
	return crowd
}

// pace is how long a member rests between two things, at most.
const pace = 60 * time.Millisecond

// during lets the crowd come and go while something happens, and returns what came of it as a table's row.
func (c *crowd) during(what string, happens func()) string {
	c.requests, c.logins, c.logouts, c.slowest, c.lost, c.other = 0, 0, 0, 0, 0, make(map[string]int)
	exchanges := c.cluster.exchanges()
	over := make(chan struct{})
	var wait sync.WaitGroup
	for _, m := range c.members {
		wait.Go(func() {
			for {
				c.act(m)
				select {
				case <-time.After(rand.N(pace)):
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
		c.requests, c.logins, c.logouts, c.lost, c.cluster.exchanges()-exchanges, c.slowest.Round(time.Millisecond), strings.Join(kinds, ", "))
}

// rowHead names what is in a row.
var rowHead = fmt.Sprintf("%-42s | %8s | %6s | %7s | %4s | %5s | %7s | %s", "while", "requests", "logins", "logouts", "lost", "calls", "slowest", "other answers")

// act lets a member do one thing.
func (c *crowd) act(m *member) {
	switch n := rand.IntN(20); {
	case n == 0 && m.logged:
		c.logout(m)
	case n < 4:
		c.fetch(m)
	default:
		c.visit(m)
	}
}

// visit opens a page, and goes through the login if there is need.
func (c *crowd) visit(m *member) {
	address := fmt.Sprintf("/page/%d", rand.IntN(1000))
	landing := m.cluster.url(host, address)
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
			m.logged, m.unsure = true, false
			return
		}
		if a.next() == "" {
			c.note("a page with status %d", a.StatusCode)
			return
		}
		if a.Request.URL.String() == landing && strings.HasPrefix(a.next(), m.cluster.simURL) {
			if m.logged && !m.unsure {
				c.count(func() { c.lost++ })
			}
			m.logged, m.unsure, began = false, false, true
		}
		address = a.next()
	}
	c.note("redirected for ever")
}

// fetch asks for something as a script does.
func (c *crowd) fetch(m *member) {
	a, ok := c.send(m, "/api", "Accept: */*")
	switch {
	case !ok:
	case m.isServed(a):
		m.logged, m.unsure = true, false
	case a.StatusCode == http.StatusUnauthorized:
		if m.logged && !m.unsure {
			c.count(func() { c.lost++ })
		}
		m.logged, m.unsure = false, false
	default:
		c.note("a script got %s", word(a))
	}
}

func (c *crowd) logout(m *member) {
	a, ok := c.send(m, "/_wechat/logout", byALink...)
	switch {
	case !ok:
		m.unsure = true
	case a.StatusCode == http.StatusOK:
		m.logged = false
		c.count(func() { c.logouts++ })
	default:
		c.note("a logout got %s", word(a))
	}
}

// word returns what an answer says that is none of the app's.
func word(a answer) string {
	var body struct{ Error string }
	_ = json.Unmarshal([]byte(a.body), &body)
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.StatusCode, body.Error))
}

// send is get at any instance. It reports whether there was an answer.
func (c *crowd) send(m *member, address string, headers ...string) (answer, bool) {
	begun := time.Now()
	a, err := m.get(anywhere, address, headers...)
	c.count(func() { c.requests++; c.slowest = max(c.slowest, time.Since(begun)) })
	if err != nil || a.Header.Get(cutHeader) != "" {
		c.note(cut)
		return answer{}, false
	}
	return a, true
}

// cut is the kind of a request whose connection ended before there was an answer.
const cut = "cut"

func (c *crowd) note(kind string, args ...any) {
	c.count(func() { c.other[fmt.Sprintf(kind, args...)]++ })
}

func (c *crowd) count(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// wantAllWell fails the test where a session was lost, or a request did not lead to what was asked for, beside those that
// may be cut.
func (c *crowd) wantAllWell(t *testing.T, what string, mayBeCut int) {
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
