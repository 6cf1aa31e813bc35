package session

import (
	"net/http"
	"testing"
	"time"
)

func TestCookieAttributes(t *testing.T) {
	for name, tt := range map[string]struct {
		secure bool
		life   time.Duration
		want   string
	}{
		"https":            {true, time.Hour, "__Host-wechat_session=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		"http":             {false, time.Hour, "wechat_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		"parts of seconds": {true, 1900 * time.Millisecond, "__Host-wechat_session=v; Path=/; Max-Age=2; HttpOnly; Secure; SameSite=Lax"},
		"less than one":    {true, time.Millisecond, "__Host-wechat_session=v; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax"},
		"no time":          {true, 0, "__Host-wechat_session=v; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"time over":        {true, -time.Hour, "__Host-wechat_session=v; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"deleted on http":  {false, 0, "wechat_session=v; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Cookies{}.New("v", tt.life, tt.secure)
			if got := c.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if err := c.Valid(); err != nil {
				t.Error(err)
			}
			// Domain would make browsers refuse the prefix __Host-.
			if c.Domain != "" || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestCookieOfADomain(t *testing.T) {
	c := Cookies{Name: "shop", Domain: "example.com"}
	for secure, want := range map[bool]string{
		true:  "__Secure-shop=v; Path=/; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
		false: "shop=v; Path=/; Domain=example.com; Max-Age=60; HttpOnly; SameSite=Lax",
	} {
		if got := c.New("v", time.Minute, secure).String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCookieNamesOfEveryConfigurationAreTheModules(t *testing.T) {
	own := Cookies{Name: "shop"}
	for _, name := range []string{
		"wechat_session", "__Host-wechat_session", "__Secure-wechat_session", "shop", "__Host-shop", "__Secure-shop",
	} {
		if !own.IsName(name) {
			t.Errorf("%s would go upstream", name)
		}
	}
	for _, name := range []string{"", "session", "wechat_session2", "my_wechat_session", "WECHAT_SESSION", "wechat_login_0", "__Host-", "shops"} {
		if own.IsName(name) {
			t.Errorf("%q would be kept from the app", name)
		}
	}
}
