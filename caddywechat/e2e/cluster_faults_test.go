package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fault is something that happens to a cluster while people come and go.
type fault struct {
	name string
	// begin begins the fault, end ends it.
	begin, end func()
	// storeFails says that the store does not work in between, in which instances then answer 503 for their health.
	storeFails bool
	// lasts is how long it goes on at least.
	lasts time.Duration
	// mayBeCut is how many requests may end without an answer.
	mayBeCut int
}

// storeLines counts in an instance's log what it says about the store.
type storeLines struct{ readFails, readWorks, writeFails, writeWorks int }

func (i *instance) storeLines() storeLines {
	text := i.log.String()
	return storeLines{
		strings.Count(text, "the store cannot be read"), strings.Count(text, "the store can be read again"),
		strings.Count(text, "the store cannot be written"), strings.Count(text, "the store can be written again"),
	}
}

func (l storeLines) since(before storeLines) storeLines {
	return storeLines{
		l.readFails - before.readFails, l.readWorks - before.readWorks,
		l.writeFails - before.writeFails, l.writeWorks - before.writeWorks,
	}
}

// tryFaults lets one fault after the other happen, and looks at what visitors, balancers and operators get.
func (c *cluster) tryFaults(traffic *traffic, faults []fault) {
	c.t.Helper()
	c.t.Log(rowHead)
	c.t.Log(traffic.during("there is no fault", func() { time.Sleep(time.Second) }))
	traffic.wantNoFailures(c.t, "there is no fault", 0)
	for _, f := range faults {
		c.tryFault(traffic, f)
	}
}

func (c *cluster) tryFault(traffic *traffic, f fault) {
	c.t.Helper()
	// What the log of the process that runs afterwards says before: nothing yet for one that is killed.
	before := make(map[*instance]storeLines)
	for _, i := range c.instances {
		before[i] = i.storeLines()
	}
	stranger := c.browserOf("member-0")
	for at := range c.instances {
		stranger.open(at, c.url(membersHost, "/")) // has the key from here on, where one was made
	}
	c.t.Log(traffic.during(f.name, func() {
		f.begin()
		begun := time.Now()
		if f.storeFails {
			c.untilHealthIs(f.name, http.StatusServiceUnavailable)
			c.wantUnavailable(stranger, f.name)
		}
		time.Sleep(f.lasts - time.Since(begun))
		f.end()
		c.untilHealthIs(f.name, http.StatusOK)
		time.Sleep(300 * time.Millisecond)
	}))
	traffic.wantNoFailures(c.t, f.name, f.mayBeCut)
	if f.storeFails {
		// What needs the store works again: with nothing learned about the visitor, consent is asked.
		end := stranger.followFrom(stranger.open(anywhere, c.url(membersHost, "/")))
		if end.StatusCode != http.StatusOK {
			c.t.Errorf("%s: when it is over, a login that needs the store ends with status %d", f.name, end.StatusCode)
		}
	}
	for n, i := range c.instances {
		lines := i.storeLines().since(before[i])
		if lines.readFails != lines.readWorks || lines.writeFails != lines.writeWorks || lines.readFails > 1 ||
			lines.writeFails > 1 ||
			f.storeFails && lines.readFails+lines.writeFails == 0 {
			c.t.Errorf("%s: instance %d logged %+v", f.name, n, lines)
		}
	}
}

// wantUnavailable tries a login that needs the store: once by a page, once by a script.
func (c *cluster) wantUnavailable(m *member, what string) {
	c.t.Helper()
	a := m.followFrom(m.open(anywhere, c.url(membersHost, "/")))
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.Header.Get("Content-Type"), "text/html") ||
		a.Header.Get("Retry-After") == "" {
		c.t.Errorf("%s: a login that needs the store ended with status %d", what, a.StatusCode)
	}
	callback := m.open(anywhere, m.open(anywhere, c.url(membersHost, "/")).Next()).Next()
	a = m.open(anywhere, callback, "Accept: application/json")
	if a.StatusCode != http.StatusServiceUnavailable || errorWord(a) != "503 store_unavailable" {
		c.t.Errorf("%s: a login that needs the store ended with status %d: %s", what, a.StatusCode, a.Text)
	}
}

// untilHealthIs waits until all instances say the same about themselves.
func (c *cluster) untilHealthIs(what string, status int) {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for n, i := range c.instances {
		for got := i.health(); got != status; got = i.health() {
			if time.Now().After(deadline) {
				c.t.Errorf("%s: health of instance %d is %d, want %d", what, n, got, status)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func TestCluster_WithRedisSurvivesFaults(t *testing.T) {
	t.Parallel()
	c := newRedisCluster(t)
	killed := c.instances[1]
	// Where memory is short only writing fails, and nobody knows before somebody writes: here, a revocation of nobody.
	fill := func() {
		c.redis.fill()
		for _, i := range c.instances {
			i.revoke("--user", "nobody")
		}
	}
	c.tryFaults(c.traffic(12), []fault{
		{
			name: "an instance is killed and started again", begin: killed.kill, end: killed.restart,
			lasts: time.Second, mayBeCut: 20,
		},
		{
			name: "Redis is killed and started with its data", begin: c.redis.kill, end: c.redis.launch,
			storeFails: true, lasts: 3 * time.Second,
		},
		{
			name: "Redis is killed and started empty", begin: func() { c.redis.kill(); c.redis.forget() },
			end: c.redis.launch, storeFails: true,
		},
		{
			name: "Redis is stopped", begin: c.redis.pause, end: c.redis.resume, storeFails: true,
			lasts: 5 * time.Second,
		},
		{name: "Redis is full", begin: fill, end: c.redis.empty, lasts: 2 * time.Second},
	})
}

func TestCluster_WithASharedFolderSurvivesFaults(t *testing.T) {
	t.Parallel()
	c := newFolderCluster(t)
	inside, aside := filepath.Join(c.folder, "wechat"), filepath.Join(c.folder, "aside")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	killed := c.instances[1]
	faults := []fault{
		{
			name: "an instance is killed and started again", begin: killed.kill, end: killed.restart,
			lasts: time.Second, mayBeCut: 20,
		},
		{
			name: "the folder can be neither read nor written", storeFails: true, lasts: 3 * time.Second,
			begin: func() { must(os.Rename(inside, aside)); must(os.WriteFile(inside, nil, 0o600)) },
			end:   func() { must(os.Remove(inside)); must(os.Rename(aside, inside)) },
		},
		{
			name: "the folder is deleted", lasts: 3 * time.Second,
			begin: func() { must(os.Rename(inside, aside)) }, end: func() {}, // at once: instances go on writing
		},
	}
	c.tryFaults(c.traffic(12), faults)
}
