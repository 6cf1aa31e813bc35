package mobileapp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	appID  = simulator.DemoMobileAppID
	secret = simulator.DemoMobileAppSecret
)

const (
	tokenPath    = "/sns/oauth2/access_token"
	refreshPath  = "/sns/oauth2/refresh_token"
	userinfoPath = "/sns/userinfo"
)

func TestAccount_ReadsCaddyfiles(t *testing.T) {
	for input, want := range map[string][2]string{
		"mobile_app " + appID + " " + secret:           {appID, secret},
		"mobile_app " + appID + " " + secret + " {\n}": {appID, secret},
		"mobile_app {env.A} {file./run/secrets/s}":     {"{env.A}", "{file./run/secrets/s}"},
	} {
		a := new(Account)
		err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err != nil || a.AppIDRaw != want[0] || a.AppSecretRaw != config.NewSecret(want[1]) {
			t.Errorf("%s: got %q, %q, %v", input, a.AppIDRaw, a.AppSecretRaw, err)
		}
	}
}

func TestAccount_RefusesBadCaddyfilesWithLineAndWord(t *testing.T) {
	accounttest.RefusesCaddyfiles(t, func() caddyfile.Unmarshaler { return new(Account) }, secret, map[string]struct {
		Input, Word string
		Line        int
	}{
		"nothing":      {"mobile_app", "mobile_app <app_id> <app_secret>", 1},
		"no secret":    {"mobile_app " + appID, "mobile_app <app_id> <app_secret>", 1},
		"too much":     {"mobile_app " + appID + " " + secret + " more", "mobile_app <app_id> <app_secret>", 1},
		"bad app id":   {"mobile_app wx/1 " + secret, "app_id", 1},
		"empty secret": {"mobile_app " + appID + " \"\"", "app_secret", 1},
		"an option":    {"mobile_app " + appID + " " + secret + " {\n\n\tscope snsapi_base\n}", `"scope"`, 3},
	})
}

const inJSON = `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`

