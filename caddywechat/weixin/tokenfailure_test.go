package weixin

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestServerToken_IsUsedToItsEndIfRenewalFails(t *testing.T) {
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

func TestServerToken_IsNotAskedForInAStormAfterAFailure(t *testing.T) {
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
					end := time.Now().Add(3 * time.Hour)
					for ; time.Now().Before(end); time.Sleep(rand.N(5 * time.Second)) {
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
	apiErr, ok := errors.AsType[*Error](err)
	if want == nil && (!ok || apiErr.Code != errcode) || want != nil && !errors.Is(err, want) {
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

func TestServerToken_ComesFromOthersIfAnAddressIsRefused(t *testing.T) {
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

// What goes on behind a request names it in the log.
func TestServerToken_LogsTheRequestThatCausedASearch(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		core, logs := observer.New(zap.WarnLevel)
		client, cache := c.instance(0)
		client.Logger = zap.New(core)
		token := client.ServerToken(cache, official)
		c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultErrcode, Errcode: 45009})
		if err := token.Do(WithRequestID(t.Context(), "request-7"), useNothing); err == nil {
			t.Fatal("there is a token")
		}
		lines := logs.All()
		if len(lines) != 1 || lines[0].ContextMap()["request_id"] != "request-7" {
			t.Errorf("logged %v", lines)
		}
	})
}
