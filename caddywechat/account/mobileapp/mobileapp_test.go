package mobileapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
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

func TestCaddyfile(t *testing.T) {
	for input, want := range map[string][2]string{
		"mobile_app " + appID + " " + secret:           {appID, secret},
		"mobile_app " + appID + " " + secret + " {\n}": {appID, secret},
		"mobile_app {env.A} {file./run/secrets/s}":     {"{env.A}", "{file./run/secrets/s}"},
	} {
		a := new(Account)
		if err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err != nil || [2]string{a.AppIDRaw, string(a.AppSecretRaw)} != want {
			t.Errorf("%s: got %q, %q, %v", input, a.AppIDRaw, a.AppSecretRaw, err)
		}
	}
	for name, tt := range map[string]struct {
		input, word string
		line        int
	}{
		"nothing":      {"mobile_app", "mobile_app <app_id> <app_secret>", 1},
		"no secret":    {"mobile_app " + appID, "mobile_app <app_id> <app_secret>", 1},
		"too much":     {"mobile_app " + appID + " " + secret + " more", "mobile_app <app_id> <app_secret>", 1},
		"bad app id":   {"mobile_app wx/1 " + secret, "app_id", 1},
		"empty secret": {"mobile_app " + appID + " \"\"", "app_secret", 1},
		"an option":    {"mobile_app " + appID + " " + secret + " {\n\n\tscope snsapi_base\n}", `"scope"`, 3},
	} {
		err := new(Account).UnmarshalCaddyfile(caddyfile.NewTestDispenser(tt.input))
		if err == nil || !strings.Contains(err.Error(), tt.word) || !strings.Contains(err.Error(), fmt.Sprintf("Testfile:%d", tt.line)) ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want %q with line %d", name, err, tt.word, tt.line)
		}
	}
}

// provision provisions an account from JSON.
func provision(text string) (*Account, error) {
	a := new(Account)
	if err := json.Unmarshal([]byte(text), a); err != nil {
		return nil, err
	}
	return a, a.Provision(caddy.Context{})
}

func TestProvision(t *testing.T) {
	t.Setenv("MOBILE_TEST_ID", appID)
	t.Setenv("MOBILE_TEST_SECRET", secret+"\n")
	t.Setenv("MOBILE_TEST_UNSET", "")
	for _, text := range []string{
		`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		`{"app_id":"{env.MOBILE_TEST_ID}","app_secret":"{env.MOBILE_TEST_SECRET}"}`,
	} {
		if a, err := provision(text); err != nil || a.AppID() != appID || a.oauth.App.Auth != weixin.Secret(secret) {
			t.Errorf("%s: got %q, %v", text, a.AppID(), err)
		}
	}
	for text, option := range map[string]string{
		`{}`:                         "app_id",
		`{"app_id":"` + appID + `"}`: "app_secret",
		`{"app_id":"wx/1","app_secret":"` + secret + `"}`:                   "app_id",
		`{"app_id":"` + appID + `","app_secret":"{env.MOBILE_TEST_UNSET}"}`: "app_secret",
	} {
		if _, err := provision(text); err == nil || !strings.HasPrefix(err.Error(), option+": ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestTheModuleIsKnownByItsKind(t *testing.T) {
	info, err := caddy.GetModule("wechat.accounts.mobile_app")
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := info.New().(account.Account); !ok || a.Kind() != "mobile_app" {
		t.Errorf("got %T", info.New())
	}
}

// program is an account whose WeChat is the simulator.
type program struct {
	*testing.T
	*Account
	sim *simulator.Simulator
	now time.Time // moved between calls only
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	sim, err := simulator.New(simulator.Config{Now: func() time.Time { return p.now }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	p.sim = sim
	p.Account = accountAt(t, server)
	return p
}

func accountAt(t *testing.T, server *httptest.Server) *Account {
	t.Helper()
	a, err := provision(`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	a.UseWeChat(&weixin.Client{Hosts: weixin.HostsAt(server.URL, ""), Transport: server.Client().Transport}, nil)
	return a
}

// code is sendAuth.
func (p *program) code(person string) string {
	p.Helper()
	code, err := p.sim.MobileAppLogin(appID, person)
	if err != nil {
		p.Fatal(err)
	}
	return code
}

func (p *program) fail(path string, errcode int) {
	p.Helper()
	if err := p.sim.Fault(simulator.Fault{Path: path, Kind: simulator.FaultErrcode, Errcode: errcode, Times: 1}); err != nil {
		p.Fatal(err)
	}
}

func TestLoginTellsWhoCame(t *testing.T) {
	p := newProgram(t)
	if n := len(p.sim.Journal()); n != 0 {
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
		grant.Identity.Get(identity.Scope) != "snsapi_userinfo" || grant.RefreshToken == "" || grant.SessionSecret != "" {
		t.Errorf("got %+v", grant)
	}
}

func TestWithoutTheScopeThereIsNoProfile(t *testing.T) {
	for _, scope := range []string{"", "snsapi_base", "snsapi_userinfo_x,snsapi_base"} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			io.WriteString(w, `{"access_token":"t","refresh_token":"r","openid":"oABC","unionid":"oU","scope":"`+scope+`"}`)
		}))
		defer server.Close()
		grant, err := accountAt(t, server).Login(t.Context(), "code")
		if err != nil || grant.RefreshToken != "" || grant.Identity.Get(identity.OpenID) != "oABC" || !slices.Equal(asked, []string{tokenPath}) {
			t.Errorf("%q: got %+v, %v after %v", scope, grant, err, asked)
		}
	}
}

