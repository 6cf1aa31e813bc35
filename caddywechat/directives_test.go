package caddywechat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// Accounts as a Caddyfile names them.
const (
	officialAccount    = "official_account " + simulator.DemoAppID + " " + simulator.DemoSecret
	websiteAccount     = "website " + simulator.DemoWebsiteAppID + " " + simulator.DemoWebsiteSecret
	miniProgramAccount = "mini_program " + simulator.DemoMiniProgramAppID + " " + simulator.DemoMiniProgramSecret
	mobileAppAccount   = "mobile_app " + simulator.DemoMobileAppID + " " + simulator.DemoMobileAppSecret
	weComWithoutAgent  = "wecom " + simulator.DemoCorpID + " " + simulator.DemoWeComSecret
)

var (
	weComAccount = withOptions(weComWithoutAgent, fmt.Sprintf("agent_id %d", simulator.DemoAgentID))
	weComForAll  = withOptions(weComWithoutAgent, fmt.Sprintf("agent_id %d\nallow_external", simulator.DemoAgentID))
)

// directProfile are the options of an account that asks for the profile at every login, without a page of ours.
const directProfile = "scope snsapi_userinfo\nconsent direct"

// withOptions returns an account with a block of options.
func withOptions(account, options string) string { return account + " {\n" + options + "\n}" }

// sessionKeys returns the session option with these keys.
func sessionKeys(keys ...string) string { return "session {\nkey " + strings.Join(keys, " ") + "\n}" }

// sessionWith returns the session option with the usual key and other lines.
func sessionWith(options string) string {
	return "session {\nkey " + sessionKey + "\n" + options + "\n}"
}

// newHandler makes the handler of a directive with these lines, which talks to the simulator.
func (w *world) newHandler(lines ...string) *Handler {
	w.t.Helper()
	return w.provision("wechat_auth {\n" + strings.Join(lines, "\n") + "\nplatform " + w.simURL + "\n}")
}

// accounts makes the handler of a site with these accounts.
func (w *world) accounts(lines ...string) *Handler {
	return w.newHandler(append(lines, "user_id qualified")...)
}

// provisionAccount replaces the handler by one whose account has these options.
func (w *world) provisionAccount(accountOptions, options string) {
	w.handler = w.newHandler(withOptions(officialAccount, accountOptions), options)
}

// replaceSite replaces the handler, as a reload does, by one with another key.
func (w *world) replaceSite(options, key string) {
	w.t.Helper()
	w.swap(w.newHandler(officialAccount, sessionKeys(key), options))
}

// newProfileWorld makes a world whose account has the given options, with other lines in the wechat_auth block.
func newProfileWorld(t *testing.T, accountOptions, options string) *world {
	t.Helper()
	w := newWorld(t, "")
	w.provisionAccount(accountOptions, options)
	return w
}

// newWeComWorld makes a world whose one account is a WeCom app.
func newWeComWorld(t *testing.T, options string) *world {
	t.Helper()
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	w.handler = w.newHandler(weComAccount, options)
	if calls := w.sim.Journal(); len(calls) > 0 {
		t.Fatalf("loading the configuration called WeCom: %v", calls)
	}
	return w
}
