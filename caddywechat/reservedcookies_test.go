package caddywechat

import (
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// A cookie's name that is not on the list would go upstream, and a site could give it to its session.
func TestEveryCookieOfTheModuleIsOnTheList(t *testing.T) {
	for _, name := range []string{"wechat_hop", "wechat_account", "wechat_login_0", "wechat_login_7", "wechat_rounds"} {
		if !session.IsOwnCookie(name) || config.CookieName(name) == nil {
			t.Errorf("%s is not on the list, or a session's cookie can be called so", name)
		}
	}
	for _, name := range []string{"wechat_session", "shop", "wechat_accounts"} {
		if err := config.CookieName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
