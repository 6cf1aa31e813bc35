package weixin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
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

func (v cacheView) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	if life <= 0 {
		panic("an entry without a life")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entries[key] = cacheItem{bytes.Clone(value), v.now().Add(life)}
	return nil
}

func (v cacheView) PutIfAbsent(ctx context.Context, key string, value []byte, life time.Duration) ([]byte, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.entries[key]; ok && v.now().Before(e.end) {
		return e.value, nil
	}
	v.entries[key] = cacheItem{bytes.Clone(value), v.now().Add(life)}
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

func TestAThousandNeedsOnTwoInstancesMakeOneCall(t *testing.T) {
	for name, token := range map[string]func(*cluster, time.Duration) *ServerToken{"official": (*cluster).official, "WeCom": (*cluster).weCom} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
				tickets := []*Ticket{token(c, 0).PageTicket(), token(c, 0).PageTicket()}
				var needs sync.WaitGroup
				for i := range 1000 {
					needs.Go(func() {
						if s, err := tickets[i%2].Sign(t.Context(), "https://h5.test/"); err != nil || s.Signature == "" {
							t.Errorf("got %+v, %v", s, err)
						}
					})
				}
				needs.Wait()
				synctest.Wait()
				for path, n := range map[string]int{stableTokenPath: 1, ticketPath: 1, weComTokenPath: 1, "/cgi-bin/get_jsapi_ticket": 1} {
					if got := c.sim.Calls(path); got != n && got != 0 {
						t.Errorf("%s was called %d times", path, got)
					}
				}
				if got := len(c.sim.Journal()); got != 2 {
					t.Errorf("%d calls", got)
				}
			})
		})
	}
}

func TestATokenInMemoryNeedsNoCache(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token := c.official(0)
		if err := token.Do(t.Context(), useNothing); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := c.cache.calls.Load()
		for range 100 {
			if err := token.Do(t.Context(), useNothing); err != nil {
				t.Fatal(err)
			}
		}
		if after := c.cache.calls.Load(); after != before {
			t.Errorf("the cache was asked %d times", after-before)
		}
	})
}

// A process that starts anew, or a configuration that is loaded again, goes on with the token that is there.
func TestAnInstanceThatComesLaterAsksTheCache(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		for range 3 {
			if err := use(c.official(0)); err != nil {
				t.Error(err)
			}
			time.Sleep(30 * time.Minute)
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

// useForADay lets instances make calls twice a minute or so for a day, and reports how many failed.
func useForADay(instances ...*ServerToken) (failed int) {
	for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(rand.N(time.Minute)) {
		for _, token := range instances {
			if use(token) != nil {
				failed++
			}
		}
	}
	return failed
}

func (c *cluster) wantNoRefusals() {
	c.Helper()
	for _, call := range c.sim.Journal() {
		if call.Outcome != "ok" {
			c.Errorf("%s was answered %s", call.Path, call.Outcome)
		}
	}
}

func TestADayOfUse(t *testing.T) {
	for name, tt := range map[string]struct {
		skew      time.Duration
		wecom     bool
		newTokens bool
		path      string
		most      int
	}{
		"official":                      {path: stableTokenPath, most: 13},
		"official, clocks differ":       {skew: time.Minute, path: stableTokenPath, most: 26},
		"WeCom, the same token":         {wecom: true, path: weComTokenPath, most: 12 * 6},
		"WeCom, another token":          {wecom: true, newTokens: true, path: weComTokenPath, most: 13},
		"WeCom, another, clocks differ": {skew: -time.Minute, wecom: true, newTokens: true, path: weComTokenPath, most: 26},
	} {
		t.Run(name, func(t *testing.T) {
			app := simulator.WeComApp{
				CorpID: simulator.DemoCorpID, AgentID: 1, Secret: simulator.DemoWeComSecret, NewTokens: tt.newTokens,
			}
			inCluster(t, simulator.Config{WeCom: []simulator.WeComApp{app}}, func(t *testing.T, c *cluster) {
				make := c.official
				if tt.wecom {
					make = c.weCom
				}
				if failed := useForADay(make(0), make(tt.skew), make(0)); failed != 0 {
					t.Errorf("%d calls failed", failed)
				}
				synctest.Wait()
				if got := c.sim.Calls(tt.path); got < 12 || got > tt.most {
					t.Errorf("%d tokens were asked for", got)
				}
				c.wantNoRefusals()
			})
		})
	}
}

// The clock of the one that uses it is behind that of the one that fetched it, and nobody renewed it ahead.
func TestATokenIsNotUsedAfterItsEndWhereClocksDiffer(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		early, late := c.official(time.Minute), c.official(0)
		for _, token := range []*ServerToken{early, late} {
			if err := use(token); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Hour)
		if err := use(late); err != nil {
			t.Error(err)
		}
		c.wantCalls(stableTokenPath, 2)
		c.wantNoRefusals()
	})
}

