package login_test

import (
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

func TestStart_CountsLoginsThatDoNotComeBack(t *testing.T) {
	const message = "logins begin and none comes back"
	start := func(w *world, times int, change func(*sitetest.Browser)) {
		for range times {
			b := w.Browser()
			if change != nil {
				change(b)
			}
			b.Open(w.protected, "/page")
			w.Clock.Pass(4 * time.Second)
		}
	}
	t.Run("and tells once", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		start(w, 19, nil)
		w.WantLines(message, 0)
		start(w, 30, nil)
		line := w.WantLines(message, 1)[0]
		for name, want := range map[string]any{
			"host": sitetest.Host, "account": "official", "app_id": "wxa", "logins": int64(20),
			"within": 76 * time.Second,
		} {
			if line[name] != want {
				t.Errorf("%s is %v, want %v", name, line[name], want)
			}
		}
	})
	t.Run("not within a minute", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		for range 30 {
			w.Browser().Open(w.protected, "/page")
		}
		w.WantLines(message, 0)
	})
	t.Run("but not programs", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		start(w, 30, func(b *sitetest.Browser) { b.Agent += " Bytespider" })
		for range 30 {
			w.Browser().Open(w.ServeLogin, "/_wechat/login", sitetest.Fetch)
			w.Clock.Pass(4 * time.Second)
		}
		for range 30 { // by name, in a browser that the account does not serve
			b := w.Browser()
			b.Agent = sitetest.OnDesktop
			b.Open(w.ServeLogin, "/_wechat/login?account=official")
			w.Clock.Pass(4 * time.Second)
		}
		w.WantLines(message, 0)
	})
	t.Run("until one does", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		for range 3 {
			start(w, 18, nil)
			b := w.Browser()
			b.Open(w.Callback, w.begin(b, "/page", ""))
		}
		start(w, 18, nil)
		w.Browser().Open(w.Callback, "/_wechat/callback?code=x") // which starts a login
		start(w, 18, nil)
		w.WantLines(message, 0)
		w.Browser().Open(w.Callback, "/_wechat/callback") // which nobody came back to
		start(w, 5, nil)
		w.WantLines(message, 1)
	})
	t.Run("of the same account", func(t *testing.T) {
		one, two := everywhere("one"), everywhere("two")
		w := newWorld(t, sitetest.Options{Accounts: []account.Account{one, hinting{two}}, UserID: account.Qualified})
		for range 25 {
			for _, name := range []string{"one", "two"} {
				b := w.Browser()
				a := b.Open(w.ServeLogin, "/_wechat/login?account="+name)
				if name == "one" {
					b.Open(w.Callback, w.back(a, "emma"))
				}
			}
			w.Clock.Pass(4 * time.Second)
		}
		if line := w.WantLines(message, 1)[0]; line["account"] != "two" || line["cure"] != "enter it at two's" {
			t.Errorf("got %v", line)
		}
	})
	t.Run("over the night where some come back", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		w.logIn(w.Browser(), "emma")
		for range 40 {
			w.Browser().Open(w.protected, "/page")
			w.Clock.Pass(10 * time.Minute)
		}
		w.WantLines(message, 0)
		start(w, 25, nil)
		w.WantLines(message, 1)
	})
	t.Run("in a day where none ever does", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		for range 20 {
			w.Browser().Open(w.protected, "/page")
			w.Clock.Pass(time.Hour)
		}
		w.WantLines(message, 1)
	})
	t.Run("of any account, for one without an attempt", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{
			Accounts: []account.Account{new(sitetest.Account), inWeCom("wecom")}, UserID: account.Qualified,
		})
		toWeCom := func(times int) {
			start(w, times, func(b *sitetest.Browser) { b.Agent = sitetest.InWeCom })
		}
		toWeCom(19)
		w.Browser().Open(w.Callback, "/_wechat/callback?code=x&state=unknown")
		toWeCom(2)
		w.WantLines(message, 0)
	})
	t.Run("for all of a process", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		start(w, 19, nil)
		w.Flow = login.NewFlow(w.config) // a reload
		start(w, 2, nil)
		w.WantLines(message, 1)
	})
}

// hinting is an account that says where a domain is to be entered.
type hinting struct{ *sitetest.Account }

func (h hinting) DomainHint() string { return "enter it at " + h.Kind() + "'s" }
