package weixin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

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

func TestServerToken_ThatCameBeforeTheLeaseIsTaken(t *testing.T) {
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

func TestServerToken_IsEachInstancesOwnWithoutACache(t *testing.T) {
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

func TestLease_OfAnInstanceThatDiedEnds(t *testing.T) {
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
		if took := time.Since(begun); took > token.token.slot.leaseTTL+5*time.Second {
			t.Errorf("it took %s", took)
		}
		c.wantCalls(stableTokenPath, 1)
	})
}

func TestLease_WithoutEndIsNotWaitedForWithoutEnd(t *testing.T) {
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

func TestTokenCache_IsNotBelievedWhatIsWrong(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		name := c.official(0).token.slot.credentialKey()
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

func TestTokenCache_GetsNoNames(t *testing.T) {
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

func FuzzCredential(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"61_token","expires_in":7200}`, `{"errcode":0,"errmsg":"ok","ticket":"t","expires_in":"7200"}`,
		`{"errcode":40164}`, `{"access_token":"\u0000","expires_in":1e3}`,
		`{"secret":"x","fetched":"2026-03-01T12:00:00Z","end":"2026-03-01T14:00:00Z"}`,
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
			text, ttl, err := ask()
			apiErr, named := errors.AsType[*Error](err)
			switch {
			case err == nil && (!isCredential(text) || ttl < time.Second || ttl > maxTTL):
				t.Errorf("got %q for %s", text, ttl)
			case err != nil && (text != "" || named == errors.Is(err, ErrAnswer) || named && apiErr.Code == 0):
				t.Errorf("got %q, %v", text, err)
			}
		}
		// The same bytes in the cache.
		cache := cacheView{&cacheInMemory{entries: make(map[string]cacheItem)}, time.Now}
		token := c.ServerToken(cache, official)
		slot := token.token.slot
		for _, key := range []string{slot.credentialKey(), slot.leaseKey()} {
			cache.entries[key] = cacheItem{body, time.Now().Add(time.Hour)}
		}
		if g, err := slot.credential(); err != nil || g != nil && !isCredential(g.Secret) {
			t.Errorf("got %+v, %v", g, err)
		}
		held, mine, err := slot.takeLease()
		if mine || err != nil {
			t.Errorf("took a lease that was there: %v", err)
		}
		if held.Refusal != nil {
			if err := token.token.adopt(*held.Refusal); err == nil || token.token.failure.pause() > mostPause ||
				time.Until(token.token.failure.until) > mostPause {
				t.Errorf("got %v, %+v", err, token.token.failure)
			}
		}
	})
}
