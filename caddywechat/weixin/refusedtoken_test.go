package weixin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// asking tells what a server asks for tokens with.
type asking struct {
	http.RoundTripper
	mu             sync.Mutex
	normal, forced int
	failForced     bool
}

func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == stableTokenPath {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		a.mu.Lock()
		defer a.mu.Unlock()
		if strings.Contains(string(body), `"force_refresh":true`) {
			if a.forced++; a.failForced {
				return nil, errors.New("broken")
			}
		} else {
			a.normal++
		}
	}
	return a.RoundTripper.RoundTrip(r)
}

func (a *asking) want(t *testing.T, normal, forced int) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.normal != normal || a.forced != forced {
		t.Errorf("asked %d times, %d by force, want %d, %d", a.normal, a.forced, normal, forced)
	}
	a.normal, a.forced = 0, 0
}

// alone is a server that shares nothing with others.
func (c *cluster) alone() (*ServerToken, *asking) {
	client, _ := c.instance(0)
	a := &asking{RoundTripper: c}
	client.Transport = a
	return client.ServerToken(nil, demoOfficial), a
}

func TestRefusedToken_GivesWayToAnotherServersToken(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token, asked := c.alone()
		if err := use(token); err != nil {
			t.Fatal(err)
		}
		asked.want(t, 1, 0)
		for range 5 { // however soon one after another
			time.Sleep(forcedApart)
			c.refuseTokens()
			if err := use(token); err != nil {
				t.Error(err)
			}
			asked.want(t, 1, 0)
		}
	})
}

// forcedApart is how long WeChat refuses to force another token.
const forcedApart = 31 * time.Second

// Two servers of ours that know nothing of each other, and somebody else's that forces a token whenever it may.
func TestRefusedToken_MakesServersTakeNoTurns(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		one, askedOne := c.alone()
		other, askedOther := c.alone()
		failed, renewed := 0, time.Now()
		for begun := time.Now(); time.Since(begun) < 15*time.Minute; time.Sleep(time.Second) {
			if time.Since(renewed) >= forcedApart {
				renewed = time.Now()
				c.refuseTokens()
			}
			for _, token := range []*ServerToken{one, other} {
				if err := use(token); err != nil {
					failed++
				}
			}
		}
		if failed != 0 {
			t.Errorf("%d calls failed", failed)
		}
		for _, asked := range []*asking{askedOne, askedOther} {
			if asked.forced != 0 || asked.normal > 30 {
				t.Errorf("asked %d times, %d by force", asked.normal, asked.forced)
			}
		}
	})
}

func TestRefusedToken_ThatIsTheLatestIsForced(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token, asked := c.alone()
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001, Times: 1})
		if err := use(token); err != nil {
			t.Error(err)
		}
		asked.want(t, 2, 1)

		// Too soon for another one: nothing is forced, and the error is the call's own.
		time.Sleep(10 * time.Second)
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001, Times: 2})
		if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != 40001 {
			t.Errorf("got %v", apiErr)
		}
		asked.want(t, 1, 0)
		c.sim.ClearFaults()

		// Meanwhile somebody else forces one, which is there for the asking.
		time.Sleep(forcedApart - 10*time.Second)
		c.refuseTokens()
		if err := use(token); err != nil {
			t.Error(err)
		}
		asked.want(t, 1, 0)
	})
}

func TestRefusedToken_StaysIfNoneCanBeForced(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token, asked := c.alone()
		if err := use(token); err != nil {
			t.Fatal(err)
		}
		asked.want(t, 1, 0)
		asked.failForced = true
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001, Times: 1})
		if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != 40001 {
			t.Errorf("got %v", apiErr)
		}
		asked.want(t, 1, 1)
		for range 5 { // the token is as good as it was, for what it is good for
			if err := use(token); err != nil {
				t.Error(err)
			}
		}
		asked.want(t, 0, 0)
	})
}