func TestNobodyWaitsForARenewal(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		instances := []*ServerToken{c.official(0), c.official(0)}
		for _, token := range instances {
			if err := use(token); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2*time.Hour - latestRenewal + time.Second)
		c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultDelay, Delay: 3 * time.Second})
		begun := time.Now()
		for range 100 {
			for _, token := range instances {
				if err := token.Do(t.Context(), useNothing); err != nil {
					t.Error(err)
				}
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("they waited %s", took)
		}
		time.Sleep(5 * time.Second)
		c.wantCalls(stableTokenPath, 2)
		time.Sleep(time.Hour)
		for _, token := range instances {
			if err := use(token); err != nil {
				t.Error(err)
			}
		}
		c.wantCalls(stableTokenPath, 2)
	})
}

func TestARenewalThatFailsDisturbsNobodyUntilTheEnd(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token := c.official(0)
		if err := use(token); err != nil {
			t.Fatal(err)
		}
		c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultErrcode, Errcode: 45009})
		time.Sleep(2*time.Hour - earliestRenewal)
		for range 200 {
			if err := use(token); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if got := c.sim.Calls(stableTokenPath); got < 3 || got > 10 {
			t.Errorf("%d calls", got)
		}
		c.sim.ClearFaults()
		time.Sleep(mostPause)
		if err := use(token); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Minute)
		if err := use(token); err != nil {
			t.Error(err)
		}
	})
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		instances := []*ServerToken{c.official(0), c.official(0)}
		for _, token := range instances {
			if err := use(token); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			c.refuseTokens()
			time.Sleep(time.Minute)
			before := c.sim.Calls(stableTokenPath)
			var calls sync.WaitGroup
			for i := range 200 {
				calls.Go(func() {
					time.Sleep(rand.N(200 * time.Millisecond))
					if err := use(instances[i%2]); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			c.wantCalls(stableTokenPath, before+1)
			time.Sleep(15 * time.Minute)
		}
	})
}

func TestEachRefusalOfATokenIsOne(t *testing.T) {
	for _, errcode := range []int{40001, 40014, 42001} {
		inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
			token := c.official(0)
			c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: errcode, Times: 1})
			if err := use(token); err != nil {
				t.Errorf("%d: %v", errcode, err)
			}
			c.wantCalls(stableTokenPath, 3) // the latest, and then another by force
			c.wantCalls(ticketPath, 2)
		})
	}
	for _, errcode := range []int{-1, 40013, 45009, 48001, 50001} {
		inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
			token := c.official(0)
			c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: errcode})
			if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != errcode {
				t.Errorf("%d: got %v", errcode, apiErr)
			}
			c.wantCalls(stableTokenPath, 1)
			c.wantCalls(ticketPath, 1)
		})
	}
}

