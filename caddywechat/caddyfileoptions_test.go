package caddywechat

import (
	"testing"
)

// TestCaddyfile_RefusedOptions are options behind an account, which begins in line 3.
func TestCaddyfile_RefusedOptions(t *testing.T) {
	for _, c := range []refusedCaddyfile{
		{"unknown option", "bogus 1", []string{"Caddyfile:4", `"bogus"`, "public_url", "official_account"}},
		{"option of a later version", "serve_hub", []string{"Caddyfile:4", `"serve_hub"`}},
		{"keep_fragment with a word", "keep_fragment yes", []string{"Caddyfile:4", "nothing behind it"}},
		{"observe with a word", "observe all", []string{"Caddyfile:4", "observe takes nothing behind it"}},
		{"observe twice", "observe\nobserve", []string{"Caddyfile:5", "observe is given twice"}},
		{"keep_fragment twice", "keep_fragment\nkeep_fragment", []string{"Caddyfile:5", "twice"}},
		{"rule without matcher", "public", []string{"Caddyfile:4", "public", "matcher"}},
		{"rule with two", "public /a /b", []string{"Caddyfile:4", "one matcher"}},
		{"rule with a word", "public foo", []string{"Caddyfile:4", "matcher"}},
		{"matcher that is not defined", "public @foo", []string{"Caddyfile:4", "@foo"}},
		{
			"rule behind everything", "login *\npublic /assets/*",
			[]string{"Caddyfile:5", "public is never reached", "login at Caddyfile:4", "everything"},
		},
		{
			"rule behind every path", "optional /*\nuserinfo /me",
			[]string{"Caddyfile:5", "userinfo is never reached", "optional at Caddyfile:4"},
		},
		{
			"rule by an earlier one's matcher", "public /a/*\nlogin /b/*\nlogin /a/*",
			[]string{"Caddyfile:6", "never reached", "public at Caddyfile:4", "same matcher"},
		},
		{"outside_wechat", "outside_wechat deny", []string{"Caddyfile:4", "page or pass"}},
		{"outside_wechat twice", "outside_wechat page\noutside_wechat page", []string{"Caddyfile:5", "twice"}},
		{"user_id", "user_id nickname", []string{"Caddyfile:4", "openid or unionid or qualified"}},
		{"headers of nothing", "headers", []string{"Caddyfile:4", "presets"}},
		{"headers preset", "headers nginx", []string{"Caddyfile:4", "nginx", "remote_user"}},
		{"headers twice", "headers default\nheaders wxcloud", []string{"Caddyfile:5", "twice"}},
		{
			"header that HTTP uses", "headers none {\nopenid Host\nunionid X-Union\n}",
			[]string{"Caddyfile:5", "Host", "X-"},
		},
		{
			"header of a preset", "headers wxcloud {\nid X-Me\nopenid X_WX_OPENID\n}",
			[]string{"Caddyfile:6", "PHP", "rename"},
		},
		{
			"headers beside a preset by variable", "headers {env.PRESET} {\nid X-Me\nopenid X_Me\n}",
			[]string{"Caddyfile:6", "PHP", "rename"},
		},
		{"header with two names", "headers none {\nopenid X-A X-B\n}", []string{"Caddyfile:5", "one header"}},
		{
			"headers that fold together", "headers none {\nopenid X-Me\nid X_ME\nunionid X-Union\n}",
			[]string{"Caddyfile:6", "PHP", "rename"},
		},
		{"header of an unknown field", "headers none {\nphone X-Phone\n}", []string{"Caddyfile:5", "phone", "openid"}},
		{"session's option outside of it", "key hunter2", []string{"Caddyfile:4", "session { key … }"}},
		{"an account's option outside of it", "scope snsapi_base", []string{"Caddyfile:4", `"scope"`, "block behind"}},
		{"path without a slash", "public assets/*", []string{"Caddyfile:4", "begins with a slash"}},
		{"platform without a scheme", "platform 127.0.0.1:9090", []string{"Caddyfile:4", "http://127.0.0.1:9090"}},
		{"session's argument", "session x", []string{"Caddyfile:4", "block"}},
		{"store", "store mysql", []string{"Caddyfile:4", `"mysql"`, "store caddy"}},
		{"store by a name that lists the others", "store postgres", []string{"Caddyfile:4", "caddy, memory, redis"}},
		{"memory's argument", "store memory 64MiB", []string{"Caddyfile:4", "no options"}},
		{"redis without URL", "store redis", []string{"Caddyfile:4", "store redis redis://"}},
		{"redis by a name", "store redis localhost:6379", []string{"Caddyfile:4", "store redis", "redis://host:6379"}},
		{
			"redis with a password that is not escaped", "store redis redis://:hunter2/x@h",
			[]string{"Caddyfile:4", "%2F"},
		},
		{"store's argument", "store caddy x", []string{"Caddyfile:4", "no options"}},
		{"store without", "store", []string{"Caddyfile:4", "store caddy"}},
		{"store twice", "store caddy\nstore caddy", []string{"Caddyfile:5", "twice"}},
		{"public_url without scheme", "public_url h5.example.com", []string{"Caddyfile:4", "https://host"}},
		{"public_url with path", "public_url https://h5.example.com/x", []string{"Caddyfile:4", "https://host"}},
		{"prefix", "prefix auth", []string{"Caddyfile:4", "/_wechat"}},
		{"prefix /", "prefix /", []string{"Caddyfile:4", "/_wechat"}},
		{"timeout", "timeout 5", []string{"Caddyfile:4", "timeout", "5s"}},
		{"timeout without", "timeout", []string{"Caddyfile:4", "exactly one"}},
		{
			"platform over plain http", "platform http://sim.example.com",
			[]string{"Caddyfile:4", "plain http", "https://"},
		},
		{
			"platform with a password", "platform https://u:hunter2@sim.example.com",
			[]string{"Caddyfile:4", "https://host"},
		},
		{"platform without", "platform", []string{"Caddyfile:4", "fall back"}},
		{
			"platform twice", "platform http://127.0.0.1:1\nplatform http://127.0.0.1:2",
			[]string{"Caddyfile:5", "twice"},
		},
		{
			"fallback over plain http", "platform http://127.0.0.1:1 http://sim.example.com",
			[]string{"Caddyfile:4", "plain http"},
		},
		{"pages twice", "pages a\npages b", []string{"Caddyfile:5", "twice"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, withAccount(c.lines)) })
	}
}
