package simulator

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

func TestNew_RefusesWhatCouldNotExist(t *testing.T) {
	account := func(change func(*OfficialAccount)) Config {
		a := demoAccount()
		change(&a)
		return Config{Accounts: []OfficialAccount{a}}
	}
	for name, config := range map[string]Config{
		"app id":        account(func(a *OfficialAccount) { a.AppID = "demo" }),
		"secret":        account(func(a *OfficialAccount) { a.Secret = "secret" }),
		"scope":         account(func(a *OfficialAccount) { a.Scopes = []string{"snsapi_login"} }),
		"no domain":     account(func(a *OfficialAccount) { a.Domain = "" }),
		"scheme":        account(func(a *OfficialAccount) { a.Domain = "https://h5.example.com" }),
		"port":          account(func(a *OfficialAccount) { a.Domain = "localhost:8080" }),
		"twice":         {Accounts: []OfficialAccount{demoAccount(), demoAccount()}},
		"mini-program":  {MiniPrograms: []MiniProgram{{AppID: DemoMiniProgramAppID, Secret: "secret"}}},
		"mobile app":    {MobileApps: []MobileApp{{AppID: "demo", Secret: DemoSecret}}},
		"two kinds":     {MobileApps: []MobileApp{{AppID: DemoAppID, Secret: DemoSecret}}},
		"public URL":    {PublicURL: "localhost:9002"},
		"errmsg":        {Quirks: Quirks{Errmsg: "none"}},
		"unionid":       {Quirks: Quirks{UnionID: "sometimes"}},
		"code_life":     {Quirks: Quirks{CodeLife: -1}},
		"person":        {People: []Person{{ID: "小明"}}},
		"person twice":  {People: []Person{{ID: "a"}, {ID: "a"}}},
		"person no id ": {People: []Person{{Nickname: "小明"}}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnknownPath_IsNotFound(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	if r := h.get("/cgi-bin/nothing"); r.status != http.StatusNotFound {
		t.Errorf("got %d", r.status)
	}
}

func TestSimulator_IsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := h.silentCode()
	var won atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if h.api(exchangePath(code)).AccessToken != "" {
				won.Add(1)
			}
			token := h.api(exchangePath(h.profileCode()))
			h.api(refreshPath(token.RefreshToken))
			h.api(profilePath(token))
			h.sim.Hold("emma")
			h.get("/simulator/calls")
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("a code was exchanged %d times", won.Load())
	}
	if got := h.sim.Calls(accessTokenPath); got != 40 {
		t.Errorf("%d calls", got)
	}
}