// A call that is refused whatever the token must not have WeChat make tokens all the time.
func TestRefusalsWithoutEndMakeFewTokens(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		instances := []*ServerToken{c.official(0), c.official(0)}
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001})
		for range 6 * 60 * 6 {
			for _, token := range instances {
				if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != 40001 {
					t.Fatalf("got %v", apiErr)
				}
			}
			time.Sleep(10 * time.Second)
		}
		if got := c.sim.Calls(stableTokenPath); got < 6*60 || got > 6*60+40 { // for what is the latest, once a minute
			t.Errorf("%d calls in six hours", got)
		}
		c.sim.ClearFaults()
		if err := use(instances[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestAFailureMakesNoStorm(t *testing.T) {
	for name, tt := range map[string]struct {
		fault simulator.Fault
		want  error // of the package; nil: the errcode
	}{
		"45009":   {simulator.Fault{Kind: simulator.FaultErrcode, Errcode: 45009}, nil},
		"40164":   {simulator.Fault{Kind: simulator.FaultErrcode, Errcode: 40164}, nil},
		"40125":   {simulator.Fault{Kind: simulator.FaultErrcode, Errcode: 40125}, nil},
		"40001":   {simulator.Fault{Kind: simulator.FaultErrcode, Errcode: 40001}, nil},
		"-1":      {simulator.Fault{Kind: simulator.FaultErrcode, Errcode: -1}, nil},
		"hanging": {simulator.Fault{Kind: simulator.FaultHang}, ErrTimeout},
		"HTML":    {simulator.Fault{Kind: simulator.FaultHTML}, ErrAnswer},
		"empty":   {simulator.Fault{Kind: simulator.FaultEmpty}, ErrAnswer},
		"503":     {simulator.Fault{Kind: simulator.FaultStatus}, ErrAnswer},
		"endless": {simulator.Fault{Kind: simulator.FaultOversized, Bytes: 100_000}, ErrAnswer},
	} {
		for where, path := range map[string]string{"official": stableTokenPath, "WeCom": weComTokenPath} {
			t.Run(name+", "+where, func(t *testing.T) {
				inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
					token := c.official
					if where == "WeCom" {
						token = c.weCom
					}
					instances := []*ServerToken{token(0), token(0)}
					tt.fault.Path = path
					c.fault(tt.fault)
					// A thousand at once make one call.
					var needs sync.WaitGroup
					for i := range 1000 {
						needs.Go(func() { c.wantFailure(instances[i%2], tt.fault.Errcode, tt.want) })
					}
					needs.Wait()
					c.wantCalls(path, 1)
					// From then on the error is there at once.
					begun := time.Now()
					for i := range 1000 {
						c.wantFailure(instances[i%2], tt.fault.Errcode, tt.want)
					}
					if took := time.Since(begun); took != 0 {
						t.Errorf("they waited %s", took)
					}
					for end := time.Now().Add(3 * time.Hour); time.Now().Before(end); time.Sleep(rand.N(5 * time.Second)) {
						c.wantFailure(instances[rand.N(2)], tt.fault.Errcode, tt.want)
					}
					if got := c.sim.Calls(path); got < 3*40 || got > 3*130 {
						t.Errorf("%d calls in three hours", got)
					}
					c.sim.ClearFaults()
					time.Sleep(mostPause)
					for _, token := range instances {
						if err := use(token); err != nil {
							t.Errorf("a minute after all is well again: %v", err)
						}
					}
				})
			})
		}
	}
}

func (c *cluster) wantFailure(token *ServerToken, errcode int, want error) {
	c.Helper()
	err := token.Do(c.Context(), useNothing)
	if apiErr, ok := errors.AsType[*Error](err); want == nil && (!ok || apiErr.Code != errcode) || want != nil && !errors.Is(err, want) {
		c.Errorf("got %v, want %d %v", err, errcode, want)
	}
	for _, secret := range []string{simulator.DemoSecret, simulator.DemoWeComSecret, "secret="} {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			c.Errorf("the error holds the secret: %v", err)
		}
	}
}

// addressRefused answers 40164, as to an instance whose address WeChat does not know.
type addressRefused struct{ calls atomic.Int32 }

func (a *addressRefused) RoundTrip(*http.Request) (*http.Response, error) {
	a.calls.Add(1)
	body := `{"errcode":40164,"errmsg":"invalid ip 192.0.2.7 ipv6 ::ffff:192.0.2.7, not in whitelist"}`
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestAnInstanceWhoseAddressIsRefusedLivesOnTheOthers(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		wall := new(addressRefused)
		client, cache := c.instance(0)
		client.Transport = wall
		stranger, good := client.ServerToken(cache, demoOfficial), c.official(0)
		if stranger.Do(t.Context(), useNothing) == nil {
			t.Fatal("no error")
		}
		for range 120 {
			_ = stranger.Do(t.Context(), useNothing)
			_ = good.Do(t.Context(), useNothing)
			time.Sleep(time.Second)
		}
		for _, token := range []*ServerToken{stranger, good} {
			if err := token.Do(t.Context(), useNothing); err != nil {
				t.Error(err)
			}
		}
		c.wantCalls(stableTokenPath, 1)
		if got := wall.calls.Load(); got > 3 {
			t.Errorf("the stranger asked %d times", got)
		}
	})
}

// slowCache lets something happen before the lease is looked for.
type slowCache struct {
	cacheView
	meanwhile func()
}