func TestRefusedLogins(t *testing.T) {
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
	mini, err := p.sim.MiniProgramLogin("", "")
	if err != nil {
		t.Fatal(err)
	}
	late := p.code("")
	p.now = p.now.Add(5 * time.Minute)
	for name, code := range map[string]string{"used": used, "nobody's": strings.Repeat("0", 32), "a mini-program's": mini, "late": late, "too long": strings.Repeat("x", 513)} {
		if err := login(code); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for errcode, refused := range map[int]bool{
		40029: true, 40163: true, 42003: true,
		-1: false, 40001: false, 40013: false, 40030: false, 40125: false, 41008: false, 42001: false, 45011: false, 50002: false,
	} {
		p.fail(tokenPath, errcode)
		calls := p.sim.Calls(tokenPath)
		err := login(p.code(""))
		if apiErr, ok := errors.AsType[*weixin.Error](err); !ok || apiErr.Code != errcode || errors.Is(err, account.ErrCodeRefused) != refused {
			t.Errorf("%d: got %v", errcode, err)
		}
		if n := p.sim.Calls(tokenPath) - calls; n != 1 {
			t.Errorf("%d: the code was sent %d times", errcode, n)
		}
	}
	// A token that is refused as soon as it is there was replaced by another login of the person.
	for errcode, refused := range map[int]bool{40001: true, 42001: true, -1: false, 48001: false, 45011: false} {
		p.fail(userinfoPath, errcode)
		if err := login(p.code("")); errors.Is(err, account.ErrCodeRefused) != refused {
			t.Errorf("profile, %d: got %v", errcode, err)
		}
	}
}

func TestRenew(t *testing.T) {
	p := newProgram(t)
	grant, err := p.Login(t.Context(), p.code("emma"))
	if err != nil {
		t.Fatal(err)
	}
	p.now = p.now.Add(24 * time.Hour)
	renewed, err := p.RefreshProfile(t.Context(), grant.RefreshToken)
	if err != nil || renewed.RefreshToken != grant.RefreshToken || renewed.Identity.Get(identity.Nickname) != "Emma 🐳" || p.Person(renewed.Identity) != p.Person(grant.Identity) {
		t.Errorf("got %+v, %v", renewed, err)
	}
	for errcode, ended := range map[int]bool{40030: true, 42002: true, 42007: true, -1: false, 40013: false, 45011: false} {
		for _, path := range []string{refreshPath, userinfoPath} {
			p.fail(path, errcode)
			_, err := p.RefreshProfile(t.Context(), grant.RefreshToken)
			if err == nil || errors.Is(err, account.ErrConsentEnded) != ended || strings.Contains(err.Error(), grant.RefreshToken) {
				t.Errorf("%s, %d: got %v", path, errcode, err)
			}
		}
	}
	p.now = p.now.Add(31 * 24 * time.Hour)
	if _, err := p.RefreshProfile(t.Context(), grant.RefreshToken); !errors.Is(err, account.ErrConsentEnded) {
		t.Errorf("after a month: got %v", err)
	}
}

func TestTheSecretStaysOutOfLogs(t *testing.T) {
	a, err := provision(`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	line, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).
		EncodeEntry(zapcore.Entry{Message: "provisioned"}, []zap.Field{zap.Any("account", a), zap.Objects("accounts", []*Account{a})})
	if err != nil {
		t.Fatal(err)
	}
	if text := line.String(); strings.Contains(text, secret) || !strings.Contains(text, appID) {
		t.Error(text)
	}
}
