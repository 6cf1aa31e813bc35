package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestStart_OfProfilesThatNeverComeSaysSo(t *testing.T) {
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{neverProfile()}})
	b := w.Browser()
	a := b.Open(w.ServeLogin, "/_wechat/login?profile=1").Want(t, http.StatusForbidden)
	if len(a.Set) != 0 {
		t.Errorf("a login starts: %v", a.Set)
	}
	w.back(b.Open(w.ServeLogin, "/_wechat/login"), "x")
}

func TestStart_AsksFirstWhereTheAccountWantsIt(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Account.Asks = func(bool) account.Consent { return account.AskFirst }
	a := w.Browser().Open(w.protected, "/page").Want(t, http.StatusOK)
	if !strings.Contains(a.Body, `href="`+sitetest.Platform+"/official?redirect_uri=") ||
		a.SetCookie("wechat_login_") == nil {
		t.Errorf("set %v: %s", a.Set, a.Body)
	}
}

func TestStart_OutsideTheSessionsDomainIsOfNoUse(t *testing.T) {
	w := newWorld(t, sitetest.Options{Domain: "example.com"})
	b := w.Browser()
	b.Host = "h5.example.net"
	for range 2 {
		a := b.Open(w.protected, "/page").Want(t, http.StatusBadRequest)
		if len(a.Set) != 0 {
			t.Errorf("a login starts: %v", a.Set)
		}
	}
	w.WantLines("the session's domain does not cover", 1)
	b.Host = sitetest.Host
	w.back(b.Open(w.protected, "/page"), "x")
}

func TestStart_WithoutKeysCannotBegin(t *testing.T) {
	w := newWorld(t, sitetest.Options{MadeKey: true})
	w.Store.Fail()
	b := w.Browser()
	b.Open(w.protected, "/page").Want(t, http.StatusServiceUnavailable)
}

func TestStart_OfAnAccountThatNoAttemptHoldsFails(t *testing.T) {
	a := everywhere("one")
	a.ID = strings.Repeat("x", 100_000)
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{a}})
	b := w.Browser()
	for _, target := range []string{"/page", "/page?" + strings.Repeat("x", 300)} {
		b.Open(w.protected, target).Want(t, http.StatusInternalServerError)
	}
}

// query returns a target with a query of so many bytes in all.
func query(size int) string { return "/page?" + strings.Repeat("x", size-len("/page?")) }

func TestStart_LongAddressesComeBackWhole(t *testing.T) {
	for _, size := range []int{10, 255, 256, 257, 511, 512, 513, 1000, 1999, 2000} {
		w := newWorld(t, sitetest.Options{})
		b := w.Browser()
		a := b.Open(w.protected, query(size))
		head := len("Location") + len(a.To()) + 4
		for _, c := range a.Set {
			head += len("Set-Cookie") + len(c.String()) + 4
		}
		if head > 3600 {
			t.Errorf("%d bytes: the head has %d", size, head)
		}
		u, err := url.Parse(a.To())
		if err != nil {
			t.Fatal(err)
		}
		if isThere := strings.Contains(u.Query().Get("redirect_uri"), "?to="); isThere != (size <= 512) {
			t.Errorf("%d bytes: the target stands in the callback's address: %t", size, isThere)
		}
		b.Open(w.Callback, w.back(a, "emma")).WantTo(t, query(size))
	}
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	b.Open(w.Callback, w.begin(b, query(2001), "emma")).WantTo(t, "/page")
	w.WantLines("too long to be kept", 1)
}

// crowded is a browser with logins in several tabs, whose attempts leave no room.
func crowded(w *world) *sitetest.Browser {
	b := w.Browser()
	for range 5 {
		b.Open(w.protected, query(480))
		w.Clock.Pass(time.Second)
	}
	return b
}

func TestStart_LongAddressesWaitInTheStore(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := crowded(w)
	attempts := b.Count("wechat_login_")
	puts := 0
	w.Store.Before(func(method, key string) error {
		if method == "Put" && strings.HasPrefix(key, "target/") {
			puts++
		}
		return nil
	})
	callback := w.begin(b, query(1500), "emma")
	if puts != 1 || b.Count("wechat_login_") != attempts+1 {
		t.Errorf("%d targets wait, and of %d attempts %d are left", puts, attempts, b.Count("wechat_login_"))
	}
	other := w.another(t) // any instance finishes it
	w.Store.Before(nil)
	b.At(other.Parts).Open(other.Callback, callback).WantTo(t, query(1500))
	w.Clock.Pass(time.Minute)
	b.At(other.Parts).Open(other.Callback, callback).WantTo(t, query(1500)) // spent, it waits still
}

func TestStart_ShortAddressesNeverWait(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Store.Before(func(method, key string) error {
		if method == "Put" {
			t.Errorf("%s is written", key)
		}
		return nil
	})
	b := w.Browser()
	for i := range 40 {
		b.Open(w.protected, query(100+i*4))
		w.Clock.Pass(time.Second)
	}
}

func TestStart_WhereTheStoreFailsAddressesComeAlong(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := crowded(w)
	w.Store.Fail("Put")
	b.Open(w.Callback, w.begin(b, query(1500), "emma")).WantTo(t, query(1500))
	w.WantLines("too long to be kept", 0)
	calls := 0
	w.Store.Before(func(method, _ string) error {
		calls++
		return nil
	})
	w.begin(crowded(w), query(1500), "emma")
	if calls != 0 || !w.Status.IsFailing() {
		t.Errorf("a store that fails is asked %d times", calls)
	}
}

func TestStart_AddressesThatCannotBeHadLeadToTheirPath(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*world)
		why     string
	}{
		"gone":  {func(w *world) { w.deleteTargets() }, "not there any more"},
		"fails": {func(w *world) { w.Store.Fail("Get") }, "the store failed"},
		"has failed before": {func(w *world) {
			w.Store.Fail("Get")
			w.Works(w.T.Context())
			w.Store.Before(nil)
		}, "the store fails"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{})
			b := crowded(w)
			callback := w.begin(b, query(1500), "emma")
			tt.prepare(w)
			b.Open(w.Callback, callback).WantTo(t, "/page")
			lines := w.WantLines("cannot be had from the store", 1)
			if why, _ := lines[0]["error"].(string); lines[0]["request_id"] != "request-1" ||
				!strings.Contains(why, tt.why) {
				t.Errorf("got %v", lines)
			}
		})
	}
}

// deleteTargets lets what waits in the store be gone.
func (w *world) deleteTargets() {
	w.Store.Before(func(method, key string) error {
		if method == "Get" && strings.HasPrefix(key, "target/") {
			return store.ErrNotFound
		}
		return nil
	})
}

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
