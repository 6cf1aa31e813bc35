package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// tryLoginsOverInstances begins logins on one instance, comes back to another and goes on at a third, in every sequence
// there is.
func (c *cluster) tryLoginsOverInstances() {
	c.t.Helper()
	before := c.exchanges()
	for begin := range 3 {
		for callback := range 3 {
			for page := range 3 {
				c.member(fmt.Sprintf("member-%d%d%d", begin, callback, page)).login(begin, callback, page)
			}
		}
	}
	if got := c.exchanges() - before; got != 27 {
		c.t.Errorf("%d calls to WeChat for 27 logins", got)
	}
}

// tryFirstVisitors has the first visitors of three instances that began on an empty folder come at the same moment: one
// key is made for all.
func (c *cluster) tryFirstVisitors() {
	t := c.t
	t.Helper()
	if made, err := os.ReadDir(filepath.Join(c.folder, "wechat")); err == nil {
		t.Fatalf("before the first visitor there is %v", made)
	}
	members := []*member{c.member("first-0"), c.member("first-1"), c.member("first-2")}
	begun := make([]response, len(members))
	var wait sync.WaitGroup
	for i, m := range members {
		wait.Go(func() { begun[i], _ = m.get(i, "/page") })
	}
	wait.Wait()
	for i, m := range members {
		callback := m.open(anywhere, begun[i].Next()).Next()
		if a := m.open((i+1)%3, callback); a.Next() != c.url(host, "/page") {
			t.Errorf("begun on %d: ended at %q with status %d: %s", i, a.Next(), a.StatusCode, a.Text)
		}
		for at := range 3 {
			m.wantPage(at)
		}
	}
	if made, err := filepath.Glob(filepath.Join(c.folder, "wechat", "*key*")); err != nil || len(made) != 1 {
		t.Errorf("keys in the folder: %v %v", made, err)
	}
}

// tryTheSameCallbackTwice lets browsers ask twice at the same moment, and a balancer send that two ways.
func (c *cluster) tryTheSameCallbackTwice() {
	t := c.t
	t.Helper()
	before := c.exchanges()
	defer c.sim.ClearFaults()
	if err := c.sim.Fault(simulator.Fault{
		Path: "/sns/oauth2/access_token", Kind: simulator.FaultDelay,
		Delay: 50 * time.Millisecond,
	}); err != nil {
		t.Fatal(err)
	}
	const logins = 10
	redirected := 0
	for n := range logins {
		m := c.member(fmt.Sprintf("twice-%d", n))
		callback := m.toCallback(n%3, "/page")
		cookies := m.cookieLine()
		var answers [2]response
		var wait sync.WaitGroup
		for i := range answers {
			// Without the jar: both have the cookies of this moment.
			twin := c.browserOf(m.id)
			wait.Go(func() { answers[i], _ = twin.get((n+1+i)%3, callback, cookies) })
		}
		wait.Wait()
		for i, a := range answers {
			if a.Response == nil {
				t.Fatal("no answer")
			}
			// The browser follows the response that came last, and has the cookies of both.
			last := c.browserOf(m.id)
			for _, each := range []response{answers[1-i], a} {
				last.SetCookies("/", each.Cookies()...)
			}
			if a.Next() == c.url(host, "/page") {
				redirected++
			}
			if end := last.followFrom(a); !last.isServed(end) {
				t.Errorf("login %d: ended with status %d: %s", n, end.StatusCode, end.Text)
			}
		}
	}
	t.Logf("%d logins whose callback came to two instances at once: %d of %d responses redirected to the page, "+
		"%d calls to WeChat",
		logins, redirected, 2*logins, c.exchanges()-before)
	wantRedirected, wantCalls := logins, 3*logins // one call each, and another login for those that WeChat refused
	if c.redis != nil {
		wantRedirected, wantCalls = 2*logins-1, logins+2 // on a machine that is busy, one claim may have taken too long
	}
	if got := c.exchanges() - before; redirected < wantRedirected || got > wantCalls {
		t.Errorf("%d responses redirected to the page after %d calls to WeChat, want %d after %d", redirected, got,
			wantRedirected,
			wantCalls)
	}
}

// TestCluster_EndsTheLoginOfAnInstanceThatDied kills the instance that has a visitor's code at WeChat. The visitor asks
// again, another instance waits a while for what the first one gets, and then ends the login by itself.
func TestCluster_EndsTheLoginOfAnInstanceThatDied(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.redis = startRedis(t)
	c.add(2, binary(t), "", c.caddyfile("session {\nkey {env.SESSION_KEY}\n}\nstore redis {env.REDIS_URL}\ntimeout 2s",
		defaultApp))
	c.start()
	m := c.member("interrupted")
	callback := m.toCallback(1, "/page")
	fault := simulator.Fault{
		Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: -1,
		Delay: time.Second, Consume: true, Times: 1,
	}
	if err := c.sim.Fault(fault); err != nil {
		t.Fatal(err)
	}
	answered := make(chan response, 1)
	go func() { a, _ := m.get(0, callback); answered <- a }()
	c.instances[0].eventually("WeChat has the code", func() bool { return c.exchanges() == 1 })
	c.instances[0].kill()
	if a := <-answered; a.Response == nil || a.Header.Get(cutHeader) == "" {
		t.Fatalf("the killed instance answered: %+v", a)
	}
	begun := time.Now()
	if end := m.followFrom(m.open(1, callback)); !m.isServed(end) {
		t.Errorf("ended with status %d: %s", end.StatusCode, end.Text)
	}
	t.Logf("logged in %s after the instance died, with %d calls to WeChat", time.Since(begun).Round(time.Millisecond),
		c.exchanges())
}
