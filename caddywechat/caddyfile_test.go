package caddywechat

import (
	"strings"
	"testing"
)

const anAccount = "official_account wx0123456789abcdef 0123456789abcdef0123456789abcdef\n"

func TestCaddyfile_Refused(t *testing.T) {
	t.Setenv("EMPTY_ON_PURPOSE", "")
	for _, c := range []struct {
		name, directive string
		want            []string // all of them in the error
	}{
		{"no block", "wechat_auth", []string{"Caddyfile:2", "official_account <app_id> <app_secret>"}},
		{"no account", "wechat_auth {\npublic /x\n}", []string{"Caddyfile:4", "official_account <app_id> <app_secret>"}},
		{"argument that is no matcher", "wechat_auth foo {\n" + anAccount + "}", []string{"Caddyfile:2", `"foo"`, "matcher"}},
		{"unknown option", "wechat_auth {\n" + anAccount + "bogus 1\n}", []string{"Caddyfile:4", `"bogus"`, "public_url", "official_account"}},
		{"option of a later version", "wechat_auth {\n" + anAccount + "serve_hub\n}", []string{"Caddyfile:4", `"serve_hub"`}},
		{"keep_fragment with a word", "wechat_auth {\n" + anAccount + "keep_fragment yes\n}", []string{"Caddyfile:4", "nothing behind it"}},
		{"keep_fragment twice", "wechat_auth {\n" + anAccount + "keep_fragment\nkeep_fragment\n}", []string{"Caddyfile:5", "twice"}},
		{"account without secret", "wechat_auth {\nofficial_account wx0123456789abcdef\n}", []string{"Caddyfile:3", "app secret"}},
		{"account with too much", "wechat_auth {\nofficial_account a b c\n}", []string{"Caddyfile:3", "<app_id> <app_secret>"}},
		{"account twice", "wechat_auth {\n" + anAccount + anAccount + "}", []string{"Caddyfile:4", "twice"}},
		{"empty secret", "wechat_auth {\nofficial_account wx0123456789abcdef \"\"\n}", []string{"Caddyfile:3", "app_secret", "empty"}},
		{"example secret", "wechat_auth {\nofficial_account wx0123456789abcdef APPSECRET\n}", []string{"Caddyfile:3", "example"}},
		{"short secret", "wechat_auth {\nofficial_account wx0123456789abcdef hunter2\n}", []string{"Caddyfile:3", "app_secret", "7 characters", "at least 32"}},
		{"short secret of WeCom's", "wechat_auth {\nwecom ww0123456789abcdef hunter2 {\nagent_id 1\n}\n}", []string{"Caddyfile:3", "secret", "7 characters", "at least 32"}},
		{"example secret of the right length", "wechat_auth {\nofficial_account wx0123456789abcdef xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n}", []string{"Caddyfile:3", "app_secret", "example"}},
		{"odd app id", "wechat_auth {\nofficial_account wx/1 x\n}", []string{"Caddyfile:3", "app_id", `"wx/1"`}},
		{"unknown option of an account", "wechat_auth {\nofficial_account a 0123456789abcdef0123456789abcdef {\nfoo\n}\n}", []string{"Caddyfile:4", `"foo"`, "scope"}},
		{"scope of another platform", "wechat_auth {\nofficial_account a 0123456789abcdef0123456789abcdef {\nscope snsapi_login\n}\n}", []string{"Caddyfile:4", "snsapi_base or snsapi_userinfo"}},
		{"consent", "wechat_auth {\nofficial_account a 0123456789abcdef0123456789abcdef {\nconsent always\n}\n}", []string{"Caddyfile:4", "ask or direct"}},
		{"snapshot", "wechat_auth {\nofficial_account a 0123456789abcdef0123456789abcdef {\nsnapshot\n}\n}", []string{"Caddyfile:4", "exactly one"}},
		{"scope twice", "wechat_auth {\nofficial_account a 0123456789abcdef0123456789abcdef {\nscope snsapi_base\nscope snsapi_base\n}\n}", []string{"Caddyfile:5", "twice"}},
		{"rule without matcher", "wechat_auth {\n" + anAccount + "public\n}", []string{"Caddyfile:4", "public", "matcher"}},
		{"rule with two", "wechat_auth {\n" + anAccount + "public /a /b\n}", []string{"Caddyfile:4", "one matcher"}},
		{"rule with a word", "wechat_auth {\n" + anAccount + "public foo\n}", []string{"Caddyfile:4", "matcher"}},
		{"matcher that is not defined", "wechat_auth {\n" + anAccount + "public @foo\n}", []string{"Caddyfile:4", "@foo"}},
		{"rule behind everything", "wechat_auth {\n" + anAccount + "login *\npublic /assets/*\n}", []string{"Caddyfile:5", "public is never reached", "login at Caddyfile:4", "everything"}},
		{"rule behind every path", "wechat_auth {\n" + anAccount + "optional /*\nuserinfo /me\n}", []string{"Caddyfile:5", "userinfo is never reached", "optional at Caddyfile:4"}},
		{"rule behind a matcher of everything", "@all path /a *\nwechat_auth {\n" + anAccount + "public @all\nlogin /me\n}", []string{"Caddyfile:6", "never reached", "public at Caddyfile:5"}},
		{"rule by an earlier one's matcher", "wechat_auth {\n" + anAccount + "public /a/*\nlogin /b/*\nlogin /a/*\n}", []string{"Caddyfile:6", "never reached", "public at Caddyfile:4", "same matcher"}},
		{"outside_wechat", "wechat_auth {\n" + anAccount + "outside_wechat deny\n}", []string{"Caddyfile:4", "page or pass"}},
		{"outside_wechat twice", "wechat_auth {\n" + anAccount + "outside_wechat page\noutside_wechat page\n}", []string{"Caddyfile:5", "twice"}},
		{"short key", "wechat_auth {\n" + anAccount + "session {\nkey tooshort\n}\n}", []string{"Caddyfile:5", "session key", "32", "openssl rand"}},
		{"example key", "wechat_auth {\n" + anAccount + "session {\nkey change-me-change-me-change-me-change-me\n}\n}", []string{"Caddyfile:5", "example"}},
		{"no key", "wechat_auth {\n" + anAccount + "session {\nkey\n}\n}", []string{"Caddyfile:5", "32 bytes"}},
		{"key twice", "wechat_auth {\n" + anAccount + "session {\nkey " + sessionKey + "\nkey " + sessionKey + "\n}\n}", []string{"Caddyfile:6", "twice"}},
		{"lifetime", "wechat_auth {\n" + anAccount + "session {\nlifetime soon\n}\n}", []string{"Caddyfile:5", "lifetime", "7d"}},
		{"negative lifetime", "wechat_auth {\n" + anAccount + "session {\nlifetime -1h\n}\n}", []string{"Caddyfile:5", "lifetime", "7d"}},
		{"endless lifetime", "wechat_auth {\n" + anAccount + "session {\nlifetime 4000d\n}\n}", []string{"Caddyfile:5", "lifetime", "400d"}},
		{"session's option", "wechat_auth {\n" + anAccount + "session {\nsliding 1h\n}\n}", []string{"Caddyfile:5", `"sliding"`, "lifetime, idle"}},
		{"cookie's name", "wechat_auth {\n" + anAccount + "session {\ncookie __Host-x\n}\n}", []string{"Caddyfile:5", "__Host-"}},
		{"cookie by the name of a login's", "wechat_auth {\n" + anAccount + "session {\ncookie wechat_login_3\n}\n}", []string{"Caddyfile:5", "wechat_login_3", "another"}},
		{"cookie by the name of the choice's", "wechat_auth {\n" + anAccount + "session {\ncookie wechat_account\n}\n}", []string{"Caddyfile:5", "wechat_account", "another"}},
		{"domain of everybody", "wechat_auth {\n" + anAccount + "session {\ndomain com.cn\n}\n}", []string{"Caddyfile:5", "example.com"}},
		{"domain with a dot", "wechat_auth {\n" + anAccount + "session {\ndomain .example.com\n}\n}", []string{"Caddyfile:5", "example.com"}},
		{"user_id", "wechat_auth {\n" + anAccount + "user_id nickname\n}", []string{"Caddyfile:4", "openid or unionid or qualified"}},
		{"headers of nothing", "wechat_auth {\n" + anAccount + "headers\n}", []string{"Caddyfile:4", "presets"}},
		{"headers preset", "wechat_auth {\n" + anAccount + "headers nginx\n}", []string{"Caddyfile:4", "nginx", "remote_user"}},
		{"headers twice", "wechat_auth {\n" + anAccount + "headers default\nheaders wxcloud\n}", []string{"Caddyfile:5", "twice"}},
		{"header that HTTP uses", "wechat_auth {\n" + anAccount + "headers none {\nopenid Host\nunionid X-Union\n}\n}", []string{"Caddyfile:5", "Host", "X-"}},
		{"header of a preset", "wechat_auth {\n" + anAccount + "headers wxcloud {\nid X-Me\nopenid X_WX_OPENID\n}\n}", []string{"Caddyfile:6", "PHP", "rename"}},
		{"headers beside a preset by variable", "wechat_auth {\n" + anAccount + "headers {env.PRESET} {\nid X-Me\nopenid X_Me\n}\n}", []string{"Caddyfile:6", "PHP", "rename"}},
		{"header without a name", "wechat_auth {\n" + anAccount + "headers none {\nopenid {$NO_SUCH_VARIABLE}\nid X-Me\n}\n}", []string{"Caddyfile:5", "openid X-My-Header", "{env.…}"}},
		{"header with two names", "wechat_auth {\n" + anAccount + "headers none {\nopenid X-A X-B\n}\n}", []string{"Caddyfile:5", "one header"}},
		{"headers that fold together", "wechat_auth {\n" + anAccount + "headers none {\nopenid X-Me\nid X_ME\nunionid X-Union\n}\n}", []string{"Caddyfile:6", "PHP", "rename"}},
		{"header of an unknown field", "wechat_auth {\n" + anAccount + "headers none {\nphone X-Phone\n}\n}", []string{"Caddyfile:5", "phone", "openid"}},
		{"session's option outside of it", "wechat_auth {\n" + anAccount + "key hunter2\n}", []string{"Caddyfile:4", "session { key … }"}},
		{"an account's option outside of it", "wechat_auth {\n" + anAccount + "scope snsapi_base\n}", []string{"Caddyfile:4", `"scope"`, "block behind"}},
		{"path without a slash", "wechat_auth {\n" + anAccount + "public assets/*\n}", []string{"Caddyfile:4", "begins with a slash"}},
		{"platform without a scheme", "wechat_auth {\n" + anAccount + "platform 127.0.0.1:9090\n}", []string{"Caddyfile:4", "http://127.0.0.1:9090"}},
		{"session's argument", "wechat_auth {\n" + anAccount + "session x\n}", []string{"Caddyfile:4", "block"}},
		{"session twice", "wechat_auth {\n" + anAccount + "session {\n}\nsession {\n}\n}", []string{"Caddyfile:6", "twice"}},
		{"store", "wechat_auth {\n" + anAccount + "store mysql\n}", []string{"Caddyfile:4", `"mysql"`, "store caddy"}},
		{"store by a name that lists the others", "wechat_auth {\n" + anAccount + "store postgres\n}", []string{"Caddyfile:4", "caddy, memory, redis"}},
		{"memory's argument", "wechat_auth {\n" + anAccount + "store memory 64MiB\n}", []string{"Caddyfile:4", "no options"}},
		{"redis without URL", "wechat_auth {\n" + anAccount + "store redis\n}", []string{"Caddyfile:4", "store redis redis://"}},
		{"redis by a name", "wechat_auth {\n" + anAccount + "store redis localhost:6379\n}", []string{"Caddyfile:4", "store redis", "redis://host:6379"}},
		{"redis with a password that is not escaped", "wechat_auth {\n" + anAccount + "store redis redis://:hunter2/x@h\n}", []string{"Caddyfile:4", "%2F"}},
		{"store's argument", "wechat_auth {\n" + anAccount + "store caddy x\n}", []string{"Caddyfile:4", "no options"}},
		{"store without", "wechat_auth {\n" + anAccount + "store\n}", []string{"Caddyfile:4", "store caddy"}},
		{"store twice", "wechat_auth {\n" + anAccount + "store caddy\nstore caddy\n}", []string{"Caddyfile:5", "twice"}},
		{"public_url without scheme", "wechat_auth {\n" + anAccount + "public_url h5.example.com\n}", []string{"Caddyfile:4", "https://host"}},
		{"public_url with path", "wechat_auth {\n" + anAccount + "public_url https://h5.example.com/x\n}", []string{"Caddyfile:4", "https://host"}},
		{"prefix", "wechat_auth {\n" + anAccount + "prefix auth\n}", []string{"Caddyfile:4", "/_wechat"}},
		{"prefix /", "wechat_auth {\n" + anAccount + "prefix /\n}", []string{"Caddyfile:4", "/_wechat"}},
		{"timeout", "wechat_auth {\n" + anAccount + "timeout 5\n}", []string{"Caddyfile:4", "timeout", "5s"}},
		{"timeout without", "wechat_auth {\n" + anAccount + "timeout\n}", []string{"Caddyfile:4", "exactly one"}},
		{"platform over plain http", "wechat_auth {\n" + anAccount + "platform http://sim.example.com\n}", []string{"Caddyfile:4", "plain http", "https://"}},
		{"platform with a password", "wechat_auth {\n" + anAccount + "platform https://u:hunter2@sim.example.com\n}", []string{"Caddyfile:4", "https://host"}},
		{"platform without", "wechat_auth {\n" + anAccount + "platform\n}", []string{"Caddyfile:4", "fall back"}},
		{"platform twice", "wechat_auth {\n" + anAccount + "platform http://127.0.0.1:1\nplatform http://127.0.0.1:2\n}", []string{"Caddyfile:5", "twice"}},
		{"fallback over plain http", "wechat_auth {\n" + anAccount + "platform http://127.0.0.1:1 http://sim.example.com\n}", []string{"Caddyfile:4", "plain http"}},
		{"pages twice", "wechat_auth {\n" + anAccount + "pages a\npages b\n}", []string{"Caddyfile:5", "twice"}},
		{"unset id and secret", "wechat_auth {\nofficial_account {$NO_SUCH_VARIABLE} {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:3", "<app_id> <app_secret>", "environment variable in {$…}", "{env.…}"}},
		{"unset secret", "wechat_auth {\nwebsite wx0123456789abcdef {$NO_SUCH_VARIABLE} {\n}\n}", []string{"Caddyfile:3", "<app_id> <app_secret>", "environment variable in {$…}"}},
		{"unset secret of WeCom's", "wechat_auth {\nwecom ww0123456789abcdef {$NO_SUCH_VARIABLE} {\nagent_id 1\n}\n}", []string{"Caddyfile:3", "<corp_id> <secret>", "environment variable in {$…}"}},
		{"empty secret in quotes", "wechat_auth {\nofficial_account wx0123456789abcdef \"{$EMPTY_ON_PURPOSE}\"\n}", []string{"Caddyfile:3", "app_secret", "empty", "environment variable in {$…}"}},
		{"unset agent", "wechat_auth {\nwecom ww0123456789abcdef 0123456789abcdef0123456789abcdef0123456789a {\nagent_id {$NO_SUCH_VARIABLE}\n}\n}", []string{"Caddyfile:4", "agent_id", "environment variable in {$…}"}},
		{"unset key", "wechat_auth {\n" + anAccount + "session {\nkey {$NO_SUCH_VARIABLE}\nlifetime 1d\n}\n}", []string{"Caddyfile:5", "key", "environment variable in {$…}"}},
		{"unset domain", "wechat_auth {\n" + anAccount + "session {\ndomain {$NO_SUCH_VARIABLE}\n}\n}", []string{"Caddyfile:5", "domain", "environment variable in {$…}"}},
		{"unset store", "wechat_auth {\n" + anAccount + "store {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "store", "environment variable in {$…}"}},
		{"unset Redis", "wechat_auth {\n" + anAccount + "store redis {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "store redis", "environment variable in {$…}"}},
		{"unset public_url", "wechat_auth {\n" + anAccount + "public_url {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "public_url", "environment variable in {$…}"}},
		{"unset platform", "wechat_auth {\n" + anAccount + "platform {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "platform", "environment variable in {$…}"}},
		{"unset preset", "wechat_auth {\n" + anAccount + "headers {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "headers", "environment variable in {$…}"}},
		{"unset matcher", "wechat_auth {\n" + anAccount + "public {$NO_SUCH_VARIABLE}\n}", []string{"Caddyfile:4", "public", "environment variable in {$…}"}},
		{"unset pages in quotes", "wechat_auth {\n" + anAccount + "pages \"{$NO_SUCH_VARIABLE}\"\n}", []string{"Caddyfile:4", "pages", "empty", "environment variable in {$…}"}},
		{"unset file", "wechat_verify {$NO_SUCH_VARIABLE}", []string{"Caddyfile:2", "MP_verify_", "environment variable in {$…}"}},
		{"verify nothing", "wechat_verify", []string{"Caddyfile:2", "MP_verify_"}},
		{"verify a name whose content is unknown", "wechat_verify XSXXE203iJ.txt", []string{"Caddyfile:2", "<name> <content> on a line"}},
		{"verify twice", "wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt MP_verify_iwu2jY0FNdXA7RGa.txt", []string{"Caddyfile:2", "twice"}},
		{"verify auto twice", "wechat_verify auto auto", []string{"Caddyfile:2", "auto", "twice"}},
		{"verify two contents", "wechat_verify {\na.txt b c\n}", []string{"Caddyfile:3", "quotes"}},
		{"verify upwards", "wechat_verify {\n../a.txt b\n}", []string{"Caddyfile:3", "no name of a file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := adaptSite(c.directive)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			for _, secret := range []string{"tooshort", "hunter2", "change-me-change"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a secret in: %v", err)
				}
			}
			t.Log(err)
		})
	}
}

func TestCaddyfile_BecomesJSON(t *testing.T) {
	for _, c := range []struct{ name, directive, want string }{
		{
			"six lines", "wechat_auth {\nofficial_account {env.APP_ID} {env.APP_SECRET}\n}",
			`{"accounts":[{"app_id":"{env.APP_ID}","app_secret":"{env.APP_SECRET}","kind":"official_account"}]}`,
		},
		{
			"every option", `
			@assets path *.css *.js
			wechat_auth /app/* {
				official_account {env.APP_ID} {env.APP_SECRET} {
					scope snsapi_userinfo
					consent direct
					snapshot allow
				}
				public @assets
				optional /app/news/*
				userinfo /app/me
				login *
				outside_wechat pass
				keep_fragment
				session {
					key {env.KEY_1} {env.KEY_2}
					lifetime 30d
					idle 12h
					refresh 1d
					cookie shop
					domain example.com
				}
				store caddy
				user_id unionid
				headers default remote_user {
					openid X-My-Openid
				}
				public_url https://h5.example.com
				prefix /auth
				timeout 3s
				pages /srv/pages
				platform http://127.0.0.1:9090 http://127.0.0.1:9091
			}`,
			`{"accounts":[{"app_id":"{env.APP_ID}","app_secret":"{env.APP_SECRET}","consent":"direct","kind":"official_account","scope":"snsapi_userinfo","snapshot":"allow"}],` +
				`"headers":{"fields":[{"field":"openid","header":"X-My-Openid"}],"presets":["default","remote_user"]},"keep_fragment":true,` +
				`"match":[{"path":["/app/*"]}],"outside_wechat":"pass","pages":"/srv/pages","platform":"http://127.0.0.1:9090","platform_fallback":"http://127.0.0.1:9091","prefix":"/auth","public_url":"https://h5.example.com",` +
				`"rules":[{"ask":"public","match":[{"path":["*.css","*.js"]}],"source":"Caddyfile:10"},{"ask":"optional","match":[{"path":["/app/news/*"]}],"source":"Caddyfile:11"},` +
				`{"ask":"userinfo","match":[{"path":["/app/me"]}],"source":"Caddyfile:12"},{"ask":"login","source":"Caddyfile:13"}],` +
				`"session":{"cookie":"shop","domain":"example.com","idle":"12h","key":["{env.KEY_1}","{env.KEY_2}"],"lifetime":"30d","refresh":"1d"},"store":{"module":"caddy"},"timeout":"3s","user_id":"unionid"}`,
		},
		{
			"memory", "wechat_auth {\n" + anAccount + "store memory\n}",
			`{"accounts":[{"app_id":"wx0123456789abcdef","app_secret":"0123456789abcdef0123456789abcdef","kind":"official_account"}],"store":{"module":"memory"}}`,
		},
		{
			"placeholders everywhere", `wechat_auth {
				official_account {env.A} {file./run/secrets/a} {
					scope {env.SCOPE}
				}
				outside_wechat {env.OUTSIDE}
				session {
					lifetime {env.LIFETIME}
				}
				store redis redis://:{env.REDIS_PASSWORD}@redis:6379
				headers {env.PRESET}
				user_id {env.USER_ID}
				public_url {env.PUBLIC_URL}
				prefix {env.PREFIX}
				timeout {env.TIMEOUT}
				pages {env.PAGES}
				platform {env.PLATFORM} {env.FALLBACK}
			}`,
			`{"accounts":[{"app_id":"{env.A}","app_secret":"{file./run/secrets/a}","kind":"official_account","scope":"{env.SCOPE}"}],` +
				`"headers":{"presets":["{env.PRESET}"]},"outside_wechat":"{env.OUTSIDE}","pages":"{env.PAGES}","platform":"{env.PLATFORM}","platform_fallback":"{env.FALLBACK}","prefix":"{env.PREFIX}","public_url":"{env.PUBLIC_URL}",` +
				`"session":{"lifetime":"{env.LIFETIME}"},"store":{"module":"redis","url":"redis://:{env.REDIS_PASSWORD}@redis:6379"},"timeout":"{env.TIMEOUT}","user_id":"{env.USER_ID}"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(adaptHandler(t, "wechat_auth", c.directive)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
