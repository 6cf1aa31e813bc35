package caddywechat

import (
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

func TestOwnCookies_AreNotForwarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public /p")
	b := w.browser(inWeChat)
	for sent, want := range map[string]string{
		"a=1; wechat_session=x; b=2":                            "a=1; b=2",
		"wechat_session=x":                                      "",
		"__Host-wechat_session=x; __Secure-wechat_session=y":    "",
		"wechat_login_0=x; __Host-wechat_login_7=y; c=\"q; r\"": `c="q; r"`,
		"wechat_login_8=x; wechat_login_=x; wechat_logins=x":    "wechat_login_8=x; wechat_login_=x; wechat_logins=x",
		"a=wechat_session=x;b = 2 ":                             "a=wechat_session=x;b = 2",
		";;;=;a":                                                ";;;=;a",
		"mywechat_session=1":                                    "mywechat_session=1",
		"wechat_hop=1; a=1":                                     "a=1",
		"wechat_account=website; a=1":                           "a=1",
	} {
		w.received()
		b.open("/p", "Cookie: "+sent)
		if got := w.received().Header.Get("Cookie"); got != want {
			t.Errorf("%s: the app got %q, want %q", sent, got, want)
		}
	}
}

// A cookie's name that is not on the list would go upstream, and a site could give it to its session.
func TestOwnCookies_AreReserved(t *testing.T) {
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
