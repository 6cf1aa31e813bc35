package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestLoginAccount_ByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "badge\nmini_program wx0000000000000001 0123456789abcdef0123456789abcdef\nuser_id qualified")
	b := w.browser(inWeChat)
	b.follow("/")
	for _, name := range []string{"official_account", simulator.DemoAppID} {
		if a := b.open("/_wechat/login?account=" + name); !strings.HasPrefix(a.location(), w.simURL) {
			t.Errorf("%s: status %d to %s", name, a.StatusCode, a.location())
		}
	}
	for _, name := range []string{"badge", "company"} {
		if a := b.open("/_wechat/login?account=" + name); !strings.HasPrefix(a.location(), "https://login.example/") {
			t.Errorf("%s: status %d to %s", name, a.StatusCode, a.location())
		}
	}
	for _, name := range []string{
		"nobody", "mini_program", "wx0000000000000001",
		strings.ToUpper(simulator.DemoAppID),
	} {
		b.open("/_wechat/login?account="+name).wantStatus(t, http.StatusBadRequest)
	}
	// People switch accounts this way: the session is a new one.
	w.hold("emma")
	b.follow("/_wechat/login?return_to=/page&account=official_account")
	got, want := b.userAt("/page"), simulator.DemoAppID+":"+simulator.OpenID(simulator.DemoAppID, "emma")
	if got != want {
		t.Errorf("user %s, want %s", got, want)
	}
}

// An attempt belongs to an account: to its app id, and in WeCom to its agent.
func TestLoginAccount_ExchangesItsOwnCodesOnly(t *testing.T) {
	t.Parallel()
	const (
		official = "official_account wx%016x 0123456789abcdef0123456789abcdef"
		wecom    = "wecom ww0123456789abcdef 0123456789012345678901234567890123456789012 {\nagent_id %d\n" +
			"allow_external\n}"
	)
	for name, tt := range map[string]struct {
		agent, before, after string
	}{
		"another app id": {inWeChat, fmt.Sprintf(official, 1), fmt.Sprintf(official, 2)},
		"another agent":  {onDesktop, fmt.Sprintf(wecom, 1000002), fmt.Sprintf(wecom, 1000009)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			site := func(account string) *Handler {
				return w.newHandler(account)
			}
			w.handler = site(tt.before)
			b := w.browser(tt.agent)
			start := func() string {
				u, err := url.Parse(b.open("/page").location())
				if err != nil || u.Query().Get("state") == "" {
					t.Fatalf("no login: %v %v", u, err)
				}
				return "/_wechat/callback?code=x&to=/page&state=" + u.Query().Get("state")
			}
			callback := start()
			w.swap(site(tt.after))
			a := b.open(callback).wantStatus(t, http.StatusFound)
			calls := w.exchanges() + w.sim.Calls("/cgi-bin/auth/getuserinfo") + w.sim.Calls("/cgi-bin/gettoken")
			if calls != 0 {
				t.Errorf("%d calls with a code that is another's", calls)
			}
			state := queryOf(a.location(), "state")
			if state == "" || state == queryOf(callback, "state") {
				t.Errorf("redirected to %s", a.location())
			}
			// It returns to the account that started it.
			w.swap(site(tt.before))
			b.open(start())
			if calls := w.exchanges() + w.sim.Calls("/cgi-bin/gettoken"); calls == 0 {
				t.Error("the account's own code was not exchanged")
			}
		})
	}
}

// Inside WeChat an official account has priority, unless another account is named.
func TestLoginAccount_OfLowerPriorityByName(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	w.swap(w.accounts(officialAccount, weComAccount))
	to := w.browser(inWeChat).open("/_wechat/login?account=wecom").location()
	if !strings.Contains(to, toAuthorize+"appid=ww") {
		t.Errorf("redirected to %s", to)
	}
}
