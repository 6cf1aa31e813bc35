package caddywechat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// replaceSite puts a new handler in place of the one that is there, with a key and its logs after the other's.
func (w *world) replaceSite(options, key string) {
	w.t.Helper()
	w.swap(w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nsession {\nkey %s\n}\n%s\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL, key, options)))
}

// newProfileWorld makes a world whose account has the given options, with the given lines in the wechat_auth block.
func newProfileWorld(t *testing.T, accountOptions, options string) *world {
	t.Helper()
	w := newWorld(t, "")
	w.provisionAccount(accountOptions, options)
	return w
}

func (w *world) provisionAccount(accountOptions, options string) {
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s {\n%s\n}\nplatform %s\n%s\n}",
		simulator.DemoAppID, simulator.DemoSecret, accountOptions, w.simURL, options))
}

// newWeComWorld makes a world whose one account is a WeCom app.
func newWeComWorld(t *testing.T, options string) *world {
	t.Helper()
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nwecom %s %s {\nagent_id %d\n}\nplatform %s\n%s\n}",
		simulator.DemoCorpID, simulator.DemoWeComSecret, simulator.DemoAgentID, w.simURL, options))
	if calls := w.sim.Journal(); len(calls) > 0 {
		t.Fatalf("loading the configuration called WeCom: %v", calls)
	}
	return w
}

// Kinds of account, as a Caddyfile names them.
var (
	officialLine = fmt.Sprintf("official_account %s %s", simulator.DemoAppID, simulator.DemoSecret)
	websiteLine  = fmt.Sprintf("website %s %s", simulator.DemoWebsiteAppID, simulator.DemoWebsiteSecret)
	weComLine    = fmt.Sprintf("wecom %s %s {\nagent_id %d\n}", simulator.DemoCorpID, simulator.DemoWeComSecret, simulator.DemoAgentID)
	weComForAll  = strings.Replace(weComLine, "}", "allow_external\n}", 1)
	programLine  = fmt.Sprintf("mini_program %s %s", simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret)
	appLine      = fmt.Sprintf("mobile_app %s %s", simulator.DemoMobileAppID, simulator.DemoMobileAppSecret)
)

// accounts makes a gate with these accounts.
func (w *world) accounts(lines ...string) *Handler {
	return w.provision(fmt.Sprintf("wechat_auth {\n%s\nuser_id qualified\nplatform %s\n}", strings.Join(lines, "\n"), w.simURL))
}
