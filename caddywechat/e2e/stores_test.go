package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestMemoryStore_KeepsSessionsOverReloads(t *testing.T) {
	t.Parallel()
	directives := "wechat_auth {\n{account}\nstore memory\n}\nreverse_proxy {app}"
	s := newSite(t, "http", directives)
	s.caddy.waitFor(`"warn".*store memory.*session \{ key`)
	v := s.visitor()
	v.login("/page")
	for range 2 {
		s.reload(directives)
		if a := v.open("/page"); a.StatusCode != http.StatusOK {
			t.Errorf("after a reload: status %d", a.StatusCode)
		}
	}
	s.restart()
	if a := v.open("/page"); a.StatusCode != http.StatusFound {
		t.Errorf("after a restart: status %d", a.StatusCode)
	}
}

// TestRedisStore_SharesWhatIsLearned has a unionid learned by one process and used by the next, and Redis fail between.
func TestRedisStore_SharesWhatIsLearned(t *testing.T) {
	t.Parallel()
	path := program(t, "redis-server")
	port := freeport.Get(t)
	startRedis := func() *process {
		dir := t.TempDir()
		p := startProgram(t, path, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--requirepass",
			"s3cr3t-of-redis", "--dir", dir, "--save", "")
		p.eventually("redis-server listens", func() bool {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return false
			}
			c.Close()
			return true
		})
		return p
	}
	redis := startRedis()
	s := newSite(t, "http", fmt.Sprintf(`wechat_auth {
		{account}
		session {
			key Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP
		}
		store redis redis://:{env.REDIS_PASSWORD}@127.0.0.1:%d
		user_id unionid
	}
	reverse_proxy {app}`, port), "REDIS_PASSWORD=s3cr3t-of-redis")
	unionID := simulator.UnionID(simulator.DemoOpenPlatform, "xiaoming")
	login := func() response {
		chain := s.visitor().follow("/page")
		return chain[len(chain)-1]
	}
	set := func(rule simulator.UnionIDRule) {
		if err := s.sim.SetQuirks(simulator.Quirks{UnionID: rule}); err != nil {
			t.Fatal(err)
		}
	}

	set(simulator.UnionIDAlways)
	if a := login(); a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "X-Wechat-User: "+unionID) {
		t.Fatalf("status %d: %s", a.StatusCode, a.Text)
	}
	set(simulator.UnionIDNever)
	s.restart()
	if a := login(); a.StatusCode != http.StatusOK || !strings.Contains(a.Text, "X-Wechat-User: "+unionID) {
		t.Errorf("what another process learned is not known: status %d: %s", a.StatusCode, a.Text)
	}

	redis.stop()
	for range 3 {
		if a := login(); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("without Redis: status %d", a.StatusCode)
		}
	}
	set(simulator.UnionIDAlways)
	startRedis()
	s.caddy.eventually("Redis is used again", func() bool {
		return login().StatusCode == http.StatusOK
	})
	for _, line := range strings.Split(s.caddy.log.String(), "\n") {
		if line != "" && !strings.HasPrefix(line, "{") || strings.Contains(line, "s3cr3t-of-redis") {
			t.Errorf("it printed %s", line)
		}
	}
}
