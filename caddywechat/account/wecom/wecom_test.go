package wecom

import (
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	corpID = simulator.DemoCorpID
	secret = simulator.DemoWeComSecret
	head   = "wecom " + corpID + " " + secret
)

func parse(input string) (*Account, error) {
	a := new(Account)
	return a, a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
}

func TestAccount_ReadsCaddyfiles(t *testing.T) {
	type fields struct {
		corpID         string
		secret         config.Secret
		agentID, scope string
		external       bool
	}
	for name, tt := range map[string]struct {
		input string
		want  fields
	}{
		"least": {head + " {\n agent_id 1000002\n}", fields{corpID, config.NewSecret(secret), "1000002", "", false}},
		"all": {
			head + " {\n allow_external\n scope snsapi_privateinfo\n agent_id 7\n}",
			fields{corpID, config.NewSecret(secret), "7", "snsapi_privateinfo", true},
		},
		"placeholders": {
			"wecom {env.A} {file./run/secrets/s} {\n agent_id {env.B}\n scope {env.C}\n}",
			fields{"{env.A}", config.NewSecret("{file./run/secrets/s}"), "{env.B}", "{env.C}", false},
		},
	} {
		a, err := parse(tt.input)
		got := fields{a.CorpIDRaw, a.SecretRaw, a.AgentIDRaw, a.Scope, a.AllowExternal}
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, tt.want)
		}
	}
}

func TestAccount_RefusesBadCaddyfilesWithLineAndWord(t *testing.T) {
	accounttest.RefusesCaddyfiles(t, func() caddyfile.Unmarshaler { return new(Account) }, secret, map[string]struct {
		Input, Word string
		Line        int
	}{
		"nothing":              {"wecom", "wecom <corp_id> <secret>", 1},
		"no secret":            {"wecom " + corpID, "wecom <corp_id> <secret>", 1},
		"too much":             {head + " 1000002", "wecom <corp_id> <secret>", 1},
		"no agent id":          {head, "agent_id 1000002", 1},
		"no agent id in block": {head + " {\n\tscope snsapi_base\n}", "agent_id 1000002", 3},
		"bad corp id":          {"wecom ww/1 " + secret, "corp_id", 1},
		"empty secret":         {"wecom " + corpID + " \"\"", "secret", 1},
		"bad agent id":         {head + " {\n\tagent_id one\n}", "agent_id", 2},
		"agent id twice":       {head + " {\n\tagent_id 1\n\tagent_id 1\n}", "agent_id is given twice", 3},
		"scope of others":      {head + " {\n\tagent_id 1\n\tscope snsapi_userinfo\n}", "snsapi_privateinfo", 3},
		"external with value":  {head + " {\n\tallow_external yes\n}", "allow_external", 2},
		"external twice": {
			head + " {\n\tallow_external\n\tallow_external\n}", "allow_external is given twice", 3,
		},
		"unknown option": {head + " {\n\tagent_id 1\n\n\tagentid 1\n}", `"agentid"`, 4},
	})
}

const inJSON = `{"corp_id":"` + corpID + `","secret":"` + secret + `","agent_id":"1000002"}`

func TestAccount_ResolvesAndChecksItsConfiguration(t *testing.T) {
	t.Setenv("WECOM_TEST_SECRET", secret+"\n")
	t.Setenv("WECOM_TEST_AGENT", "1000002")
	os.Unsetenv("WECOM_TEST_UNSET")
	for name, text := range map[string]string{
		"literal": inJSON,
		"placeholders": `{"corp_id":"` + corpID + `","secret":"{env.WECOM_TEST_SECRET}",` +
			`"agent_id":"{env.WECOM_TEST_AGENT}"}`,
	} {
		a, err := accounttest.Provision(new(Account), text)
		if err != nil || a.AppID() != corpID || a.app.Auth != weixin.Secret(secret) ||
			a.agentID != "1000002" || a.Scope != "snsapi_base" {
			t.Errorf("%s: %v", name, err)
		}
	}
	newAccount := func() caddy.Provisioner { return new(Account) }
	accounttest.RefusesConfigs(t, newAccount, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":       {`{}`, "corp_id: "},
		"no secret":     {`{"corp_id":"` + corpID + `"}`, "secret: "},
		"no agent id":   {`{"corp_id":"` + corpID + `","secret":"` + secret + `"}`, "agent_id is not set"},
		"bad agent id":  {strings.Replace(inJSON, "1000002", "-1", 1), "agent_id: "},
		"unset secret":  {strings.Replace(inJSON, secret, "{env.WECOM_TEST_UNSET}", 1), "secret: "},
		"unknown scope": {strings.Replace(inJSON, "{", `{"scope":"snsapi_login",`, 1), "scope: "},
	})
}

