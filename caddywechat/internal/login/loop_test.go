package login_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

const (
	// retry is the button of the page that ends a loop.
	retry = `href="/_wechat/login?return_to=%2Fpage"`
	// altered is on the page where something between browser and site is the reason.
	altered = "在途中被改动"
)

// wantStopped fails the test unless an answer ends a loop for a reason, and returns it.
func (w *world) wantStopped(a *sitetest.Answer, reason string) *sitetest.Answer {
	w.T.Helper()
	a.Want(w.T, http.StatusTooManyRequests)
	all := w.Events.Take()
	last := all[len(all)-1]
	if last.Outcome != event.Loop || last.Subject != event.Login || !strings.Contains(last.Reason, reason) {
		w.T.Errorf("got %+v, want %s", last, reason)
	}
	for _, e := range all[:len(all)-1] {
		if e.Outcome == event.Loop {
			w.T.Error("a loop is told of twice")
		}
	}
	return a
}

// circle goes through callbacks that next returns until the loop is stopped, which has to take that many restarts.
func (w *world) circle(b *sitetest.Browser, a *sitetest.Answer, restarts int) *sitetest.Answer {
	w.T.Helper()
	for range restarts {
		a = b.Open(w.Callback, w.back(a, "x"))
	}
	return a
}

func TestLoop_OfRefusedCodesEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.fails(account.ErrCodeRefused)
	b := w.Browser()
	tab := w.Browser()
	a := b.Open(w.protected, "/page")
	tab.Cookies = b.Cookies
	other := tab.Open(w.protected, "/tab") // which goes on
	stopped := w.wantStopped(w.circle(b, a, 3), "WeChat keeps refusing the codes")
	if !strings.Contains(stopped.Body, retry) || strings.Contains(stopped.Body, "Cookie") {
		t.Errorf("got %s", stopped.Body)
	}
	if b.Count("rounds") != 0 || b.Count("wechat_login_") != 1 {
		t.Errorf("left are %v", b.Cookies)
	}
	w.Account.Exchanges = nil
	b.Open(w.Callback, w.back(other, "emma")).WantTo(t, "/tab")
	w.Events.Take()
	b.Forget("wechat_session")
	b.Open(w.Callback, w.back(b.Open(w.protected, "/page"), "emma")).WantTo(t, "/page") // the retry starts anew
}

func TestLoop_RestartsCountForAMinute(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.fails(account.ErrCodeRefused)
	b := w.Browser()
	a := w.circle(b, b.Open(w.protected, "/page"), 2)
	w.Clock.Pass(time.Minute)
	w.circle(b, a, 2).Want(t, http.StatusFound)
}

func TestLoop_EndsWithALogin(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.fails(account.ErrCodeRefused)
	b := w.Browser()
	a := w.circle(b, b.Open(w.protected, "/page"), 2)
	if b.Count("rounds") != 1 {
		t.Errorf("no restart is counted: %v", b.Cookies)
	}
	w.Account.Exchanges = nil
	if w.circle(b, a, 1).WantTo(t, "/page"); b.Count("rounds") != 0 {
		t.Errorf("the restarts of a login that came to its end still count: %v", b.Cookies)
	}
}

func TestLoop_OfABrowserWithoutCookiesEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	a := b.Open(w.protected, "/page")
	for range 3 {
		callback := w.back(a, "x")
		b.Forget("")
		a = b.Open(w.Callback, callback)
	}
	w.wantStopped(a, "the browser does not keep the cookies")
	if !strings.Contains(a.Body, "Cookie") {
		t.Errorf("the page says nothing of cookies: %s", a.Body)
	}
	w.wantExchanges(0)
}

func TestLoop_OfLostSessionsEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	for range 3 {
		b.Open(w.Callback, w.begin(b, "/page", "emma")).WantTo(t, "/page")
		b.Forget("wechat_session")
	}
	w.wantStopped(b.Open(w.protected, "/page"), "the browser does not keep the cookies")
}

func TestLoop_LoginsWhoseSessionIsOverAreNone(t *testing.T) {
	w := newWorld(t, sitetest.Options{Idle: 10 * time.Second})
	b := w.Browser()
	for range 5 {
		b.Open(w.Callback, w.begin(b, "/page", "emma")).WantTo(t, "/page")
		w.Clock.Pass(11 * time.Second)
	}
}

func TestLoop_OfProfilesThatDoNotComeEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Account.Exchanges = func(string, bool) (account.Grant, error) {
		return account.Grant{Identity: sitetest.Named("o-emma")}, nil
	}
	b := w.Browser()
	w.logIn(b, "emma")
	for range 3 {
		callback := w.back(b.Open(w.profiled, "/page"), "emma")
		b.Open(w.Callback, callback).WantTo(t, "/page")
	}
	w.back(b.Open(w.ServeLogin, "/_wechat/login?account=official"), "x") // which needs no profile
	w.wantStopped(b.Open(w.profiled, "/page"), "WeChat does not give the profile")
	// A person who has the profile may log in for it as often as they like.
	w.brings(sitetest.Named("o-emma", identity.Nickname, "Emma"))
	w.Clock.Pass(time.Minute)
	for range 5 {
		a := b.Open(w.ServeLogin, "/_wechat/login?account=official&profile=1&return_to=%2Fpage")
		b.Open(w.Callback, w.back(a, "emma")).WantTo(t, "/page")
	}
}

