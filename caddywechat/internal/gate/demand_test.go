package gate_test

import (
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

func TestDemand_ChallengesWhereALoginBringsMore(t *testing.T) {
	never := &sitetest.Account{Asks: func(profile bool) account.Consent {
		if profile {
			return account.Never
		}
		return account.Silent
	}}
	const desk = sitetest.OnDesktop
	for name, tt := range map[string]struct {
		path        string
		who         int
		agent       string
		ask         gate.Ask
		passOutside bool
		account     *sitetest.Account
		want        gate.Action
	}{
		"public":                        {"/public/x", nobody, "", gate.Login, false, nil, gate.Pass},
		"nobody":                        {"/optional/x", nobody, "", gate.Login, false, nil, gate.Challenge},
		"nobody, the profile":           {"/optional/x", nobody, "", gate.Userinfo, false, nil, gate.Challenge},
		"somebody":                      {"/optional/x", silent, "", gate.Login, false, nil, gate.Forward},
		"somebody, the profile":         {"/page", silent, "", gate.Userinfo, false, nil, gate.Challenge},
		"with the profile":              {"/page", profiled, "", gate.Userinfo, false, nil, gate.Forward},
		"a program":                     {"/page", program, "", gate.Login, false, nil, gate.Forward},
		"a program, the profile":        {"/page", program, "", gate.Userinfo, false, nil, gate.Forward},
		"never a profile":               {"/page", silent, "", gate.Userinfo, false, never, gate.Forward},
		"never a profile, and nobody":   {"/optional/x", nobody, "", gate.Userinfo, false, never, gate.Pass},
		"never a profile, but a login":  {"/optional/x", nobody, "", gate.Login, false, never, gate.Challenge},
		"outside":                       {"/optional/x", nobody, desk, gate.Login, false, nil, gate.Challenge},
		"outside, which passes":         {"/optional/x", nobody, desk, gate.Login, true, nil, gate.Pass},
		"outside, the profile":          {"/optional/x", nobody, desk, gate.Userinfo, true, nil, gate.Challenge},
		"outside, as somebody, profile": {"/page", silent, desk, gate.Userinfo, true, nil, gate.Challenge},
	} {
		o := sitetest.Options{}
		if tt.account != nil {
			o.Accounts = []account.Account{tt.account}
		}
		w := newWorld(t, o, tt.passOutside)
		b := w.who(tt.who)
		if tt.agent != "" {
			b.Agent = tt.agent
		}
		r := b.Request("GET", tt.path)
		d, err := w.Decide(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Demand(r, d, tt.ask); got.Action != tt.want {
			t.Errorf("%s: %d, %s, want %d", name, got.Action, got.Reason(), tt.want)
		}
	}
}
