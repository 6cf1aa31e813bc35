package caddywechat

import (
	"testing"
)

const anAccount = "official_account wx0123456789abcdef 0123456789abcdef0123456789abcdef\n"

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
				observe
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
			`{"accounts":[{"app_id":"{env.APP_ID}","app_secret":"{env.APP_SECRET}","consent":"direct",` +
				`"kind":"official_account","scope":"snsapi_userinfo","snapshot":"allow"}],` +
				`"headers":{"fields":[{"field":"openid","header":"X-My-Openid"}],"presets":["default",` +
				`"remote_user"]},"keep_fragment":true,` +
				`"match":[{"path":["/app/*"]}],"observe":true,"outside_wechat":"pass","pages":"/srv/pages",` +
				`"platform":"http://127.0.0.1:9090","platform_fallback":"http://127.0.0.1:9091","prefix":"/auth",` +
				`"public_url":"https://h5.example.com",` +
				`"rules":[{"ask":"public","match":[{"path":["*.css","*.js"]}],"source":"Caddyfile:10"},` +
				`{"ask":"optional","match":[{"path":["/app/news/*"]}],"source":"Caddyfile:11"},` +
				`{"ask":"userinfo","match":[{"path":["/app/me"]}],"source":"Caddyfile:12"},{"ask":"login",` +
				`"source":"Caddyfile:13"}],` +
				`"session":{"cookie":"shop","domain":"example.com","idle":"12h","key":["{env.KEY_1}","{env.KEY_2}"],` +
				`"lifetime":"30d","refresh":"1d"},"store":{"module":"caddy"},"timeout":"3s","user_id":"unionid"}`,
		},
		{
			"memory", "wechat_auth {\n" + anAccount + "store memory\n}",
			`{"accounts":[{"app_id":"wx0123456789abcdef","app_secret":"0123456789abcdef0123456789abcdef",` +
				`"kind":"official_account"}],"store":{"module":"memory"}}`,
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
			`{"accounts":[{"app_id":"{env.A}","app_secret":"{file./run/secrets/a}","kind":"official_account",` +
				`"scope":"{env.SCOPE}"}],` +
				`"headers":{"presets":["{env.PRESET}"]},"outside_wechat":"{env.OUTSIDE}","pages":"{env.PAGES}",` +
				`"platform":"{env.PLATFORM}","platform_fallback":"{env.FALLBACK}","prefix":"{env.PREFIX}",` +
				`"public_url":"{env.PUBLIC_URL}",` +
				`"session":{"lifetime":"{env.LIFETIME}"},"store":{"module":"redis",` +
				`"url":"redis://:{env.REDIS_PASSWORD}@redis:6379"},"timeout":"{env.TIMEOUT}",` +
				`"user_id":"{env.USER_ID}"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(adaptHandler(t, "wechat_auth", c.directive)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
