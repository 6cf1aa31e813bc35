package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestALoginThatIsNotNeededGoesStraightOn(t *testing.T) {
	w := newProfileWorld(t, "snapshot allow", "userinfo /profile")
	b := w.browser(inWeChat)
	b.login("/")
	for address, target := range map[string]string{
		"/_wechat/login?return_to=/page%3Fx%3D1%23/a": "/page?x=1#/a",
		"/_wechat/login": "/",
		"/_wechat/login?return_to=//evil.example": "/",
		"/_wechat/login?scan=1&return_to=/page":   "/page",
		"/_wechat/login?account=&return_to=/page": "/page",
	} {
		a := b.open(address)
		a.wantRedirect(t, target)
		if a.Header["Set-Cookie"] != nil {
			t.Errorf("%s: Set-Cookie %s", address, a.Header["Set-Cookie"])
		}
	}
	t.Run("what the session lacks is asked for", func(t *testing.T) {
		authorize := consentPage(t, b.open("/_wechat/login?profile=1&return_to=/page"))
		b.open(b.agree(authorize, "allow")).wantRedirect(t, "/page")
		b.open("/_wechat/login?profile=1&return_to=/page").wantRedirect(t, "/page")
	})
	t.Run("a snapshot's session is none", func(t *testing.T) {
		visitor := w.browser(inWeChat)
		visitor.open(visitor.agree(consentPage(t, visitor.open("/_wechat/login?profile=1")), "snapshot")).wantStatus(t, http.StatusFound)
		visitor.open("/").wantStatus(t, http.StatusOK)
		if a := visitor.open("/_wechat/login"); !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("status %d to %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
	t.Run("after a logout there is one to begin", func(t *testing.T) {
		b.logout("")
		if a := b.open("/_wechat/login"); !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("status %d to %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
}

func TestWhoNamesAnAccountLogsInByIt(t *testing.T) {
	w := newWorld(t, "badge\nmini_program wx0000000000000001 0123456789abcdef0123456789abcdef\nuser_id qualified")
	b := w.browser(inWeChat)
	b.follow("/")
	for _, name := range []string{"official_account", simulator.DemoAppID} {
		if a := b.open("/_wechat/login?account=" + name); !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("%s: status %d to %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, name := range []string{"badge", "company"} {
		if a := b.open("/_wechat/login?account=" + name); !strings.HasPrefix(a.Header.Get("Location"), "https://login.example/") {
			t.Errorf("%s: status %d to %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, name := range []string{"nobody", "mini_program", "wx0000000000000001", strings.ToUpper(simulator.DemoAppID)} {
		b.open("/_wechat/login?account="+name).wantStatus(t, http.StatusBadRequest)
	}
	// That is how people switch: the session is another one afterwards.
	if err := w.sim.Hold("emma"); err != nil {
		t.Fatal(err)
	}
	b.follow("/_wechat/login?return_to=/page&account=official_account")
	if got, want := b.user("/page"), simulator.DemoAppID+":"+simulator.OpenID(simulator.DemoAppID, "emma"); got != want {
		t.Errorf("user %s, want %s", got, want)
	}
}

// An attempt is one of an account: of its app id, and in WeCom of its agent.
func TestOnlyTheAccountThatBeganALoginExchangesItsCode(t *testing.T) {
	const official, wecom = "official_account wx%016x 0123456789abcdef0123456789abcdef", `wecom ww0123456789abcdef 0123456789012345678901234567890123456789012 {
	agent_id %d
	allow_external
}`
	for name, tt := range map[string]struct {
		agent, before, after string
	}{
		"another app id": {inWeChat, fmt.Sprintf(official, 1), fmt.Sprintf(official, 2)},
		"another agent":  {onDesktop, fmt.Sprintf(wecom, 1000002), fmt.Sprintf(wecom, 1000009)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			site := func(account string) *Handler {
				return w.provision("wechat_auth {\n" + account + "\nplatform " + w.simURL + "\n}")
			}
			w.handler = site(tt.before)
			b := w.browser(tt.agent)
			begin := func() string {
				u, err := url.Parse(b.open("/page").Header.Get("Location"))
				if err != nil || u.Query().Get("state") == "" {
					t.Fatalf("no login: %v %v", u, err)
				}
				return "/_wechat/callback?code=x&to=/page&state=" + u.Query().Get("state")
			}
			callback := begin()
			w.swap(site(tt.after))
			a := b.open(callback).wantStatus(t, http.StatusFound)
			if calls := w.exchanges() + w.sim.Calls("/cgi-bin/auth/getuserinfo") + w.sim.Calls("/cgi-bin/gettoken"); calls != 0 {
				t.Errorf("%d calls with a code that is another's", calls)
			}
			if u, err := url.Parse(a.Header.Get("Location")); err != nil || u.Query().Get("state") == "" || u.Query().Get("state") == callback {
				t.Errorf("led to %s", a.Header.Get("Location"))
			}
			// It comes back to the very account.
			w.swap(site(tt.before))
			b.open(begin())
			if calls := w.exchanges() + w.sim.Calls("/cgi-bin/gettoken"); calls == 0 {
				t.Error("the account's own code was not exchanged")
			}
		})
	}
}

// A login that was begun before an upgrade, whose attempt names the kind of account only.
func TestALoginOfTheVersionBeforeGoesOn(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	u, _ := url.Parse(callback)
	keys, err := w.handler.lease.keyring.Keyset(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.eachCookie(func(c *http.Cookie) {
		old := oldAttempt(login.NewAttempt(u.Query().Get("state"), "official_account", "", false, "/page", w.now()))
		if c.Value, err = keys.Sealer("login attempt").Seal(w.handler.site.Scope(visitor.Origin{Scheme: "http", Host: host}), old); err != nil {
			t.Fatal(err)
		}
	})
	b.open(callback).wantRedirect(t, "/page")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

// oldAttempt is an attempt as the version before wrote it.
type oldAttempt login.Attempt

func (a oldAttempt) MarshalBinary() ([]byte, error) {
	b := seal.AppendText([]byte{2}, a.State)
	b = seal.AppendText(b, a.Kind)
	b = seal.AppendFlag(b, a.Profile)
	b = seal.AppendText(b, a.Target)
	return seal.AppendNumber(b, uint64(a.Created.Unix())), nil
}