func TestPerson_HasOneIDHoweverWeComWritesIt(t *testing.T) {
	a := accounttest.MustProvision(t, new(Account), inJSON)
	for want, id := range map[string]identity.Identity{
		"zhangsan":                    {{Name: identity.UserID, Value: "ZhangSan"}},
		"ww0123456789abcdef/zhangsan": {{Name: identity.UserID, Value: "ww0123456789abcdef/zhangSan"}},
		"external:wmA-b_C": {
			{Name: identity.OpenID, Value: "oX"}, {Name: identity.ExternalUserID, Value: "wmA-b_C"},
		},
		"openid:oX": {{Name: identity.OpenID, Value: "oX"}},
	} {
		if got := a.Person(id); got != want {
			t.Errorf("%v is %q, want %q", id, got, want)
		}
		if got := a.PersonEverywhere(id); got != corpID+":"+want {
			t.Errorf("%v is %q everywhere", id, got)
		}
	}
	if got := a.Person(nil) + a.PersonEverywhere(nil); got != "" {
		t.Errorf("nobody is %q", got)
	}
}

func TestAuthorizeURL_IsOfThePageThatTheBrowserShows(t *testing.T) {
	const redirectURI = "https://h5.example.com:8443/_wechat/callback"
	const encoded = "https%3A%2F%2Fh5.example.com%3A8443%2F_wechat%2Fcallback"
	inside := func(scope string) string {
		return "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + corpID + "&redirect_uri=" + encoded +
			"&response_type=code&scope=" + scope + "&state=abc&agentid=1000002#wechat_redirect"
	}
	const outside = "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=" + corpID +
		"&agentid=1000002&redirect_uri=" + encoded + "&state=abc"
	for _, tt := range []struct {
		client  visitor.Client
		scope   string
		profile bool
		want    string
		consent account.Consent
	}{
		{visitor.Client{WeCom: true}, "", false, inside("snsapi_base"), account.Silent},
		{visitor.Client{WeCom: true, Phone: true}, "", true, inside("snsapi_privateinfo"), account.Direct},
		{visitor.Client{WeCom: true}, scopePrivateInfo, false, inside("snsapi_privateinfo"), account.Direct},
		{visitor.Client{WeChat: true, Phone: true}, "", false, inside("snsapi_base"), account.Silent},
		{visitor.Client{WeChat: true}, "", true, inside("snsapi_privateinfo"), account.Direct},
		{visitor.Client{}, "", false, outside, account.Silent},
		{visitor.Client{Phone: true}, "", true, outside, account.Direct},
	} {
		a := accounttest.MustProvision(t, new(Account), strings.Replace(inJSON, "{", `{"scope":"`+tt.scope+`",`, 1))
		a.UseWeChat(&weixin.Client{Hosts: weixin.WeChatHosts()}, nil)
		if got := a.AuthorizeURL(tt.client, redirectURI, "abc", tt.profile); got != tt.want {
			t.Errorf("%+v:\n got %s\nwant %s", tt.client, got, tt.want)
		}
		if got := a.Consent(tt.profile); got != tt.consent {
			t.Errorf("%+v: consent %v", tt.client, got)
		}
	}
	for client, want := range map[visitor.Client][2]bool{
		{}: {true, true}, {Phone: true}: {true, true}, {WeCom: true}: {true, false},
		{WeCom: true, Phone: true}: {true, false}, {WeChat: true}: {true, false},
	} {
		if got := [2]bool{new(Account).Serves(client), new(Account).ShowsQRCode(client)}; got != want {
			t.Errorf("%+v: serves, shows a QR code %v", client, got)
		}
	}
}

func TestAccount_IsAFallbackInWeChat(t *testing.T) {
	for _, external := range []bool{false, true} {
		a := &Account{AllowExternal: external}
		for client, want := range map[visitor.Client][2]bool{
			{WeChat: true, Phone: true}: {true, external}, {WeCom: true, Phone: true}: {false, true},
			{}: {false, true}, {Phone: true}: {false, true},
		} {
			if got := [2]bool{a.IsFallback(client), a.RecommendsBrowser(client)}; got != want {
				t.Errorf("allow_external %v, %+v: fallback, recommended %v", external, client, got)
			}
		}
	}
}

func TestLabel_IsInEveryLanguage(t *testing.T) {
	for language, want := range map[string]string{"zh-CN": "企业微信登录", "zh-TW": "用企業微信登入", "en": "Log in with WeCom"} {
		if got := new(Account).Label(language); got != want {
			t.Errorf("%s: %q", language, got)
		}
	}
}

func TestAccount_AdmitsMembersOfItsCompany(t *testing.T) {
	for name, tt := range map[string]struct {
		id             identity.Identity
		own, withOther bool
	}{
		"member":                     {identity.Identity{}.With(identity.UserID, "zhangsan"), true, true},
		"member of a linked company": {identity.Identity{}.With(identity.UserID, "wwother/zhangsan"), false, true},
		"external person":            {identity.Identity{}.With(identity.ExternalUserID, "wm1"), false, true},
		"stranger":                   {identity.Identity{}.With(identity.OpenID, "o1"), false, true},
	} {
		if got := (&Account{}).Admits(tt.id); got != tt.own {
			t.Errorf("%s: %v", name, got)
		}
		if got := (&Account{AllowExternal: true}).Admits(tt.id); got != tt.withOther {
			t.Errorf("%s, allow_external: %v", name, got)
		}
	}
}
