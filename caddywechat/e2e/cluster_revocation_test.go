package e2e

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// withinFive is how soon a revocation is in force everywhere: five seconds, and some for a machine that is busy.
const withinFive = 5*time.Second + 3*time.Second

// revoke runs the command against one instance.
func (i *instance) revoke(args ...string) (string, error) {
	i.t.Helper()
	return run(i.t, i.env, append([]string{"wechat", "revoke", "--address", fmt.Sprintf("127.0.0.1:%d", i.admin)},
		args...)...)
}

// isOut reports whether an instance does not take the member's session any more.
func (m *member) isOut(at int) bool {
	m.cluster.t.Helper()
	return m.open(at, "/api", "Accept: */*").StatusCode == http.StatusUnauthorized
}

// untilOut waits until the members are out everywhere, and returns how long that took.
func (c *cluster) untilOut(members []*member) time.Duration {
	c.t.Helper()
	begun := time.Now()
	for _, m := range members {
		for at := range c.instances {
			for !m.isOut(at) {
				if time.Since(begun) > withinFive {
					c.t.Fatalf("%s is still served by instance %d after %s", m.id, at, time.Since(begun))
				}
				time.Sleep(50 * time.Millisecond)
			}
		}
	}
	return time.Since(begun)
}

// sessionID returns the id in the log line about a member's login.
func (c *cluster) sessionID(m *member) string {
	c.t.Helper()
	re := regexp.MustCompile(`"user_id":"` + m.openID() + `"[^\n]*`)
	id := regexp.MustCompile(`"session":"([0-9a-f]+)"`)
	for _, i := range c.instances {
		if match := id.FindStringSubmatch(re.FindString(i.log.String())); match != nil {
			return match[1]
		}
		for _, line := range strings.Split(i.log.String(), "\n") {
			if match := id.FindStringSubmatch(line); match != nil && strings.Contains(line, m.openID()) {
				return match[1]
			}
		}
	}
	c.t.Fatalf("no log line has the session of %s", m.id)
	return ""
}

// tryRevocations ends sessions in every way there is. They are over on all instances soon, and stay so over restarts.
func (c *cluster) tryRevocations() {
	t := c.t
	t.Helper()
	var members []*member
	for _, id := range []string{"by-user", "by-openid", "by-session", "by-logout", "stays"} {
		m := c.member(id)
		m.login(0, 1, 2)
		for at := range c.instances {
			m.wantPage(at)
		}
		members = append(members, m)
	}
	gone, stays := members[:4], members[4]
	for i, args := range [][]string{
		{"--user", members[0].openID()}, {"--openid", members[1].openID()}, {"--session", c.sessionID(members[2])},
	} {
		out, err := c.instances[0].revoke(args...)
		if err != nil || !strings.HasPrefix(out, "revoked: ") || !strings.Contains(out, "on this instance lately: 1") {
			t.Fatalf("revoke %s: %v\n%s", args[0], err, out)
		}
		if !members[i].isOut(0) {
			t.Errorf("revoked by %s, and still served by the instance that was asked", args[0])
		}
	}
	// The browser forgets its cookie at the logout; somebody may have kept it.
	kept := members[3].Cookies("/")
	members[3].open(0, "/_wechat/logout", byALink...)
	gone[3] = c.browserOf("by-logout")
	gone[3].SetCookies("/", kept...)
	if !gone[3].isOut(0) {
		t.Error("logged out, and still served by the instance that was asked")
	}
	t.Logf("three revocations and a logout were in force on all instances %s after the last",
		c.untilOut(gone).Round(time.Millisecond))

	for _, i := range c.instances {
		i.kill()
	}
	c.start()
	for at := range c.instances {
		stays.wantPage(at)
		for _, m := range gone {
			if !m.isOut(at) {
				t.Errorf("%s is served by instance %d after a restart", m.id, at)
			}
		}
	}

	if out, err := c.instances[0].revoke("--all"); err != nil {
		t.Fatalf("revoke --all: %v\n%s", err, out)
	}
	if !stays.isOut(0) {
		t.Error("everybody was revoked, and somebody is served by the instance that was asked")
	}
	t.Logf("the revocation of everybody was in force on all instances after %s",
		c.untilOut([]*member{stays}).Round(time.Millisecond))
	time.Sleep(time.Second) // a session of the same second as the revocation is over, too
	stays.login(0, 1, 2)
}

// tryReading counts what Redis is asked for while people with sessions come and go.
func (c *cluster) tryReading() {
	t := c.t
	t.Helper()
	m := c.member("reader")
	m.login(0, 1, 2)
	for at := range c.instances {
		m.wantPage(at) // begins to look for revocations
	}
	before, begun := c.redis.calls(), time.Now()
	for range 500 {
		m.wantPage(anywhere)
	}
	after, took := c.redis.calls(), time.Since(begun)
	looks := 2 * len(c.instances) * (int(took/(2*time.Second)) + 1) // at two journals
	for command, n := range after {
		n -= before[command]
		if n == 0 {
			continue
		}
		t.Logf("500 requests in %s: %d times %s", took.Round(time.Millisecond), n, command)
		if command != "xrange" || n > looks {
			t.Errorf("%s %d times, want nothing but at most %d looks for revocations", command, n, looks)
		}
	}
}

// TestRevokeEndpoint_AnswersWithoutSecrets looks at what the admin API says of a revocation, also of one that the store
// did not take.
func TestRevokeEndpoint_AnswersWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := newRedisCluster(t)
	send := func(body string) (int, string) {
		res, err := http.Post(c.instances[0].adminURL("/wechat/revoke"), "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{
			redisSecret, clusterKey, c.instances[0].env[len(c.instances[0].env)-1],
			"s3cr3t",
		} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%q is in the answer %s", secret, text)
			}
		}
		return res.StatusCode, string(text)
	}
	if status, text := send(`{"user":"somebody"}`); status != http.StatusOK ||
		text != "{\"revoked\":true,\"seen\":0}\n" {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := send(`{"key":"` + clusterKey[:8] + `"}`); status != http.StatusBadRequest {
		t.Errorf("a bad request: status %d: %s", status, text)
	}
	c.redis.fill()
	if status, text := send(`{"user":"somebody"}`); status != http.StatusServiceUnavailable ||
		!strings.Contains(text, "revoked here") {
		t.Errorf("without room: status %d: %s", status, text)
	}
	if out, err := c.instances[0].revoke("--user", "somebody"); err == nil || strings.Contains(out, "s3cr3t") {
		t.Errorf("the command: %v\n%s", err, out)
	}
	if got := c.instances[0].health(); got != http.StatusServiceUnavailable {
		t.Errorf("health %d", got)
	}
	// Nobody came yet who has a session: it recovers all the same, and tells what was revoked.
	c.redis.empty()
	c.instances[0].eventually("it recovers by itself", func() bool { return c.instances[0].health() == http.StatusOK })
	c.instances[0].eventually("what was revoked is told", func() bool {
		n, err := c.redis.client.XLen(t.Context(), "wechat:journal:revoked-by-operator").Result()
		return err == nil && n == 3
	})
}
