package weixin

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestServerToken_IsAskedForOnceByAThousandOnTwoInstances(t *testing.T) {
	for name, token := range map[string]func(*cluster, time.Duration) *ServerToken{
		"official": (*cluster).official, "WeCom": (*cluster).weCom,
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
				tickets := []*Ticket{token(c, 0).PageTicket(), token(c, 0).PageTicket()}
				var needs sync.WaitGroup
				for i := range 1000 {
					needs.Go(func() {
						s, err := tickets[i%2].Sign(t.Context(), "https://h5.test/")
						if err != nil || s.Signature == "" {
							t.Errorf("got %+v, %v", s, err)
						}
					})
				}
				needs.Wait()
				synctest.Wait()
				for path, n := range map[string]int{
					stableTokenPath: 1, ticketPath: 1, weComTokenPath: 1, "/cgi-bin/get_jsapi_ticket": 1,
				} {
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

func TestServerToken_InMemoryNeedsNoCache(t *testing.T) {
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
func TestServerToken_OfALaterInstanceComesFromTheCache(t *testing.T) {
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

func TestServerToken_IsRenewedAheadOfItsEndAllDay(t *testing.T) {
	for name, tt := range map[string]struct {
		skew      time.Duration
		wecom     bool
		newTokens bool
		path      string
		most      int
	}{
		"official":                {path: stableTokenPath, most: 13},
		"official, clocks differ": {skew: time.Minute, path: stableTokenPath, most: 26},
		"WeCom, the same token":   {wecom: true, path: weComTokenPath, most: 12 * 6},
		"WeCom, another token":    {wecom: true, newTokens: true, path: weComTokenPath, most: 13},
		"WeCom, another, clocks differ": {
			skew: -time.Minute, wecom: true, newTokens: true, path: weComTokenPath, most: 26,
		},
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
func TestServerToken_IsNotUsedAfterItsEndIfClocksDiffer(t *testing.T) {
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

func TestServerToken_IsRenewedWhileNobodyWaits(t *testing.T) {
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

func TestServerToken_IsReplacedOnceIfRefused(t *testing.T) {
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

func TestServerToken_IsReplacedForEachRefusal(t *testing.T) {
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
func TestServerToken_IsSeldomReplacedIfRefusedWithoutEnd(t *testing.T) {
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

func TestServerToken_ComesForOthersIfACallerLeaves(t *testing.T) {
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
