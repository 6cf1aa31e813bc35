package weixin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const (
	stableTokenPath = "/cgi-bin/stable_token"
	ticketPath      = "/cgi-bin/ticket/getticket"
	weComTokenPath  = "/cgi-bin/gettoken"
)

var (
	demoOfficial = App{simulator.DemoAppID, Secret(simulator.DemoSecret)}
	demoWeCom    = App{simulator.DemoCorpID, Secret(simulator.DemoWeComSecret)}
)

// cacheInMemory keeps entries as a store does whose entries carry their ends: whoever reads judges by their own clock.
type cacheInMemory struct {
	mu      sync.Mutex
	entries map[string]cacheItem
	down    atomic.Bool
	hangs   atomic.Bool
	calls   atomic.Int32
}

type cacheItem struct {
	value []byte
	end   time.Time
}

// cacheView is the cache as an instance with such a clock sees it.
type cacheView struct {
	*cacheInMemory
	now func() time.Time
}

var errCache = errors.New("the store is down")

func (v cacheView) begin(ctx context.Context) error {
	v.calls.Add(1)
	if v.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if v.down.Load() {
		return errCache
	}
	return nil
}

func (v cacheView) Get(ctx context.Context, key string) ([]byte, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.entries[key]; ok && v.now().Before(e.end) {
		return e.value, nil
	}
	return nil, nil
}

func (v cacheView) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	if ttl <= 0 {
		panic("an entry without a ttl")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entries[key] = cacheItem{bytes.Clone(value), v.now().Add(ttl)}
	return nil
}

func (v cacheView) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.entries[key]; ok && v.now().Before(e.end) {
		return e.value, nil
	}
	v.entries[key] = cacheItem{bytes.Clone(value), v.now().Add(ttl)}
	return value, nil
}

func (v cacheView) Delete(ctx context.Context, key string) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.entries, key)
	return nil
}

// cluster is WeChat, which is the simulator without a network, and a cache. Time is that of a synctest bubble.
type cluster struct {
	*testing.T
	sim   *simulator.Simulator
	cache *cacheInMemory
}

func inCluster(t *testing.T, config simulator.Config, f func(*testing.T, *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim, err := simulator.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		f(t, &cluster{T: t, sim: sim, cache: &cacheInMemory{entries: make(map[string]cacheItem)}})
	})
}

// RoundTrip lets the simulator answer, a while later.
func (c *cluster) RoundTrip(r *http.Request) (res *http.Response, err error) {
	time.Sleep(20 * time.Millisecond)
	defer func() {
		if recover() == http.ErrAbortHandler {
			if err = r.Context().Err(); err == nil {
				err = io.ErrUnexpectedEOF
			}
		}
	}()
	w := httptest.NewRecorder()
	r.RemoteAddr = "127.0.0.1:1"
	c.sim.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// instance is a client and its view of the cache, with a clock that is so much ahead.
func (c *cluster) instance(skew time.Duration) (*Client, TokenCache) {
	now := func() time.Time { return time.Now().Add(skew) }
	client := &Client{Hosts: HostsAt("http://wechat.test", ""), Transport: c, Now: now}
	return client, cacheView{c.cache, now}
}

func (c *cluster) official(skew time.Duration) *ServerToken {
	client, cache := c.instance(skew)
	return client.ServerToken(cache, demoOfficial)
}

func (c *cluster) weCom(skew time.Duration) *ServerToken {
	client, cache := c.instance(skew)
	return client.WeComToken(cache, demoWeCom)
}

// useNothing needs the token for nothing.
func useNothing(string) error { return nil }

// use makes a call with the token.
func use(t *ServerToken) error {
	ask := t.client.pageTicket
	if t.wecom {
		ask = t.client.weComPageTicket
	}
	return t.Do(context.Background(), func(token string) error {
		_, _, err := ask(context.Background(), token)
		return err
	})
}

func (c *cluster) wantCalls(path string, want int) {
	c.Helper()
	synctest.Wait()
	if got := c.sim.Calls(path); got != want {
		c.Errorf("%s was called %d times, want %d", path, got, want)
	}
}

func (c *cluster) fault(f simulator.Fault) {
	c.Helper()
	if err := c.sim.Fault(f); err != nil {
		c.Fatal(err)
	}
}

// refuseTokens makes WeChat give another token, and refuse the one before, as if somebody else had asked for it.
func (c *cluster) refuseTokens() {
	c.Helper()
	client := &Client{Hosts: HostsAt("http://wechat.test", ""), Transport: c}
	if _, _, err := client.stableToken(c.Context(), demoOfficial, true); err != nil {
		c.Fatal(err)
	}
}