func TestAccount_ResolvesAndChecksItsConfiguration(t *testing.T) {
	t.Setenv("MOBILE_TEST_ID", appID)
	t.Setenv("MOBILE_TEST_SECRET", secret+"\n")
	t.Setenv("MOBILE_TEST_UNSET", "")
	for _, text := range []string{
		`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		`{"app_id":"{env.MOBILE_TEST_ID}","app_secret":"{env.MOBILE_TEST_SECRET}"}`,
	} {
		a, err := accounttest.Provision(new(Account), text)
		if err != nil || a.AppID() != appID || a.oauth.App.Auth != weixin.Secret(secret) {
			t.Errorf("%s: got %q, %v", text, a.AppID(), err)
		}
	}
	newAccount := func() caddy.Provisioner { return new(Account) }
	accounttest.RefusesConfigs(t, newAccount, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":      {`{}`, "app_id: "},
		"no secret":    {`{"app_id":"` + appID + `"}`, "app_secret: "},
		"bad app id":   {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id: "},
		"unset secret": {`{"app_id":"` + appID + `","app_secret":"{env.MOBILE_TEST_UNSET}"}`, "app_secret: "},
	})
}

// program is an account whose WeChat is the simulator.
type program struct {
	*testing.T
	*Account
	*accounttest.Simulated
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{t, accounttest.MustProvision(t, new(Account), inJSON), accounttest.Simulate(t, simulator.Config{})}
	p.Connect(p.Account)
	return p
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		p := newProgram(t)
		return accounttest.Fixture{
			Account: p.Account, Secrets: []string{secret},
			Code:        func(bool) string { return p.code("emma") },
			RefusedCode: strings.Repeat("0", 32),
		}
	})
}

// code is sendAuth.
func (p *program) code(person string) string {
	p.Helper()
	code, err := p.MobileAppLogin(appID, person)
	if err != nil {
		p.Fatal(err)
	}
	return code
}

func TestLogin_TellsWhoCame(t *testing.T) {
	p := newProgram(t)
	if n := len(p.Journal()); n != 0 {
		t.Errorf("WeChat was asked %d times before anybody came", n)
	}
	grant, err := p.Login(t.Context(), p.code("emma"))
	if err != nil {
		t.Fatal(err)
	}
	openID, unionID := simulator.OpenID(appID, "emma"), simulator.UnionID(simulator.DemoOpenPlatform, "emma")
	if p.Person(grant.Identity) != openID || p.PersonEverywhere(grant.Identity) != unionID {
		t.Errorf("the person is %q, %q", p.Person(grant.Identity), p.PersonEverywhere(grant.Identity))
	}
	names := []string{identity.OpenID, identity.UnionID, identity.Scope, identity.Nickname, identity.Avatar}
	for i, field := range grant.Identity {
		if i >= len(names) || field.Name != names[i] {
			t.Errorf("got %v, want %v", grant.Identity, names)
		}
	}
	if grant.Identity.Get(identity.Nickname) != "Emma 🐳" || grant.Identity.Get(identity.Avatar) == "" ||
		grant.Identity.Get(identity.Scope) != "snsapi_userinfo" ||
		grant.RefreshToken == "" || grant.SessionSecret != "" {
		t.Errorf("got %+v", grant)
	}
}

func TestLogin_BringsNoProfileWithoutTheScope(t *testing.T) {
	for _, scope := range []string{"", "snsapi_base", "snsapi_userinfo_x,snsapi_base"} {
		wechat := accounttest.NewPlatform(t, `{"access_token":"t","refresh_token":"r","openid":"oABC",`+
			`"unionid":"oU","scope":"`+scope+`"}`)
		a := accounttest.MustProvision(t, new(Account), inJSON)
		a.UseWeChat(wechat.Client(), nil)
		grant, err := a.Login(t.Context(), "code")
		if err != nil || grant.RefreshToken != "" || grant.Identity.Get(identity.OpenID) != "oABC" ||
			wechat.Calls(tokenPath) != 1 || len(wechat.Requests()) != 1 {
			t.Errorf("%q: got %+v, %v after %v", scope, grant, err, wechat.Requests())
		}
	}
}

func TestLogin_TellsErrorsApart(t *testing.T) {
	p := newProgram(t)
	login := func(code string) error {
		t.Helper()
		grant, err := p.Login(t.Context(), code)
		if err == nil || grant.Identity != nil || grant.RefreshToken != "" {
			t.Errorf("got %+v, %v", grant, err)
		}
		for _, private := range []string{secret, code, "61_"} {
			if private != "" && strings.Contains(fmt.Sprint(err), private) {
				t.Errorf("the error holds %q: %v", private, err)
			}
		}
		return err
	}
	used := p.code("")
	if _, err := p.Login(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	mini, err := p.MiniProgramLogin("", "")
	if err != nil {
		t.Fatal(err)
	}
	late := p.code("")
	p.Advance(5 * time.Minute)
	for name, code := range map[string]string{
		"used": used, "nobody's": strings.Repeat("0", 32), "a mini-program's": mini, "late": late,
		"too long": strings.Repeat("x", 513),
	} {
		if err := login(code); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRefreshProfile_BringsTheProfileUntilTheConsentEnds(t *testing.T) {
	p := newProgram(t)
	grant, err := p.Login(t.Context(), p.code("emma"))
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(24 * time.Hour)
	renewed, err := p.RefreshProfile(t.Context(), grant.RefreshToken)
	if err != nil || renewed.RefreshToken != grant.RefreshToken ||
		renewed.Identity.Get(identity.Nickname) != "Emma 🐳" || p.Person(renewed.Identity) != p.Person(grant.Identity) {
		t.Errorf("got %+v, %v", renewed, err)
	}
	p.Advance(31 * 24 * time.Hour)
	if _, err := p.RefreshProfile(t.Context(), grant.RefreshToken); !errors.Is(err, account.ErrConsentEnded) {
		t.Errorf("after a month: got %v", err)
	}
}
