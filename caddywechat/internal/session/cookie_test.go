package session

import (
	"net/http"
	"testing"
	"time"
)

func TestCookieAttributes(t *testing.T) {
	const hostPrefixed, secured = "__Host-wechat_session=v; Path=/; ", "; HttpOnly; Secure; SameSite=Lax"
	for name, tt := range map[string]struct {
		secure bool
		life   time.Duration
		want   string
	}{
		"https":            {true, time.Hour, hostPrefixed + "Max-Age=3600" + secured},
		"http":             {false, time.Hour, "wechat_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		"parts of seconds": {true, 1900 * time.Millisecond, hostPrefixed + "Max-Age=2" + secured},
		"less than one":    {true, time.Millisecond, hostPrefixed + "Max-Age=1" + secured},
		"no time":          {true, 0, hostPrefixed + "Max-Age=0" + secured},
		"time over":        {true, -time.Hour, hostPrefixed + "Max-Age=0" + secured},
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

func TestCookieNamesOfTheModule(t *testing.T) {
	own := Cookies{Name: "shop"}
	for name, want := range map[string]struct{ http, https bool }{
		"wechat_session": {true, true}, "__Host-wechat_session": {true, true}, "__Secure-wechat_session": {true, true},
		"shop":        {true, false}, // on https the app may have a cookie of the bare name
		"__Host-shop": {true, true}, "__Secure-shop": {true, true},
		"": {}, "session": {}, "wechat_session2": {}, "WECHAT_SESSION": {}, "wechat_login_0": {}, "__Host-": {},
		"__Host-__Secure-wechat_session": {},
	} {
		if own.IsName(name, false) != want.http || own.IsName(name, true) != want.https {
			t.Errorf("%q: http %v, https %v", name, own.IsName(name, false), own.IsName(name, true))
		}
	}
}