func TestLoop_SilentLoginsAreNoneWhereTheProfileIsAsked(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	for range 3 {
		a := b.Open(w.ServeLogin, "/_wechat/login?account=official&return_to=%2Fpage")
		b.Open(w.Callback, w.back(a, "emma")).WantTo(t, "/page")
	}
	b.Open(w.profiled, "/page").Want(t, http.StatusFound)
}

func TestLoop_OfStatesThatChangeOnTheWayEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	a := b.Open(w.protected, "/page")
	for range 3 {
		callback := w.back(a, "x")
		i := strings.Index(callback, "state=")
		a = b.Open(w.Callback, callback[:i]+"state=0"+callback[i+len("state="):])
	}
	w.wantStopped(a, "callbacks come without the state")
	if !strings.Contains(a.Body, retry) || !strings.Contains(a.Body, altered) {
		t.Errorf("got %s", a.Body)
	}
}

func TestLoop_OfRepeatedCallbacksEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	b.Open(w.Callback, callback).WantTo(t, "/page")
	for range 3 {
		b.Open(w.Callback, callback).WantTo(t, "/page")
	}
	b.Open(w.Callback, callback, sitetest.Fetch).WantTo(t, "/page") // which is no loop
	a := w.wantStopped(b.Open(w.Callback, callback), "the browser repeats callbacks")
	if !strings.Contains(a.Body, altered) {
		t.Errorf("got %s", a.Body)
	}
	w.Clock.Pass(time.Minute)
	b.Open(w.Callback, callback).WantTo(t, "/page")
	w.wantExchanges(1)
}

func TestLoop_OfRepeatedCallbacksEndsAtThePageAsWell(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	for range 4 {
		b.Open(w.Callback, callback).WantTo(t, "/page")
	}
	b.Forget("wechat_session")
	w.wantStopped(b.Open(w.protected, "/page"), "the browser repeats callbacks")
}

func TestLoop_OfRepeatedCallbacksEndsWhoeverAnsweredTheFirst(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := w.another(t)
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	b.Open(w.Callback, callback).WantTo(t, "/page")
	for range 3 {
		b.At(other.Parts).Open(other.Callback, callback).WantTo(t, "/page")
		other.wantEvent(event.Repeated, "")
	}
	other.wantStopped(b.At(other.Parts).Open(other.Callback, callback), "the browser repeats callbacks")
}

func TestLoop_OfRepeatedCallbacksIsOneOfNavigations(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	for range 10 {
		b.Open(w.Callback, callback, sitetest.Fetch).WantTo(t, "/page")
	}
	if b.Count("rounds") != 0 {
		t.Error("what is no navigation counts")
	}
}

func TestLoop_BetweenInstancesWithOtherKeysEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := newWorld(t, sitetest.Options{Other: w.Parts, Key: "another key with at least 32 bytes in it"})
	b := w.Browser()
	instances := []*world{w, other}
	a := b.Open(w.protected, "/page")
	for i := range 10 {
		to := instances[(i+1)%2]
		if a = b.At(to.Parts).Open(to.Callback, to.back(a, "x")); a.StatusCode != http.StatusFound {
			to.wantStopped(a, "instances of the site have different session keys")
			return
		}
	}
	t.Error("it goes on for ever")
}

func TestLoop_ForeignCookiesThatAreLeftAreNone(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := newWorld(t, sitetest.Options{Other: w.Parts, Key: "another key with at least 32 bytes in it"})
	b := w.Browser()
	for range 3 {
		other.begin(b.At(other.Parts), "/page", "x")
	}
	w.back(b.Open(w.Callback, "/_wechat/callback?to=%2Fpage&code=x&state=unknown"), "x")
	if restarts := b.Count("rounds"); restarts != 1 {
		t.Errorf("%d cookies", restarts)
	}
	for range 3 {
		other.begin(b.At(other.Parts), "/page", "x")
	}
	w.wantStopped(b.Open(w.Callback, "/_wechat/callback?to=%2Fpage&code=x&state=unknown"), "different session keys")
}

func TestLoop_AnothersStateStopsNobodyWhoKeepsCookies(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.fails(account.ErrCodeRefused)
	attacker := w.Browser()
	callback := w.back(w.circle(attacker, attacker.Open(w.protected, "/page"), 2), "x")
	w.Events.Take()
	b := w.Browser()
	b.Open(w.protected, "/page")
	b.Open(w.Callback, callback).Want(t, http.StatusFound)
	counted := w.Browser() // of whose cookies the count of restarts is left
	own := w.begin(counted, "/page", "emma")
	w.Account.Exchanges = nil
	for range 2 {
		counted.Open(w.Callback, own).WantTo(t, "/page")
	}
	counted.Forget("wechat_session")
	counted.Forget("wechat_login_")
	counted.Open(w.Callback, callback).Want(t, http.StatusFound)
	bare := w.Browser() // this one may be in the loop itself
	w.wantStopped(bare.Open(w.Callback, callback), "the browser does not keep the cookies")
}

func TestLoop_OfAccountsThatAreGoneEnds(t *testing.T) {
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{everywhere("one")}})
	later := newWorld(t, sitetest.Options{Other: w.Parts, Accounts: []account.Account{everywhere("two")}})
	b := w.Browser()
	a := b.Open(w.protected, "/page")
	instances := []*world{w, later}
	for i := range 3 {
		to := instances[(i+1)%2]
		a = b.At(to.Parts).Open(to.Callback, to.back(a, "x"))
	}
	later.wantStopped(a, "the account that a login was begun with is gone")
	if !strings.Contains(a.Body, altered) {
		t.Errorf("got %s", a.Body)
	}
}
