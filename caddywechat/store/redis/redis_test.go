package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

// open returns a store at a URL with a client of its own, as another instance has.
func open(t *testing.T, url string) *Store {
	t.Helper()
	quietly()
	c, err := newClient(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Store{client: c}
}

// conforms runs the stores' suite at a URL. Empty removes what is there.
func conforms(t *testing.T, url string, empty func()) {
	t.Helper()
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Backend)) {
		empty()
		test(t, storetest.Backend{
			Open: func() store.Store { return open(t, url) },
			TTL:  20 * time.Millisecond,
			// Redis has a clock of its own.
			Pass: func(d time.Duration) { time.Sleep(d + 5*time.Millisecond) },
		})
	})
}

func TestStore_KeepsTheContractsOnOneServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	conforms(t, "redis://"+s.addr()+"/3", func() { s.order("flushall") })
	if n, err := s.admin().DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("database 0 holds %d keys, %v: the URL says 3", n, err)
	}
}

func TestStore_KeepsTheContractsOnACluster(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	conforms(t, fmt.Sprintf("redis://%s?addr=%s", nodes[0].addr(), nodes[1].addr()), func() {
		for _, n := range nodes {
			n.order("flushall")
		}
	})
	s := open(t, fmt.Sprintf("redis://%s?addr=%[1]s", nodes[2].addr()))
	if _, err := s.Get(t.Context(), "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("by one node, named twice: %v", err)
	}
}

func TestStore_KeepsTheContractsBehindSentinel(t *testing.T) {
	t.Parallel()
	master, replica, watch := sentinel(t)
	url := "redis://" + watch.addr() + "?master_name=mymaster"
	conforms(t, url, func() { master.order("flushall") })
	s := open(t, url)
	if err := s.Put(t.Context(), "before", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica has it", func() bool {
		return replica.admin().Get(t.Context(), prefix+"before").Err() == nil
	})
	master.stop()
	eventually(t, "the replica has taken over", func() bool {
		return s.Put(t.Context(), "after", []byte("value"), time.Hour) == nil
	})
	if got, err := s.Get(t.Context(), "before"); err != nil || string(got) != "value" {
		t.Errorf("what was there before: got %q, %v", got, err)
	}
}

func TestStore_ConnectsByTLSAndPassword(t *testing.T) {
	t.Parallel()
	server := newServer(t, "--requirepass", "p@ss/word?#%")
	port := server.port
	server.args = append(server.args, "--port", "0", "--tls-port", fmt.Sprint(port),
		"--tls-cert-file", certificate, "--tls-key-file", certificateKey, "--tls-auth-clients", "no")
	server.start()
	works := func(url string) error {
		return open(t, url).Put(t.Context(), "key", []byte("value"), time.Hour)
	}
	if err := works(fmt.Sprintf("rediss://:p%%40ss%%2Fword%%3F%%23%%25@127.0.0.1:%d", port)); err != nil {
		t.Error(err)
	}
	if err := works(fmt.Sprintf("rediss://default:p%%40ss%%2Fword%%3F%%23%%25@127.0.0.1:%d", port)); err != nil {
		t.Errorf("with a name: %v", err)
	}
	for name, url := range map[string]string{
		"wrong password":               "rediss://:hunter2@127.0.0.1:%d",
		"no password":                  "rediss://127.0.0.1:%d",
		"no TLS":                       "redis://:hunter2@127.0.0.1:%d",
		"a name it has no certificate": "rediss://:hunter2@localhost:%d",
	} {
		err := works(fmt.Sprintf(url, port))
		if !errors.Is(err, store.ErrStore) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(name, "-", err)
	}
}

func TestStore_FailsAtOnceWhileItsServerIsDown(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := open(t, "redis://"+server.addr())
	works := func() error { return s.Put(t.Context(), "key", []byte("s3cr3t"), time.Hour) }
	if err := works(); err != nil {
		t.Fatal(err)
	}
	server.stop()
	for range 100 {
		begun := time.Now()
		err := works()
		if !errors.Is(err, store.ErrStore) || strings.Contains(err.Error(), "s3cr3t") ||
			!strings.Contains(err.Error(), server.addr()) {
			t.Fatalf("while it is down: %v", err)
		}
		if waited := time.Since(begun); waited > time.Second {
			t.Fatalf("it took %s to say so", waited)
		}
	}
	server.start()
	begun := time.Now()
	eventually(t, "it is used again", func() bool { return works() == nil })
	if waited := time.Since(begun); waited > 5*time.Second {
		t.Errorf("it took %s to be used again", waited)
	}
}

func TestStore_FailsWithinSecondsIfItsServerHangs(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := open(t, "redis://"+server.addr())
	r := s.Follow("log")
	if err := s.Append(t.Context(), "log", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	server.order("client", "pause", (timeout + time.Second).Milliseconds())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"with a deadline": func() error { return s.Delete(ctx, "key") },
		"without":         func() error { _, err := r.Read(t.Context()); return err },
	} {
		begun := time.Now()
		err := call()
		if waited := time.Since(begun); !errors.Is(err, store.ErrStore) || waited > timeout+time.Second ||
			name == "with a deadline" && waited > time.Second {
			t.Errorf("%s: %v after %s", name, err, waited)
		}
	}
	var got [][]byte
	eventually(t, "it answers again", func() bool {
		var err error
		got, err = r.Read(t.Context())
		return err == nil
	})
	if len(got) != 1 {
		t.Errorf("afterwards: got %q", got)
	}
}

