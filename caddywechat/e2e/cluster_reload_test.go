package e2e

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// load gives the instance a configuration, also where it is the one that it has.
func (i *instance) load(caddyfile string) {
	i.t.Helper()
	req, err := http.NewRequest("POST", i.adminURL("/load"), strings.NewReader(caddyfile))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate")
	req.Close = true // the admin API begins anew with each configuration
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	if body := readAll(i.t, res.Body); res.StatusCode != http.StatusOK {
		i.t.Fatalf("load: status %d: %s", res.StatusCode, body)
	}
}

var goroutineTotal = regexp.MustCompile(`goroutine profile: total (\d+)`)

// goroutines returns how many the instance has.
func (i *instance) goroutines() int {
	i.t.Helper()
	res, err := http.Get(i.adminURL("/debug/pprof/goroutine?debug=1"))
	if err != nil {
		i.t.Fatal(err)
	}
	n, err := strconv.Atoi(goroutineTotal.FindStringSubmatch(readAll(i.t, res.Body))[1])
	if err != nil {
		i.t.Fatal(err)
	}
	return n
}

// TestCluster_ReloadsWithoutLosingSessions reloads all instances over and over while people come and go, then stops one
// after the other and starts it again.
func TestCluster_ReloadsWithoutLosingSessions(t *testing.T) {
	c := newCluster(t)
	c.redis = startRedis(t)
	// Without reverse_proxy: Caddy itself keeps one idle connection to the app for each reload, for two minutes.
	c.add(3, binary(t), "", c.caddyfile("session {\nkey {env.SESSION_KEY}\n}\nstore redis {env.REDIS_URL}",
		`respond "X-Wechat-User: {http.auth.user.id}"`))
	c.start()
	reload := func(number int) {
		for _, i := range c.instances {
			text, err := os.ReadFile(i.config)
			if err != nil {
				t.Fatal(err)
			}
			changed := string(text)
			if number%2 == 1 {
				changed = strings.ReplaceAll(changed, "respond ",
					"header X-Reload "+strconv.Itoa(number)+"\n\trespond ")
			}
			i.load(changed)
		}
	}
	quiet := func() {
		c.balancer.CloseIdleConnections() // connections have goroutines, too
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}
	traffic := c.traffic(12)
	t.Log(rowHead)
	t.Log(traffic.during("there is no fault", func() {
		for number := range 3 {
			reload(number)
		}
		time.Sleep(time.Second)
	}))
	quiet()
	time.Sleep(time.Second)
	connections := c.redis.connections()
	var goroutines []int
	for _, i := range c.instances {
		goroutines = append(goroutines, i.goroutines())
	}

	reloads := 0
	t.Log(traffic.during("all are reloaded every 300 ms", func() {
		for begun := time.Now(); time.Since(begun) < 5*time.Second; reloads++ {
			next := time.After(300 * time.Millisecond)
			reload(reloads)
			<-next
		}
	}))
	traffic.wantNoFailures(t, "reloads", reloads) // the kernel may have given a connection to the listener that closed
	quiet()
	for n, i := range c.instances {
		i.eventually("goroutines end", func() bool { return i.goroutines() <= goroutines[n]+5 })
		t.Logf("instance %d: %d goroutines before %d reloads, %d after", n, goroutines[n], reloads, i.goroutines())
	}
	t.Logf("%d connections to Redis before, %d after", connections, c.redis.connections())
	if got := c.redis.connections(); got > connections+reloads/2 {
		t.Errorf("%d connections to Redis after %d reloads, %d before", got, reloads, connections)
	}

	t.Log(traffic.during("one after the other stops and starts again", func() {
		for _, i := range c.instances {
			i.stop()
			i.restart()
		}
	}))
	// connections that a listener took with it; a binary with the race detector is slow to come back
	traffic.wantNoFailures(t, "restarts", 20)
}