// What is refused whatever the token is costs an app none of the 20 that all its servers have a day, in the end.
func TestRefusedToken_IsForcedFewTimesADay(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001})
		token, asked := c.alone()
		for begun := time.Now(); time.Since(begun) < 24*time.Hour; time.Sleep(10 * time.Second) {
			if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != 40001 {
				t.Fatalf("got %v", apiErr)
			}
		}
		if asked.forced > 15 || asked.normal > 24*60+60 {
			t.Errorf("asked %d times, %d by force", asked.normal, asked.forced)
		}
		// Somebody else's token is there within a minute all the same.
		c.refuseTokens()
		c.sim.ClearFaults()
		time.Sleep(mostPause)
		if err := use(token); err != nil {
			t.Error(err)
		}
	})
}

// Instances that share a store share what they know of a refused token.
func TestRefusedToken_IsAskedAboutByInstancesTogether(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		a := &asking{RoundTripper: c}
		var instances []*ServerToken
		for range 3 {
			client, cache := c.instance(0)
			client.Transport = a
			instances = append(instances, client.ServerToken(cache, demoOfficial))
		}
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001})
		for range 20 {
			for _, token := range instances {
				_ = use(token)
			}
		}
		a.want(t, 2, 1)
	})
}

func TestRefusedToken_OfWeComIsAskedForAgain(t *testing.T) {
	const path = "/cgi-bin/get_jsapi_ticket"
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token := c.weCom(0)
		if err := use(token); err != nil {
			t.Fatal(err)
		}
		c.fault(simulator.Fault{Path: path, Kind: simulator.FaultErrcode, Errcode: 42001, Times: 1})
		if apiErr, ok := errors.AsType[*Error](use(token)); !ok || apiErr.Code != 42001 {
			t.Errorf("the same token came back: %v", apiErr)
		}
		c.wantCalls(weComTokenPath, 2)
		if err := use(token); err != nil {
			t.Error(err)
		}
	})
	app := simulator.WeComApp{
		CorpID: simulator.DemoCorpID, AgentID: 1, Secret: simulator.DemoWeComSecret, NewTokens: true,
	}
	inCluster(t, simulator.Config{WeCom: []simulator.WeComApp{app}}, func(t *testing.T, c *cluster) {
		token := c.weCom(0)
		for range 3 {
			c.fault(simulator.Fault{Path: path, Kind: simulator.FaultErrcode, Errcode: 42001, Times: 1})
			if err := use(token); err != nil {
				t.Error(err)
			}
			time.Sleep(forcedApart)
		}
		c.wantCalls(weComTokenPath, 4)
		c.fault(simulator.Fault{Path: path, Kind: simulator.FaultErrcode, Errcode: 42001})
		for range 6 * 60 { // an hour
			_ = use(token)
			time.Sleep(10 * time.Second)
		}
		if got := c.sim.Calls(weComTokenPath); got > 4+70 {
			t.Errorf("%d tokens in an hour", got-4)
		}
	})
}

// A ticket needs a token, and one that was refused is replaced like any other.
func TestTicket_IsAskedForWithTheLatestToken(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token, asked := c.alone()
		if err := token.Do(t.Context(), useNothing); err != nil {
			t.Fatal(err)
		}
		c.refuseTokens()
		ticket := token.PageTicket()
		for range 3 {
			if s, err := ticket.Sign(context.Background(), "https://h5.test/"); err != nil || s.Signature == "" {
				t.Errorf("got %+v, %v", s, err)
			}
		}
		asked.want(t, 2, 0)
		c.wantCalls(ticketPath, 2)
	})
}

// What an operator can do about a refusal depends on what was refused.
func TestRefusedToken_HasNoCureOfTheAppSecret(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token, _ := c.alone()
		c.fault(simulator.Fault{Path: ticketPath, Kind: simulator.FaultErrcode, Errcode: 40001})
		err := use(token)
		if text := fmt.Sprint(err); !strings.Contains(text, "the latest") {
			t.Errorf("got %s", text)
		}
		if cure := Cure(err); !strings.Contains(cure, "stable_token") {
			t.Errorf("the cure is %q", cure)
		}
	})
}
