package login

import (
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestAccountOf_KnowsAttemptsOfAVersionWithoutReferences(t *testing.T) {
	program, official := new(sitetest.Program), new(sitetest.Account)
	accounts, err := account.NewSet(account.Qualified, program, official)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFlow(Config{Accounts: accounts})
	r := new(visitor.Request)
	for name, tt := range map[string]struct {
		attempt Attempt
		want    account.Redirector
	}{
		"of that version":        {Attempt{Kind: "official"}, official},
		"of today's":             {Attempt{Kind: "official", Ref: "wxa"}, official},
		"of another account":     {Attempt{Kind: "official", Ref: "wxb"}, nil},
		"of another kind":        {Attempt{Kind: "website", Ref: "wxa"}, nil},
		"of one for programs":    {Attempt{Kind: "program", Ref: "wxp"}, nil},
		"of a kind for programs": {Attempt{Kind: "program"}, nil},
	} {
		if got := f.accountOf(r, tt.attempt); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
