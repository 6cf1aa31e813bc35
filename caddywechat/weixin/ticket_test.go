package weixin

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// The first two answers are of WeChat's documentation, the last is EasyWeChat's.
func TestSign_GivesKnownSignatures(t *testing.T) {
	const ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	for _, tt := range []struct {
		ticket, nonce string
		timestamp     int64
		page, want    string
	}{
		{ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com", "f4d90daf4b3bca3078ab155816175ba34c443a7b"},
		{
			ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value",
			"0f9de62fce790f9a083d5c99e95740ceb90c27ed",
		},
		{
			"mock-ticket", "mock-nonce", 1601234567, "https://www.easywechat.com/",
			"22772d2fb393ab9f7f6a5a54168a566fbf1ab767",
		},
	} {
		for _, fragment := range []string{"", "#", "#/route?a=b#c"} {
			if got := sign(tt.ticket, tt.nonce, tt.timestamp, tt.page+fragment); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.page+fragment, got, tt.want)
			}
		}
	}
}

func TestTicket_SignsPagesOfItsAccount(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		official, weCom := c.official(0), c.weCom(0)
		for name, tt := range map[string]struct {
			ticket *Ticket
			appID  string
			from   *ServerToken
			ask    func(token string) (string, error)
		}{
			"official": {official.PageTicket(), simulator.DemoAppID, official, func(token string) (string, error) {
				ticket, _, err := official.client.pageTicket(t.Context(), token)
				return ticket, err
			}},
			"WeCom": {weCom.PageTicket(), simulator.DemoCorpID, weCom, func(token string) (string, error) {
				ticket, _, err := weCom.client.weComPageTicket(t.Context(), token)
				return ticket, err
			}},
			"WeCom, agent": {weCom.AgentTicket(), simulator.DemoCorpID, weCom, func(token string) (string, error) {
				ticket, _, err := weCom.client.weComAgentTicket(t.Context(), token)
				return ticket, err
			}},
		} {
			var ticket string
			err := tt.from.Do(t.Context(), func(token string) (err error) {
				ticket, err = tt.ask(token)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			s, err := tt.ticket.Sign(t.Context(), "https://h5.test/a?b=%E5%BC%A0#c")
			if err != nil || s.AppID != tt.appID || s.Timestamp != time.Now().Unix() ||
				s.Signature != sign(ticket, s.Nonce, s.Timestamp, "https://h5.test/a?b=%E5%BC%A0") {
				t.Errorf("%s: got %+v, %v", name, s, err)
			}
			again, err := tt.ticket.Sign(t.Context(), "https://h5.test/a?b=%E5%BC%A0#c")
			isNonce := regexp.MustCompile(`^[0-9A-Za-z]{16,32}$`).MatchString
			if err != nil || again.Nonce == s.Nonce || !isNonce(s.Nonce) {
				t.Errorf("%s: nonces %q, %q, %v", name, s.Nonce, again.Nonce, err)
			}
		}
	})
}

func TestSignature_HasTheNamesOfTheJSSDK(t *testing.T) {
	got, err := json.Marshal(Signature{AppID: "wx1", Timestamp: 1, Nonce: "n", Signature: "s"})
	if want := `{"appId":"wx1","timestamp":1,"nonceStr":"n","signature":"s"}`; string(got) != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTicket_IsSharedAllDay(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		tickets := []*Ticket{c.official(0).PageTicket(), c.official(time.Minute).PageTicket()}
		for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(20 * time.Second) {
			for _, ticket := range tickets {
				if _, err := ticket.Sign(t.Context(), "https://h5.test/"); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		tokens, got := c.sim.Calls(stableTokenPath), c.sim.Calls(ticketPath)
		if tokens > got+2 || got < 12 || got > 26 {
			t.Errorf("%d tokens and %d tickets", tokens, got)
		}
		c.wantNoRefusals()
	})
}

func TestTicket_SurvivesARefusedToken(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		token := c.official(0)
		if err := use(token); err != nil {
			t.Fatal(err)
		}
		c.refuseTokens()
		if _, err := token.PageTicket().Sign(t.Context(), "https://h5.test/"); err != nil {
			t.Error(err)
		}
	})
}

func TestTicket_IsNotAskedForInAStormWithoutAToken(t *testing.T) {
	inCluster(t, simulator.Config{}, func(t *testing.T, c *cluster) {
		c.fault(simulator.Fault{Path: stableTokenPath, Kind: simulator.FaultErrcode, Errcode: 40164})
		tickets := []*Ticket{c.official(0).PageTicket(), c.official(0).PageTicket()}
		for range 3600 {
			for _, ticket := range tickets {
				_, err := ticket.Sign(t.Context(), "https://h5.test/")
				if apiErr, ok := errors.AsType[*Error](err); !ok || apiErr.Code != 40164 || Cure(err) == "" {
					t.Fatalf("got %v", err)
				}
			}
			time.Sleep(time.Second)
		}
		if got := c.sim.Calls(stableTokenPath); got > 130 {
			t.Errorf("%d calls in an hour", got)
		}
		c.wantCalls(ticketPath, 0)
	})
}
