package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// redisServer is a Redis with a password that keeps its data in a folder.
type redisServer struct {
	*process
	t      *testing.T
	path   string
	port   int
	dir    string
	client *redis.Client
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	r := &redisServer{t: t, path: program(t, "redis-server"), port: freeport.Get(t), dir: t.TempDir()}
	r.client = redis.NewClient(&redis.Options{
		Addr: fmt.Sprintf("127.0.0.1:%d", r.port), Password: redisSecret,
		PoolSize: 1,
	})
	t.Cleanup(func() { r.client.Close() })
	r.launch()
	return r
}

func (r *redisServer) url() string {
	return fmt.Sprintf("redis://:%s@127.0.0.1:%d", redisSecret, r.port)
}

func (r *redisServer) launch() {
	r.t.Helper()
	r.process = startProgram(r.t, r.path, "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1",
		"--requirepass", redisSecret, "--dir", r.dir, "--save", "", "--appendonly", "yes")
	r.eventually("Redis answers", func() bool { return r.client.Ping(r.t.Context()).Err() == nil })
}

func (r *redisServer) kill() {
	r.cmd.Process.Kill()
	<-r.exited
}

// forget removes the data of a Redis that has ended.
func (r *redisServer) forget() {
	r.t.Helper()
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Fatal(err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
}

// pause stops Redis until resume: it takes connections and answers nothing.
func (r *redisServer) pause() { r.cmd.Process.Signal(syscall.SIGSTOP) }

func (r *redisServer) resume() { r.cmd.Process.Signal(syscall.SIGCONT) }

// fill makes Redis refuse whatever needs more memory.
func (r *redisServer) fill() { r.set("maxmemory", "1") }

func (r *redisServer) empty() { r.set("maxmemory", "0") }

func (r *redisServer) set(name, value string) {
	r.t.Helper()
	if err := r.client.ConfigSet(r.t.Context(), name, value).Err(); err != nil {
		r.t.Fatal(err)
	}
}

var commandCalls = regexp.MustCompile(`cmdstat_([^:]+):calls=(\d+)`)

// calls returns how often each command was given, those of this test not counted.
func (r *redisServer) calls() map[string]int {
	r.t.Helper()
	text, err := r.client.Info(r.t.Context(), "commandstats").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	calls := make(map[string]int)
	for _, match := range commandCalls.FindAllStringSubmatch(text, -1) {
		if match[1] != "info" {
			calls[match[1]], _ = strconv.Atoi(match[2])
		}
	}
	return calls
}

// connections returns how many there are, that of this test not counted.
func (r *redisServer) connections() int {
	r.t.Helper()
	text, err := r.client.ClientList(r.t.Context()).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Count(text, "\n") - 1
}

// longestLife returns the names in Redis, and the longest of their lives.
func (r *redisServer) longestLife() (names []string, longest time.Duration) {
	r.t.Helper()
	keys := r.client.Scan(r.t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(r.t.Context()) {
		life, err := r.client.PTTL(r.t.Context(), keys.Val()).Result()
		if err != nil {
			r.t.Fatal(err)
		}
		if life == -1 {
			r.t.Errorf("%s has no end", keys.Val())
		}
		names = append(names, keys.Val())
		longest = max(longest, life)
	}
	if err := keys.Err(); err != nil {
		r.t.Fatal(err)
	}
	return names, longest
}
