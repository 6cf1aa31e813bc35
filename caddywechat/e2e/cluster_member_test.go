package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/testbrowser"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// member is somebody with a browser of their own, who knows whether they are logged in.
type member struct {
	*testbrowser.Browser
	cluster *cluster
	id      string // in the simulator
	// loggedIn is whether the person is; unsure after a login or logout that got no response.
	loggedIn, unsure bool
}

// memberTransport is shared by the browsers of all members: there are many.
var memberTransport = testbrowser.NewTransport(testbrowser.Loopback)

// member adds somebody to those who WeChat knows.
func (c *cluster) member(id string) *member {
	c.t.Helper()
	if err := c.sim.AddPerson(simulator.Person{ID: id, Nickname: id}); err != nil {
		c.t.Fatal(err)
	}
	return c.browserOf(id)
}

// browserOf returns another browser of a member.
func (c *cluster) browserOf(id string) *member {
	m := &member{cluster: c, id: id, Browser: testbrowser.New(testbrowser.Config{
		Base: c.url(host, ""), Transport: memberTransport,
	})}
	m.SetCookies(c.simURL, &http.Cookie{Name: "simulator_person", Value: id, Path: "/"})
	return m
}

func (m *member) openID() string { return simulator.OpenID(simulator.DemoAppID, m.id) }

// byALink is how a browser says that somebody followed a link of the site.
var byALink = []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}

// anywhere stands for an instance where a request may go to any.
const anywhere = -1

// get asks for an address once, at an instance.
func (m *member) get(at int, address string, lines ...string) (response, error) {
	if at != anywhere {
		lines = append([]string{pinHeader + ": " + strconv.Itoa(at)}, lines...)
	}
	return m.Open(m.cluster.t.Context(), address, lines...)
}

// open is get for a test that expects a response.
func (m *member) open(at int, address string, lines ...string) response {
	m.cluster.t.Helper()
	a, err := m.get(at, address, lines...)
	if err != nil {
		m.cluster.t.Fatal(err)
	}
	return a
}

// toCallback begins a login at an instance and goes to WeChat. It returns the callback's address.
func (m *member) toCallback(at int, page string) string {
	m.cluster.t.Helper()
	authorize := m.open(at, page)
	callback := m.open(anywhere, authorize.Next())
	if authorize.StatusCode != http.StatusFound || !strings.Contains(callback.Next(), "/_wechat/callback?") {
		m.cluster.t.Fatalf("%s: status %d, then %s", page, authorize.StatusCode, callback)
	}
	return callback.Next()
}

// login logs in by way of the instances, the last of which serves the page.
func (m *member) login(begin, callback, page int) {
	m.cluster.t.Helper()
	target := fmt.Sprintf("/from/%d%d%d", begin, callback, page)
	a := m.open(callback, m.toCallback(begin, target))
	if want := m.cluster.url(host, target); a.Next() != want {
		m.cluster.t.Fatalf("login by %s ended with %s", target, a)
	}
	m.wantPage(page)
}

// followFrom follows redirects from a response on. It returns the last one.
func (m *member) followFrom(a response) response {
	m.cluster.t.Helper()
	if a.Next() == "" {
		return a
	}
	chain, err := m.Follow(m.cluster.t.Context(), a.Next())
	if err != nil {
		m.cluster.t.Fatal(err)
	}
	return chain[len(chain)-1]
}

// wantPage fails the test unless the member is served as themselves.
func (m *member) wantPage(at int) {
	m.cluster.t.Helper()
	if a := m.open(at, "/page"); !m.isServed(a) {
		m.cluster.t.Errorf("%s at instance %d: %s", m.id, at, a)
	}
}

// isServed reports whether a response is the app's, to the member.
func (m *member) isServed(a response) bool {
	return a.StatusCode == http.StatusOK && strings.Contains(a.Text, "X-Wechat-User: "+m.openID())
}

// cookieLine returns the member's cookies for the site, as a header line.
func (m *member) cookieLine() string { return "Cookie: " + testbrowser.CookieHeader(m.Cookies("/")) }
