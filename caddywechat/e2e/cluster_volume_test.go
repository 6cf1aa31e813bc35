package e2e

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// memory returns how much of the machine's the instance takes, in MiB.
func (i *instance) memory() int {
	i.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.cmd.Process.Pid))
	if err != nil {
		i.t.Skip("skipped for want of /proc")
	}
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	kB, err := strconv.Atoi(string(match[1]))
	if err != nil {
		i.t.Fatal(err)
	}
	return kB >> 10
}

// people is how many log in: whoever logs out fifty times ends what sessions they have elsewhere.
const people = 50

// TestCluster_KeepsNothingOfManyLogins counts what logins cost: calls to WeChat, memory, entries in Redis. E2E_LOGINS
// says how many; where it is set the test also waits until everything in Redis is over.
func TestCluster_KeepsNothingOfManyLogins(t *testing.T) {
	t.Parallel()
	logins, err := strconv.Atoi(cmp.Or(os.Getenv("E2E_LOGINS"), "1000"))
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	c.redis = startRedis(t)
	c.add(3, binary(t), "", c.caddyfile("session {\nkey {env.SESSION_KEY}\nlifetime 5s\n}\nstore redis {env.REDIS_URL}",
		defaultApp))
	c.start()
	for n := range people {
		c.member(fmt.Sprintf("many%d", n))
	}
	var who atomic.Int64
	login := func(logout bool) {
		m := c.browserOf(fmt.Sprintf("many%d", who.Add(1)%people))
		if a := m.open(anywhere, m.toCallback(anywhere, "/page")); a.Next() != c.url(host, "/page") {
			t.Errorf("ended at %q with status %d: %s", a.Next(), a.StatusCode, a.Text)
		}
		if logout {
			m.open(anywhere, "/_wechat/logout", byALink...)
		}
	}
	const first, logoutEvery = 200, 20
	for range first {
		login(true)
	}
	before := c.memories()
	exchanges := c.exchanges()
	begun := time.Now()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(logins) && !t.Failed(); n = next.Add(1) {
				login(n%logoutEvery == 0)
			}
		})
	}
	wait.Wait()
	took := time.Since(begun)
	calls, after := c.exchanges()-exchanges, c.memories()
	t.Logf("%d logins in %s (%.0f a second): %d calls to WeChat, %.0f for 1,000 logins",
		logins, took.Round(time.Millisecond), float64(logins)/took.Seconds(), calls,
		1000*float64(calls)/float64(logins))
	t.Logf("memory of the instances in MiB: %v before, %v after", before, after)
	if calls != logins {
		t.Errorf("%d calls to WeChat for %d logins", calls, logins)
	}
	for n := range after {
		if grown := after[n] - before[n]; grown > 100 {
			t.Errorf("instance %d has grown by %d MiB", n, grown)
		}
	}

	names, longest := c.redis.longestLife()
	t.Logf("in Redis: %s; the last is over in %s", areasOf(names), longest.Round(time.Second))
	if len(names) > logins+first+5 || longest > time.Minute {
		t.Errorf("%d entries in Redis, of which the last is over in %s", len(names), longest)
	}
	if os.Getenv("E2E_LOGINS") == "" {
		return
	}
	time.Sleep(longest + time.Second)
	names, _ = c.redis.longestLife()
	t.Logf("in Redis when all is over: %s; memory %v", areasOf(names), c.memories())
	if len(names) > 0 {
		t.Errorf("%d entries are left in Redis: %v", len(names), names)
	}
}

func (c *cluster) memories() (all []int) {
	for _, i := range c.instances {
		all = append(all, i.memory())
	}
	return all
}

// areasOf says how many names there are of each kind.
func areasOf(names []string) string {
	count := make(map[string]int)
	for _, name := range names {
		area, _, _ := strings.Cut(strings.TrimPrefix(name, "wechat:"), "/")
		count[area]++
	}
	return fmt.Sprint(len(names), " entries ", count)
}
