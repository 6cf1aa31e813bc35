package miniprogram

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
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
	appID  = simulator.DemoMiniProgramAppID
	secret = simulator.DemoMiniProgramSecret
)

func TestAccount_ReadsCaddyfiles(t *testing.T) {
	for input, want := range map[string][2]string{
		"mini_program " + appID + " " + secret:            {appID, secret},
		"mini_program " + appID + " " + secret + " {\n}":  {appID, secret},
		"mini_program {env.A} {file./run/secrets/s}":      {"{env.A}", "{file./run/secrets/s}"},
		"mini_program \"" + appID + "\" `" + secret + "`": {appID, secret},
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
		"nothing":        {"mini_program", "mini_program <app_id> <app_secret>", 1},
		"no secret":      {"mini_program " + appID, "mini_program <app_id> <app_secret>", 1},
		"too much":       {"mini_program " + appID + " " + secret + " more", "mini_program <app_id> <app_secret>", 1},
		"bad app id":     {"mini_program wx/1 " + secret, "app_id", 1},
		"example secret": {"mini_program " + appID + " APPSECRET", "app_secret", 1},
		"an option":      {"mini_program " + appID + " " + secret + " {\n\n\tscope snsapi_base\n}", `"scope"`, 3},
	})
}

const inJSON = `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`

func TestAccount_ResolvesAndChecksItsConfiguration(t *testing.T) {
	t.Setenv("MINI_TEST_ID", appID)
	t.Setenv("MINI_TEST_SECRET", secret+"\n")
	t.Setenv("MINI_TEST_UNSET", "")
	for _, text := range []string{
		`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		`{"app_id":"{env.MINI_TEST_ID}","app_secret":"{env.MINI_TEST_SECRET}"}`,
	} {
		a, err := accounttest.Provision(new(Account), text)
		if err != nil || a.AppID() != appID || a.app.Auth != weixin.Secret(secret) {
			t.Errorf("%s: got %q, %v", text, a.AppID(), err)
		}
	}
	newAccount := func() caddy.Provisioner { return new(Account) }
	accounttest.RefusesConfigs(t, newAccount, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":      {`{}`, "app_id: "},
		"no secret":    {`{"app_id":"` + appID + `"}`, "app_secret: "},
		"bad app id":   {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id: "},
		"unset secret": {`{"app_id":"` + appID + `","app_secret":"{env.MINI_TEST_UNSET}"}`, "app_secret: "},
		"unset app id": {`{"app_id":"{env.MINI_TEST_NO_SUCH}","app_secret":"` + secret + `"}`, "app_id: "},
		"secret and more": {
			`{"app_id":"` + appID + `","app_secret":"{env.MINI_TEST_ID} ` + secret + `"}`, "app_secret: ",
		},
	})
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		p := newProgram(t, simulator.Config{})
		return accounttest.Fixture{
			Account: p.Account, Secrets: []string{secret},
			Code:        func(bool) string { return p.code("emma") },
			RefusedCode: strings.Repeat("0", 32),
		}
	})
}

func TestLogin_TellsWhoCame(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	openID, unionID := simulator.OpenID(appID, "emma"), simulator.UnionID(simulator.DemoOpenPlatform, "emma")
	grant := p.login("emma")
	want := identity.Identity{{Name: identity.OpenID, Value: openID}, {Name: identity.UnionID, Value: unionID}}
	if !slices.Equal(grant.Identity, want) || grant.SessionSecret == "" || grant.RefreshToken != "" {
		t.Errorf("got %+v", grant)
	}
	if p.Person(grant.Identity) != openID || p.PersonEverywhere(grant.Identity) != unionID {
		t.Errorf("the person is %q, %q", p.Person(grant.Identity), p.PersonEverywhere(grant.Identity))
	}

	unbound := newProgram(t, simulator.Config{MiniPrograms: []simulator.MiniProgram{{AppID: appID, Secret: secret}}})
	grant = unbound.login("emma")
	if len(grant.Identity) != 1 || unbound.PersonEverywhere(grant.Identity) != "" {
		t.Errorf("not bound: got %+v", grant)
	}
}

func TestLogin_TellsErrorsApart(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	login := func(code string) error {
		t.Helper()
		grant, err := p.Login(t.Context(), code)
		if err == nil || grant.Identity != nil || grant.SessionSecret != "" {
			t.Errorf("got %+v, %v", grant, err)
		}
		p.wantNoSecret(err, code)
		return err
	}
	used := p.code("")
	if _, err := p.Login(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{
		"used": used, "nobody's": strings.Repeat("0", 32), "of the phone number button": p.phoneCode(""),
	} {
		if err := login(code); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	calls := p.Calls(sessionPath)
	for _, code := range []string{"", strings.Repeat("x", 513)} {
		_, err := p.Login(t.Context(), code)
		if !errors.Is(err, account.ErrCodeRefused) || p.Calls(sessionPath) != calls {
			t.Errorf("%d bytes: got %v", len(code), err)
		}
	}
	for _, errcode := range []int{40029, 40163, 42003} {
		p.Fail(sessionPath, errcode, 1)
		if err := login(p.code("")); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%d: got %v", errcode, err)
		}
	}
	p.Fail(sessionPath, 40226, 1)
	p.wantProblem(login(p.code("")), http.StatusForbidden, "declined")
	for _, errcode := range []int{-1, 40001, 40013, 40125, 41002, 45011, 50002} {
		p.Fail(sessionPath, errcode, 1)
		err := login(p.code(""))
		p.wantErrcode(err, errcode)
		if errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%d is taken for the code's fault", errcode)
		}
	}
	for _, kind := range []simulator.FaultKind{
		simulator.FaultHTML, simulator.FaultEmpty, simulator.FaultCut, simulator.FaultOversized,
	} {
		p.Inject(simulator.Fault{Path: sessionPath, Kind: kind, Times: 1})
		calls := p.Calls(sessionPath)
		err := login(p.code(""))
		if !errors.Is(err, weixin.ErrAnswer) && !errors.Is(err, weixin.ErrUnreachable) ||
			errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", kind, err)
		}
		if n := p.Calls(sessionPath) - calls; n != 1 {
			t.Errorf("%s: the code was sent %d times", kind, n)
		}
	}
}

// countingCache counts what is asked of it.
type countingCache struct{ calls atomic.Int32 }

func (s *countingCache) Get(context.Context, string) ([]byte, error) { s.calls.Add(1); return nil, nil }

func (s *countingCache) Put(context.Context, string, []byte, time.Duration) error {
	s.calls.Add(1)
	return nil
}

func (s *countingCache) PutIfAbsent(_ context.Context, _ string, value []byte, _ time.Duration) ([]byte, error) {
	s.calls.Add(1)
	return value, nil
}

func (s *countingCache) Delete(context.Context, string) error { s.calls.Add(1); return nil }

func TestAccount_AsksNothingBeforeAPersonComes(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	s := new(countingCache)
	p.UseWeChat(p.Client, s)
	p.Endpoints()
	if n := len(p.Journal()); n != 0 || s.calls.Load() != 0 {
		t.Errorf("%d calls of WeChat, %d of the cache", n, s.calls.Load())
	}
	emma := p.login("emma")
	if s.calls.Load() != 0 || p.Calls("/cgi-bin/stable_token") != 0 {
		t.Error("a login needs no server token")
	}
	_, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")})
	if err != nil || s.calls.Load() == 0 {
		t.Errorf("the server token is not in the cache: %v", err)
	}
}
