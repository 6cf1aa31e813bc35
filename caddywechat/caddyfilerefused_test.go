package caddywechat

import (
	"strings"
	"testing"
)

// refusedCaddyfile is a directive, or a part of it, and what the error says of it.
type refusedCaddyfile struct {
	name, lines string
	want        []string // all of them in the error
}

func (c refusedCaddyfile) check(t *testing.T, directive string) {
	t.Helper()
	_, err := adaptSite(directive)
	wantError(t, err, c.want...)
	for _, secret := range []string{"tooshort", "hunter2", "change-me-change"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("a secret in: %v", err)
		}
	}
	t.Log(err)
}

// withAccount returns a directive with an account and an option.
func withAccount(option string) string { return "wechat_auth {\n" + anAccount + option + "\n}" }

// accountWith returns a directive with an account that has an option.
func accountWith(option string) string {
	return "wechat_auth {\n" + withOptions("official_account a "+aSecret, option) + "\n}"
}

// TestCaddyfile_RefusedDirectives are whole directives.
func TestCaddyfile_RefusedDirectives(t *testing.T) {
	t.Setenv("EMPTY_ON_PURPOSE", "")
	for _, c := range []refusedCaddyfile{
		{"no block", "wechat_auth", []string{"Caddyfile:2", "official_account <app_id> <app_secret>"}},
		{
			"no account", "wechat_auth {\npublic /x\n}",
			[]string{"Caddyfile:4", "official_account <app_id> <app_secret>"},
		},
		{
			"argument that is no matcher", "wechat_auth foo {\n" + anAccount + "}",
			[]string{"Caddyfile:2", `"foo"`, "matcher"},
		},
		{
			"account without secret", "wechat_auth {\nofficial_account wx0123456789abcdef\n}",
			[]string{"Caddyfile:3", "app secret"},
		},
		{
			"account with too much", "wechat_auth {\nofficial_account a b c\n}",
			[]string{"Caddyfile:3", "<app_id> <app_secret>"},
		},
		{"account twice", "wechat_auth {\n" + anAccount + anAccount + "}", []string{"Caddyfile:4", "twice"}},
		{
			"empty secret", "wechat_auth {\nofficial_account wx0123456789abcdef \"\"\n}",
			[]string{"Caddyfile:3", "app_secret", "empty"},
		},
		{
			"example secret", "wechat_auth {\nofficial_account wx0123456789abcdef APPSECRET\n}",
			[]string{"Caddyfile:3", "example"},
		},
		{
			"short secret", "wechat_auth {\nofficial_account wx0123456789abcdef hunter2\n}",
			[]string{"Caddyfile:3", "app_secret", "7 characters", "at least 32"},
		},
		{
			"short secret of WeCom's", "wechat_auth {\nwecom ww0123456789abcdef hunter2 {\nagent_id 1\n}\n}",
			[]string{"Caddyfile:3", "secret", "7 characters", "at least 32"},
		},
		{
			"example secret of the right length",
			"wechat_auth {\nofficial_account wx0123456789abcdef xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n}",
			[]string{"Caddyfile:3", "app_secret", "example"},
		},
		{"odd app id", "wechat_auth {\nofficial_account wx/1 x\n}", []string{"Caddyfile:3", "app_id", `"wx/1"`}},
		{"unknown option of an account", accountWith("foo"), []string{"Caddyfile:4", `"foo"`, "scope"}},
		{
			"scope of another platform", accountWith("scope snsapi_login"),
			[]string{"Caddyfile:4", "snsapi_base or snsapi_userinfo"},
		},
		{"consent", accountWith("consent always"), []string{"Caddyfile:4", "ask or direct"}},
		{"snapshot", accountWith("snapshot"), []string{"Caddyfile:4", "exactly one"}},
		{"scope twice", accountWith("scope snsapi_base\nscope snsapi_base"), []string{"Caddyfile:5", "twice"}},
		{
			"rule behind a matcher of everything",
			"@all path /a *\nwechat_auth {\n" + anAccount + "public @all\nlogin /me\n}",
			[]string{"Caddyfile:6", "never reached", "public at Caddyfile:5"},
		},
		{
			"unset id and secret", "wechat_auth {\nofficial_account {$NO_SUCH_VARIABLE} {$NO_SUCH_VARIABLE}\n}",
			[]string{"Caddyfile:3", "<app_id> <app_secret>", "environment variable in {$…}", "{env.…}"},
		},
		{
			"unset secret", "wechat_auth {\nwebsite wx0123456789abcdef {$NO_SUCH_VARIABLE} {\n}\n}",
			[]string{"Caddyfile:3", "<app_id> <app_secret>", "environment variable in {$…}"},
		},
		{
			"unset secret of WeCom's",
			"wechat_auth {\nwecom ww0123456789abcdef {$NO_SUCH_VARIABLE} {\nagent_id 1\n}\n}",
			[]string{"Caddyfile:3", "<corp_id> <secret>", "environment variable in {$…}"},
		},
		{
			"empty secret in quotes", "wechat_auth {\nofficial_account wx0123456789abcdef \"{$EMPTY_ON_PURPOSE}\"\n}",
			[]string{"Caddyfile:3", "app_secret", "empty", "environment variable in {$…}"},
		},
		{
			"unset agent",
			"wechat_auth {\nwecom ww0123456789abcdef 0123456789abcdef0123456789abcdef0123456789a {\n" +
				"agent_id {$NO_SUCH_VARIABLE}\n}\n}",
			[]string{"Caddyfile:4", "agent_id", "environment variable in {$…}"},
		},
		{
			"unset file", "wechat_verify {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:2", "MP_verify_", "environment variable in {$…}"},
		},
		{"verify nothing", "wechat_verify", []string{"Caddyfile:2", "MP_verify_"}},
		{
			"verify a name whose content is unknown", "wechat_verify XSXXE203iJ.txt",
			[]string{"Caddyfile:2", "<name> <content> on a line"},
		},
		{
			"verify twice", "wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt MP_verify_iwu2jY0FNdXA7RGa.txt",
			[]string{"Caddyfile:2", "twice"},
		},
		{"verify auto twice", "wechat_verify auto auto", []string{"Caddyfile:2", "auto", "twice"}},
		{"verify two contents", "wechat_verify {\na.txt b c\n}", []string{"Caddyfile:3", "quotes"}},
		{"verify upwards", "wechat_verify {\n../a.txt b\n}", []string{"Caddyfile:3", "no name of a file"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, c.lines) })
	}
}