func (s slowCache) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, "server-token-leases/") {
		s.meanwhile()
	}
	return s.cacheView.Get(ctx, key)
}

func TestWhatCameBetweenALookAndTheLeaseIsTaken(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		client, _ := c.instance(0)
		slow := client.ServerToken(slowCache{cacheView{c.cache, time.Now}, func() {
			if err := use(c.official(0)); err != nil {
				t.Error(err)
			}
		}}, demoOfficial)
		if err := use(slow); err != nil {
			t.Error(err)
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

func TestWithoutACacheEachInstanceAsksForItself(t *testing.T) {
	for name, spoil := range map[string]func(*cacheInMemory){
		"down":    func(s *cacheInMemory) { s.down.Store(true) },
		"hanging": func(s *cacheInMemory) { s.hangs.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
				old := c.official(0)
				if err := use(old); err != nil {
					t.Fatal(err)
				}
				spoil(c.cache)
				if err := use(old); err != nil {
					t.Errorf("one that has a token: %v", err)
				}
				c.wantCalls(stableTokenPath, 1)

				fresh := c.official(0)
				begun := time.Now()
				for range 100 {
					if err := use(fresh); err != nil {
						t.Error(err)
					}
				}
				c.wantCalls(stableTokenPath, 2)
				if took := time.Since(begun); took > cacheTimeout+10*time.Second {
					t.Errorf("it took %s", took)
				}

				if failed := useForADay(old, fresh); failed != 0 {
					t.Errorf("%d calls failed", failed)
				}
				if got := c.sim.Calls(stableTokenPath); got > 30 {
					t.Errorf("%d calls in a day", got)
				}

				c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultErrcode, Errcode: 45009})
				alone, before := c.official(0), c.sim.Calls(stableTokenPath)
				for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(time.Second) {
					c.wantFailure(alone, 45009, nil)
				}
				if got := c.sim.Calls(stableTokenPath) - before; got > 70 {
					t.Errorf("%d calls in an hour that fails", got)
				}
			})
		})
	}
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		client, _ := c.instance(0)
		token := client.ServerToken(nil, demoOfficial)
		for range 2 {
			if err := use(token); err != nil {
				t.Errorf("no cache at all: %v", err)
			}
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

func TestTheLeaseOfAnInstanceThatDiedEnds(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		dead, token := c.official(0), c.official(0)
		if _, mine, err := dead.token.slot.takeLease(); !mine || err != nil {
			t.Fatal(mine, err)
		}
		begun := time.Now()
		var needs sync.WaitGroup
		for range 100 {
			needs.Go(func() {
				if err := use(token); err != nil {
					t.Error(err)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := token.Do(ctx, useNothing); !errors.Is(err, ErrTimeout) || time.Since(begun) != time.Second {
			t.Errorf("one who waits a second: %v after %s", err, time.Since(begun))
		}
		needs.Wait()
		if took := time.Since(begun); took > token.token.slot.leaseLife+5*time.Second {
			t.Errorf("it took %s", took)
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

func TestALeaseWithoutEndIsNotWaitedForWithoutEnd(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token := c.official(0)
		for _, value := range []string{"", "null", "[]", "{}", `{"holder":"x"}`} {
			c.cache.entries[token.token.slot.leaseKey()] = cacheItem{[]byte(value), time.Now().Add(240 * time.Hour)}
			begun := time.Now()
			if err := token.Do(t.Context(), useNothing); !errors.Is(err, ErrTimeout) {
				t.Errorf("%q: got %v", value, err)
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("%q: it took %s", value, took)
			}
			time.Sleep(mostPause)
		}
		c.wantCalls(stableTokenPath, 0)
	})
}

func TestWhatIsWrongInTheCacheIsNotUsed(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		name := c.official(0).token.slot.grantKey()
		day := time.Now().Add(24 * time.Hour).Format(time.RFC3339)
		now, past := time.Now().Format(time.RFC3339), time.Now().Add(-2*time.Hour).Format(time.RFC3339)
		for i, value := range []string{
			"", "null", "[]", "{}", "\x00", `{"secret":7}`,
			`{"secret":"","fetched":"` + now + `","end":"` + day + `"}`,
			`{"secret":"a\nb","fetched":"` + now + `","end":"` + day + `"}`,
			`{"secret":"over","fetched":"` + past + `","end":"` + now + `"}`,
			`{"secret":"cut","fetched":"` + now,
			`{"secret":"future","fetched":"` + day + `","end":"` + day + `"}`,
		} {
			c.cache.entries[name] = cacheItem{[]byte(value), time.Now().Add(time.Hour)}
			err := c.official(0).Do(t.Context(), func(token string) error {
				if !strings.HasPrefix(token, "61_") {
					t.Errorf("%q: used", value)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%q: %v", value, err)
			}
			c.wantCalls(stableTokenPath, i+1)
		}
	})
}

func TestWhoLeavesDoesNotStopTheOthers(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultDelay, Delay: time.Second})
		token := c.official(0)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- token.Do(ctx, useNothing) }()
		time.Sleep(500 * time.Millisecond)
		stays := make(chan error)
		go func() { stays <- token.Do(t.Context(), useNothing) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
		if err := <-stays; err != nil {
			t.Errorf("who stayed: %v", err)
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

func TestTheCacheHasNoNames(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		for _, token := range []*ServerToken{c.official(0), c.weCom(0)} {
			for _, ticket := range []*Ticket{token.PageTicket(), token.PageTicket()} {
				if _, err := ticket.Sign(t.Context(), "https://h5.test/"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.weCom(0).AgentTicket().Sign(t.Context(), "https://h5.test/"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := len(c.cache.entries); got != 5 {
			t.Errorf("%d entries", got)
		}
		for key := range c.cache.entries {
			if !regexp.MustCompile(`^server-tokens/[0-9a-f]{64}$`).MatchString(key) {
				t.Errorf("key %q", key)
			}
		}
	})
}

func TestServerToken_OfAnotherAppSecretOrHostIsAnotherEntry(t *testing.T) {
	names := make(map[string]bool)
	for _, a := range []struct{ host, id, secret string }{
		{"h", "a", "s"}, {"i", "a", "s"}, {"h", "b", "s"}, {"h", "a", "t"}, {"h", "as", ""},
	} {
		c := &Client{Hosts: HostsAt(a.host, "")}
		token := c.ServerToken(nil, App{a.id, Secret(a.secret)})
		for _, kind := range []string{"access token", "page ticket"} {
			names[token.slotName(kind)] = true
		}
	}
	if len(names) != 10 {
		t.Errorf("%d names", len(names))
	}
}

// TestServerToken_KeepsItsNameInTheCache: instances of several versions share what is there.
func TestServerToken_KeepsItsNameInTheCache(t *testing.T) {
	c := &Client{Hosts: HostsAt("https://api.example.com", "")}
	const want = "1bb32caacc3d67578451f0708945740f0df46c836ef7c64feae36196607768bb"
	if got := c.ServerToken(nil, official).slotName("access token"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStableTokenIsPostedAsJSON(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + secret + `","force_refresh":true}`
		if r.Method != http.MethodPost || r.URL.String() != stableTokenPath || string(body) != want ||
			r.Header.Get("Content-Type") != "application/json" || r.ContentLength != int64(len(want)) {
			t.Errorf("got %s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		io.WriteString(w, `{"access_token":"61_token","expires_in":345}`)
	})
	token, life, err := c.stableToken(t.Context(), official, true)
	if token != "61_token" || life != 345*time.Second || err != nil {
		t.Errorf("got %q, %s, %v", token, life, err)
	}
}

func TestAStableTokenMayComeFromTheFallback(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"broken connection": breakOff,
		"hanging":           hang,
		"HTML":              answerWith("<html>"),
		"-1":                answerWith(`{"errcode":-1}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := newTwoHosts(t)
			h.usual.answer, h.fallback.answer = answer, answerWith(`{"access_token":"61_token","expires_in":7200}`)
			if token, _, err := h.stableToken(t.Context(), official, false); token != "61_token" || err != nil {
				t.Errorf("got %q, %v", token, err)
			}
			h.want(t, 1, 1, 0, 0)
		})
	}
}

func TestAnswersThatGrantNothing(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, body := range []string{
		`{}`, `null`, `[]`, `7`, ``, `<html>`, `{"access_token":""}`, `{"access_token":"t"}`, `{"access_token":null,"expires_in":7200}`,
		`{"access_token":7,"expires_in":7200}`, `{"access_token":"t","expires_in":0}`, `{"access_token":"t","expires_in":-1}`,
		`{"access_token":"t","expires_in":"soon"}`, `{"access_token":"a b","expires_in":7200}`, `{"access_token":"a\nb","expires_in":7200}`,
		`{"access_token":"票","expires_in":7200}`, `{"access_token":"` + long + `","expires_in":7200}`, `{"ticket":"t","expires_in":7200}`,
	} {
		if token, _, err := saying(t, 200, "text/plain", body).stableToken(t.Context(), official, false); token != "" || !errors.Is(err, ErrAnswer) {
			t.Errorf("%.60s: got %q, %v", body, token, err)
		}
	}
	_, life, err := saying(t, 200, "text/plain", `{"access_token":"t","expires_in":9000000000000000000}`).stableToken(t.Context(), official, false)
	if life != longestLife || err != nil {
		t.Errorf("a life without end: got %s, %v", life, err)
	}
}

func TestAnErrorThatRepeatsWhatWasSentKeepsItSecret(t *testing.T) {
	for name, ask := range map[string]func(*Client) error{
		"stable_token":     func(c *Client) error { _, _, err := c.stableToken(t.Context(), official, false); return err },
		"gettoken":         func(c *Client) error { _, _, err := c.weComToken(t.Context(), official); return err },
		"getticket":        func(c *Client) error { _, _, err := c.pageTicket(t.Context(), secret); return err },
		"get_jsapi_ticket": func(c *Client) error { _, _, err := c.weComPageTicket(t.Context(), secret); return err },
		"ticket/get":       func(c *Client) error { _, _, err := c.weComAgentTicket(t.Context(), secret); return err },
	} {
		c := saying(t, 200, "text/plain", `{"errcode":40001,"errmsg":"what is `+secret+`?"}`)
		closed := &Client{Hosts: HostsAt("http://127.0.0.1:1", ""), Transport: &http.Transport{}}
		for _, err := range []error{ask(c), ask(closed)} {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func FuzzGrant(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"61_token","expires_in":7200}`, `{"errcode":0,"errmsg":"ok","ticket":"t","expires_in":"7200"}`,
		`{"errcode":40164}`, `{"access_token":"\u0000","expires_in":1e3}`, `{"secret":"x","fetched":"2026-03-01T12:00:00Z","end":"2026-03-01T14:00:00Z"}`,
		`{"holder":"x","refusal":{"errcode":45009,"count":9999999,"pause":-1}}`, "null", "[]", "<html>", "",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &Client{Hosts: HostsAt("http://api.test", ""), Transport: roundTripper(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(bytes.Clone(body)))}
		})}
		for _, ask := range []func() (string, time.Duration, error){
			func() (string, time.Duration, error) { return c.stableToken(t.Context(), official, false) },
			func() (string, time.Duration, error) { return c.weComToken(t.Context(), official) },
			func() (string, time.Duration, error) { return c.pageTicket(t.Context(), "token") },
			func() (string, time.Duration, error) { return c.weComAgentTicket(t.Context(), "token") },
		} {
			text, life, err := ask()
			apiErr, named := errors.AsType[*Error](err)
			switch {
			case err == nil && (!isGrantable(text) || life < time.Second || life > longestLife):
				t.Errorf("got %q for %s", text, life)
			case err != nil && (text != "" || named == errors.Is(err, ErrAnswer) || named && apiErr.Code == 0):
				t.Errorf("got %q, %v", text, err)
			}
		}
		// The same bytes in the cache.
		cache := cacheView{&cacheInMemory{entries: make(map[string]cacheItem)}, time.Now}
		token := c.ServerToken(cache, official)
		slot := token.token.slot
		for _, key := range []string{slot.grantKey(), slot.leaseKey()} {
			cache.entries[key] = cacheItem{body, time.Now().Add(time.Hour)}
		}
		if g, err := slot.grant(); err != nil || g != nil && !isGrantable(g.Secret) {
			t.Errorf("got %+v, %v", g, err)
		}
		held, mine, err := slot.takeLease()
		if mine || err != nil {
			t.Errorf("took a lease that was there: %v", err)
		}
		if held.Refusal != nil {
			if err := token.token.heed(*held.Refusal); err == nil || token.token.failure.pause() > mostPause ||
				time.Until(token.token.failure.until) > mostPause {
				t.Errorf("got %v, %+v", err, token.token.failure)
			}
		}
	})
}
