package caddywechat

import (
	"testing"
)

// TestCaddyfile_RefusedSessionOptions are options of the session, behind an account.
func TestCaddyfile_RefusedSessionOptions(t *testing.T) {
	for _, c := range []refusedCaddyfile{
		{"short key", "session {\nkey tooshort\n}", []string{"Caddyfile:5", "session key", "32", "openssl rand"}},
		{
			"example key", "session {\nkey change-me-change-me-change-me-change-me\n}",
			[]string{"Caddyfile:5", "example"},
		},
		{"no key", "session {\nkey\n}", []string{"Caddyfile:5", "32 bytes"}},
		{"key twice", "session {\nkey " + sessionKey + "\nkey " + sessionKey + "\n}", []string{"Caddyfile:6", "twice"}},
		{"lifetime", "session {\nlifetime soon\n}", []string{"Caddyfile:5", "lifetime", "7d"}},
		{"negative lifetime", "session {\nlifetime -1h\n}", []string{"Caddyfile:5", "lifetime", "7d"}},
		{"endless lifetime", "session {\nlifetime 4000d\n}", []string{"Caddyfile:5", "lifetime", "400d"}},
		{"session's option", "session {\nsliding 1h\n}", []string{"Caddyfile:5", `"sliding"`, "lifetime, idle"}},
		{"cookie's name", "session {\ncookie __Host-x\n}", []string{"Caddyfile:5", "__Host-"}},
		{
			"cookie by the name of a login's", "session {\ncookie wechat_login_3\n}",
			[]string{"Caddyfile:5", "wechat_login_3", "another"},
		},
		{
			"cookie by the name of the choice's", "session {\ncookie wechat_account\n}",
			[]string{"Caddyfile:5", "wechat_account", "another"},
		},
		{"domain of everybody", "session {\ndomain com.cn\n}", []string{"Caddyfile:5", "example.com"}},
		{"domain with a dot", "session {\ndomain .example.com\n}", []string{"Caddyfile:5", "example.com"}},
		{"session twice", "session {\n}\nsession {\n}", []string{"Caddyfile:6", "twice"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, withAccount(c.lines)) })
	}
}

// TestCaddyfile_RefusedUnsetVariables are options whose environment variable is not set.
func TestCaddyfile_RefusedUnsetVariables(t *testing.T) {
	t.Setenv("EMPTY_ON_PURPOSE", "")
	for _, c := range []refusedCaddyfile{
		{
			"header without a name", "headers none {\nopenid {$NO_SUCH_VARIABLE}\nid X-Me\n}",
			[]string{"Caddyfile:5", "openid X-My-Header", "{env.…}"},
		},
		{
			"unset key", "session {\nkey {$NO_SUCH_VARIABLE}\nlifetime 1d\n}",
			[]string{"Caddyfile:5", "key", "environment variable in {$…}"},
		},
		{
			"unset domain", "session {\ndomain {$NO_SUCH_VARIABLE}\n}",
			[]string{"Caddyfile:5", "domain", "environment variable in {$…}"},
		},
		{"unset store", "store {$NO_SUCH_VARIABLE}", []string{"Caddyfile:4", "store", "environment variable in {$…}"}},
		{
			"unset Redis", "store redis {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:4", "store redis", "environment variable in {$…}"},
		},
		{
			"unset public_url", "public_url {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:4", "public_url", "environment variable in {$…}"},
		},
		{
			"unset platform", "platform {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:4", "platform", "environment variable in {$…}"},
		},
		{
			"unset preset", "headers {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:4", "headers", "environment variable in {$…}"},
		},
		{
			"unset matcher", "public {$NO_SUCH_VARIABLE}",
			[]string{"Caddyfile:4", "public", "environment variable in {$…}"},
		},
		{
			"unset pages in quotes", "pages \"{$NO_SUCH_VARIABLE}\"",
			[]string{"Caddyfile:4", "pages", "empty", "environment variable in {$…}"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, withAccount(c.lines)) })
	}
}
