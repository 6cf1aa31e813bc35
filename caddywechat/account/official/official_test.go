package official

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	appID  = "wx0123456789abcdef"
	secret = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	openID = "oABC-def_0123456789abcdefghi"

	redirectURI = "http://localhost:8080/_wechat/callback"
)

func parse(input string) (*Account, error) {
	a := new(Account)
	return a, a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
}

func TestAccount_ReadsCaddyfiles(t *testing.T) {
	type fields struct {
		appID  string
		secret config.Secret
		scope  string
	}
	head, hidden := "official_account "+appID+" "+secret, config.NewSecret(secret)
	for name, tt := range map[string]struct {
		input string
		want  fields
	}{
		"no block":    {head, fields{appID, hidden, ""}},
		"empty block": {head + " {\n}", fields{appID, hidden, ""}},
		"scope":       {head + " {\n scope snsapi_base\n}", fields{appID, hidden, "snsapi_base"}},
		"placeholders": {
			"official_account {env.A} {file./run/secrets/s} {\n scope {env.C}\n}",
			fields{"{env.A}", config.NewSecret("{file./run/secrets/s}"), "{env.C}"},
		},
		"quoted": {"official_account \"" + appID + "\" `" + secret + "`", fields{appID, hidden, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := parse(tt.input)
			if got := (fields{a.AppIDRaw, a.AppSecretRaw, a.Scope}); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestAccount_RefusesBadCaddyfilesWithLineAndWord(t *testing.T) {
	head := "official_account " + appID + " " + secret
	accounttest.RefusesCaddyfiles(t, func() caddyfile.Unmarshaler { return new(Account) }, secret, map[string]struct {
		Input, Word string
		Line        int
	}{
		"nothing":             {"official_account", "official_account <app_id> <app_secret>", 1},
		"no secret":           {"official_account " + appID, "official_account <app_id> <app_secret>", 1},
		"too much":            {head + " more", "official_account <app_id> <app_secret>", 1},
		"bad app id":          {"official_account wx/1 " + secret, "app_id", 1},
		"empty app id":        {"official_account \"\" " + secret, "app_id", 1},
		"empty secret":        {"official_account " + appID + " \"\"", "app_secret", 1},
		"example secret":      {"official_account " + appID + " APPSECRET", "app_secret", 1},
		"secret with a blank": {"official_account " + appID + " \"" + secret + " \"", "app_secret", 1},
		"unknown option":      {head + " {\n\n\tscopes snsapi_base\n}", `"scopes"`, 3},
		"unknown scope":       {head + " {\n\tscope snsapi_all\n}", "snsapi_base", 2},
		"empty scope":         {head + " {\n\tscope \"\"\n}", "scope", 2},
		"scope without value": {head + " {\n\tscope\n}", "scope", 2},
		"two scopes":          {head + " {\n\tscope snsapi_base snsapi_base\n}", "scope", 2},
		"scope twice":         {head + " {\n\tscope snsapi_base\n\tscope snsapi_base\n}", "scope is given twice", 3},
	})
}

const inJSON = `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`

func TestAccount_ResolvesAndChecksItsConfiguration(t *testing.T) {
	t.Setenv("OFFICIAL_TEST_ID", appID)
	t.Setenv("OFFICIAL_TEST_SECRET", secret+"\n")
	os.Unsetenv("OFFICIAL_TEST_UNSET")
	for name, text := range map[string]string{
		"literal":      `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		"scope":        `{"app_id":"` + appID + `","app_secret":"` + secret + `","scope":"snsapi_base"}`,
		"placeholders": `{"app_id":"{env.OFFICIAL_TEST_ID}","app_secret":"{env.OFFICIAL_TEST_SECRET}"}`,
	} {
		a, err := accounttest.Provision(new(Account), text)
		if err != nil || a.AppID() != appID || a.oauth.App.Auth != weixin.Secret(secret) || a.Scope != "snsapi_base" {
			t.Errorf("%s: got %q, %v, %v", name, a.AppID(), a.Scope, err)
		}
	}
	newAccount := func() caddy.Provisioner { return new(Account) }
	accounttest.RefusesConfigs(t, newAccount, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":       {`{}`, "app_id: "},
		"no secret":     {`{"app_id":"` + appID + `"}`, "app_secret: "},
		"bad app id":    {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id: "},
		"unset secret":  {`{"app_id":"` + appID + `","app_secret":"{env.OFFICIAL_TEST_UNSET}"}`, "app_secret: "},
		"unknown scope": {`{"app_id":"` + appID + `","app_secret":"` + secret + `","scope":"snsapi_all"}`, "scope: "},
	})
}

// answering returns an account whose WeChat answers with a text, and that WeChat.
func answering(t *testing.T, answer string) (*Account, *accounttest.Platform) {
	t.Helper()
	a, wechat := accounttest.MustProvision(t, new(Account), inJSON), accounttest.NewPlatform(t, answer)
	a.UseWeChat(wechat.Client(), nil)
	return a, wechat
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		wechat := accounttest.Simulate(t, simulator.Config{})
		text := `{"app_id":"` + simulator.DemoAppID + `","app_secret":"` + simulator.DemoSecret + `"}`
		a := accounttest.MustProvision(t, new(Account), text)
		wechat.Connect(a)
		return accounttest.Fixture{
			Account: a, Secrets: []string{simulator.DemoSecret},
			Code: func(profile bool) string {
				page := a.AuthorizeURL(visitor.Client{WeChat: true}, redirectURI, "abc", profile)
				return wechat.Authorize(page, accounttest.InWeChat, "emma").Query().Get("code")
			},
			RefusedCode: "081UcAFa1s1OAz0o7wGa1wb8vG1UcAFX",
		}
	})
}

// person returns an identity of names and values in turn.
func person(fields ...string) (id identity.Identity) {
	for i := 0; i < len(fields); i += 2 {
		id = append(id, identity.Field{Name: fields[i], Value: fields[i+1]})
	}
	return id
}

func TestExchange_TellsWhoCame(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want identity.Identity
	}{
		"silent": {
			`{"access_token":"t","openid":"` + openID + `","scope":"snsapi_base"}`,
			person("openid", openID, "scope", "snsapi_base"),
		},
		"with unionid": {
			`{"openid":"` + openID + `","scope":"snsapi_base","unionid":"oU"}`,
			person("openid", openID, "unionid", "oU", "scope", "snsapi_base"),
		},
		"snapshot": {
			`{"openid":"` + openID + `","scope":"snsapi_base","is_snapshotuser":1}`,
			person("openid", openID, "scope", "snsapi_base", "snapshot", "1"),
		},
		"no snapshot": {
			`{"openid":"` + openID + `","scope":"snsapi_base","is_snapshotuser":"0"}`,
			person("openid", openID, "scope", "snsapi_base"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := answering(t, tt.body)
			got, err := a.Exchange(t.Context(), "code", false)
			if err != nil || !slices.Equal(got.Identity, tt.want) || got.RefreshToken != "" {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
			if a.Person(got.Identity) != openID {
				t.Errorf("the person is %q", a.Person(got.Identity))
			}
		})
	}
}

func TestAccount_ServesWeChatsBrowserOnly(t *testing.T) {
	for client, want := range map[visitor.Client]bool{
		{}: false, {Phone: true}: false, {WeChat: true}: true, {WeChat: true, Phone: true}: true,
		{WeCom: true}: false, {WeCom: true, Phone: true}: false,
	} {
		if got := new(Account).Serves(client); got != want {
			t.Errorf("%+v: %v", client, got)
		}
	}
}

func TestAuthorizeURL_AsksSilently(t *testing.T) {
	a, _ := answering(t, "")
	a.UseWeChat(&weixin.Client{Hosts: weixin.WeChatHosts()}, nil)
	const want = "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + appID +
		"&redirect_uri=https%3A%2F%2Fh5.example.com%2F_wechat%2Fcallback" +
		"&response_type=code&scope=snsapi_base&state=abc#wechat_redirect"
	got := a.AuthorizeURL(visitor.Client{WeChat: true}, "https://h5.example.com/_wechat/callback", "abc", false)
	if got != want || strings.Contains(got, secret) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
