package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

// refused has logins of a browser end with refused codes that many times, and returns the last answer.
func (w *world) refused(b *sitetest.Browser, times int) *sitetest.Answer {
	w.T.Helper()
	w.fails(account.ErrCodeRefused)
	a := w.circle(b, b.Open(w.protected, "/page"), times)
	w.Account.Exchanges = nil
	w.Events.Take()
	return a
}

func TestCallback_WithoutACodeButWithASessionGoesHome(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.logIn(b, "emma")
	a := b.Open(w.Callback, w.begin(b, "/other", "")).WantTo(t, "/other")
	w.wantEvent(event.Repeated, "already logged in")
	if len(a.Set) != 0 {
		t.Errorf("it takes an attempt for spent that is not: %v", a.Set)
	}
}

func TestCallback_OfAnAccountThatIsGoneIsNoMatterOfKeys(t *testing.T) {
	one := everywhere("one")
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{one}})
	foreign := newWorld(t, sitetest.Options{
		Other: w.Parts, Accounts: []account.Account{one}, Key: "another key with at least 32 bytes in it",
	})
	later := newWorld(t, sitetest.Options{Other: w.Parts, Accounts: []account.Account{everywhere("two")}})
	b := w.Browser()
	b.Cookies["__Host-wechat_login_7"] = "does not open"
	callback := w.begin(b, "/page", "emma")
	b.At(later.Parts).Open(later.Callback, callback).Want(t, http.StatusFound)
	later.wantEvent(event.Restarted, "is gone")
	b.At(foreign.Parts).Open(foreign.Callback, callback).Want(t, http.StatusFound)
	foreign.wantEvent(event.Restarted, "sealed with a key")
}

func TestCallback_OfAnAccountThatIsGoneAsksEvenWhoHasBeenInCircles(t *testing.T) {
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{everywhere("one")}})
	w.Account = w.Parts.Accounts.All()[0].(*sitetest.Account)
	b := w.Browser()
	callback := w.back(w.refused(b, 2), "emma")
	later := newWorld(t, sitetest.Options{
		Other: w.Parts, Accounts: []account.Account{everywhere("two"), everywhere("three")}, UserID: account.Qualified,
	})
	b.At(later.Parts).Open(later.Callback, callback).Want(t, http.StatusOK)
	later.wantEvent(event.Restarted, "is gone")
}

func TestCallback_ASpentAttemptOfAnotherInstanceIsNoChangedState(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := w.another(t)
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	b.Open(w.Callback, callback).WantTo(t, "/page")
	b.Forget("wechat_session")
	w.refused(b, 1)
	stopped := other.wantStopped(b.At(other.Parts).Open(other.Callback, callback), "does not keep the cookies")
	if !strings.Contains(stopped.Body, "Cookie") {
		t.Errorf("got %s", stopped.Body)
	}
}

func TestCallback_OfAFailedExchangeHasNoSessionThatIsOver(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.fails(account.ErrCodeRefused)
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	before := w.Browser()
	for name, value := range b.Cookies {
		before.Cookies[name] = value
	}
	b.Open(w.Callback, callback)
	w.Events.Take()
	long := strings.Replace(callback, "code=emma", "code="+strings.Repeat("x", 1025), 1)
	before.Open(w.Callback, long).Want(t, http.StatusFound)
	w.wantEvent(event.Restarted, "no attempt")
}