// TestJournal_GoesOnIfAReplicaTakesOver has the clock of the one that took over lag behind.
func TestJournal_GoesOnIfAReplicaTakesOver(t *testing.T) {
	server := startServer(t)
	s := open(t, "redis://"+server.addr())
	r := s.Follow("log")
	if err := s.Append(t.Context(), "log", []byte("lost"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Read(t.Context()); err != nil || len(got) != 1 {
		t.Fatalf("got %q, %v", got, err)
	}
	server.order("flushall")
	earlier := fmt.Sprintf("%d-0", time.Now().Add(-30*time.Second).UnixMilli())
	server.order("xadd", prefix+"journal:log", earlier, "end", time.Now().Add(time.Hour).UnixMilli(), "value", "new")
	got, err := r.Read(t.Context())
	if err != nil || len(got) != 1 || string(got[0]) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := r.Read(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("again: got %q, %v", got, err)
	}
}

func TestJournal_IsReadByPagesAndHoldsNothingThatIsOver(t *testing.T) {
	server := startServer(t)
	s := open(t, "redis://"+server.addr())
	const n = 2*page + 1
	for i := range n {
		if err := s.Append(t.Context(), "log", fmt.Appendf(nil, "%d", i), 5*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if length, err := server.admin().XLen(t.Context(), stream("log")).Result(); err != nil || length >= n {
		t.Errorf("the stream holds %d of %d records that lived for 5 ms", length, n)
	}
	eventually(t, "the stream is over", func() bool {
		exists, err := server.admin().Exists(t.Context(), stream("log")).Result()
		return err == nil && exists == 0
	})
	for i := range n {
		if err := s.Append(t.Context(), "log", fmt.Appendf(nil, "%d", i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	r := s.Follow("log")
	if got, err := r.Read(t.Context()); err != nil || len(got) != n {
		t.Errorf("got %d values, %v, want %d", len(got), err, n)
	}
	if got, err := r.Read(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("again: got %d values, %v", len(got), err)
	}
}

func TestStore_BearsWhatSomebodyElsePutThere(t *testing.T) {
	server := startServer(t)
	s := open(t, "redis://"+server.addr())
	server.order("xadd", stream("odd"), "*", "colour", "red")
	server.order("set", stream("text"), "x")
	server.order("lpush", prefix+"list", "x")
	if err := s.Append(t.Context(), "odd", []byte("ours"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Follow("odd").Read(t.Context()); err != nil || len(got) != 1 || string(got[0]) != "ours" {
		t.Errorf("beside somebody else's entry: got %q, %v", got, err)
	}
	if got, err := s.Follow("text").Read(t.Context()); !errors.Is(err, store.ErrStore) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := s.Get(t.Context(), "list"); !errors.Is(err, store.ErrStore) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStore_HasNoArgumentsInErrors(t *testing.T) {
	server := startServer(t, "--rename-command", "SET", "")
	s := open(t, "redis://"+server.addr())
	err := s.Put(t.Context(), "key", []byte("s3cr3t"), time.Hour)
	if !errors.Is(err, store.ErrStore) || !strings.Contains(err.Error(), "unknown command") ||
		strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v", err)
	}
}

func TestStore_SharesAClientOverAReload(t *testing.T) {
	server := startServer(t)
	t.Setenv("REDIS_URL", "redis://"+server.addr())
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	provision := func(url string) *Store {
		t.Helper()
		s := &Store{URL: url}
		if err := s.Provision(ctx); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := provision("{env.REDIS_URL}")
	if err := before.Put(t.Context(), "key", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	after, other := provision("redis://"+server.addr()), provision("redis://"+server.addr()+"/1")
	if before.client != after.client || after.client == other.client {
		t.Error("sites with one URL don't share a client, or others do")
	}
	for _, s := range []*Store{before, other} {
		if err := s.Cleanup(); err != nil {
			t.Error(err)
		}
	}
	if got, err := after.Get(t.Context(), "key"); err != nil || string(got) != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := other.Get(t.Context(), "key"); !errors.Is(err, store.ErrStore) {
		t.Errorf("a client that nobody uses is not closed: %v", err)
	}
	if err := after.Cleanup(); err != nil {
		t.Error(err)
	}
}

func TestProvision_ConnectsToNobody(t *testing.T) {
	for _, url := range []string{
		"redis://127.0.0.1:1", "rediss://127.0.0.1:1", "redis://127.0.0.1:1?addr=127.0.0.1:2",
		"redis://127.0.0.1:1?master_name=m",
	} {
		s := &Store{URL: url}
		begun := time.Now()
		if err := s.Provision(caddy.Context{Context: t.Context()}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if err := s.Cleanup(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s: it took %s", url, took)
		}
	}
	if err := new(Store).Cleanup(); err != nil {
		t.Errorf("what was never provisioned: %v", err)
	}
}

func TestStore_ReadsCaddyfiles(t *testing.T) {
	var s Store
	err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser("redis {env.REDIS_URL}"))
	if err != nil || s.URL != "{env.REDIS_URL}" {
		t.Errorf("got %q, %v", s.URL, err)
	}
	for _, input := range []string{
		"redis", "redis a b", "redis redis://h {\n x\n}", "redis localhost:6379", "redis redis://:hunter2@",
	} {
		err := new(Store).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err == nil || !strings.Contains(err.Error(), "Testfile:") ||
			!strings.Contains(err.Error(), "redis://") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestStore_IsAModule(t *testing.T) {
	info, err := caddy.GetModule("wechat.stores.redis")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.New().(store.Store); !ok {
		t.Errorf("got %T", info.New())
	}
}
