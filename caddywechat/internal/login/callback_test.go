package login_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestCallback_LogsIn(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page?x=1", "emma")
	if !strings.Contains(callback, "to=%2Fpage%3Fx%3D1&") {
		t.Errorf("%s does not say where to", callback)
	}
	a := b.Open(w.Callback, callback).WantTo(t, "/page?x=1")
	s := b.Session()
	if s == nil || s.Identity.Get(identity.OpenID) != "o-emma" || s.Account != "wxa" ||
		s.Identity.Get(identity.Account) != "official" {
		t.Fatalf("got %v", s)
	}
	if a.SetCookie("rounds") != nil || a.SetCookie("wechat_account") != nil || b.Count("wechat_login_") != 1 {
		t.Errorf("the cookies are %v", a.Set)
	}
	e := w.wantEvent(event.LoggedIn, "")
	if e.Account != "official" || e.AppID != "wxa" || e.UserID != "o-emma" || e.Session != s.ID.String() ||
		e.Request == nil {
		t.Errorf("got %+v", e)
	}
	w.wantExchanges(1)
	if n := w.Logs.Len(); n != 0 {
		t.Errorf("the log has %v", w.Logs.All())
	}
	if s.Expires.Sub(s.Created) != sitetest.Lifetime {
		t.Errorf("it lives for %s", s.Expires.Sub(s.Created))
	}
}

func TestCallback_TheAttemptsTargetCounts(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := strings.Replace(w.begin(b, "/page", "emma"), "to=%2Fpage", "to=%2Fother", 1)
	b.Open(w.Callback, callback).WantTo(t, "/page")
	// For a minute the instance knows, when the attempt keeps no target any more.
	b.Open(w.Callback, callback).WantTo(t, "/page")
	w.Clock.Pass(time.Minute)
	b.Open(w.Callback, callback).WantTo(t, "/other")
}

func TestCallback_TwiceIsOneExchange(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	late := w.Browser() // the same one, before it has the first answer
	for name, value := range b.Cookies {
		late.Cookies[name] = value
	}
	b.Open(w.Callback, callback).WantTo(t, "/page")
	w.Events.Take()
	first := b.Session().ID
	for _, one := range []*sitetest.Browser{late, b} {
		one.Open(w.Callback, callback).WantTo(t, "/page")
		if got := one.Session().ID; got != first {
			t.Error("it is another session")
		}
		if e := w.wantEvent(event.Repeated, ""); e.UserID != "o-emma" || e.AppID != "wxa" || e.Account != "official" {
			t.Errorf("got %+v", e)
		}
	}
	w.wantExchanges(1)
	// As the browser was when WeChat sent it back: the answer says that the attempt is spent.
	if late.Count("wechat_login_") != 1 {
		t.Error("the attempt is gone")
	}
	w.Clock.Pass(time.Minute)
	late.Open(w.Callback, callback).WantTo(t, "/page")
	w.wantExchanges(1)
}

func TestCallback_RepeatedWithoutItsSession(t *testing.T) {
	t.Run("within the minute it is given again", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		b.Open(w.Callback, callback)
		b.Forget("wechat_session")
		b.Open(w.Callback, callback).WantTo(t, "/page")
		if !b.HasSession() {
			t.Error("there is no session")
		}
	})
	t.Run("later a login starts", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		b.Open(w.Callback, callback)
		b.Forget("wechat_session")
		w.Events.Take()
		w.Clock.Pass(time.Minute)
		again := w.back(b.Open(w.Callback, callback), "emma-again")
		w.wantEvent(event.Restarted, "no attempt of this browser is open")
		b.Open(w.Callback, again).WantTo(t, "/page")
	})
	t.Run("one that is over is not given again", func(t *testing.T) {
		w := newWorld(t, sitetest.Options{})
		b := w.Browser()
		callback := w.begin(b, "/page", "emma")
		b.Open(w.Callback, callback)
		if err := w.Parts.Revoked.EndSessions(t.Context(), b.Session()); err != nil {
			t.Fatal(err)
		}
		w.Events.Take()
		w.back(b.Open(w.Callback, callback), "emma-again")
		w.wantEvent(event.Restarted, "the session that this attempt led to is over")
	})
}

func TestCallback_WithASessionGoesHome(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.logIn(b, "emma")
	b.Open(w.Callback, "/_wechat/callback?to=%2Fother&code=x&state=unknown").WantTo(t, "/other")
	if e := w.wantEvent(event.Repeated, "already logged in"); e.UserID != "o-emma" {
		t.Errorf("got %+v", e)
	}
	// A path that begins with two slashes is this site's.
	b.Open(w.Callback, "/_wechat/callback?to=%2F%2Fevil.example.net&state=unknown").WantTo(t, "/")
	w.wantExchanges(1)
}

func TestCallback_ThatWasDeclinedSaysSo(t *testing.T) {
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{everywhere("one"), everywhere("two")}, UserID: account.Qualified,
	})
	b := w.Browser()
	a := b.Open(w.ServeLogin, "/_wechat/login?account=one&return_to=%2Fpage")
	b.Cookies["wechat_account"] = "wx-one"
	w.Events.Take()
	a = b.Open(w.Callback, w.back(a, "")).Want(t, http.StatusForbidden)
	if !strings.Contains(a.Body, `href="/_wechat/login?return_to=%2Fpage"`) {
		t.Errorf("no way to try again: %s", a.Body)
	}
	w.wantEvent(event.Declined, "")
	if b.Count("wechat_login_") != 0 || b.Count("wechat_account") != 0 {
		t.Errorf("the attempt or the choice is left: %v", b.Cookies)
	}
	// Without a state it was no answer of WeChat's.
	b.Open(w.Callback, "/_wechat/callback").Want(t, http.StatusOK)
	w.wantEvent(event.Restarted, "no attempt")
}

func TestCallback_WithASessionThatLacksTheProfileDoesNotGoHome(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.logIn(b, "emma")
	callback := w.back(b.Open(w.profiled, "/profile"), "")
	b.Open(w.Callback, callback).Want(t, http.StatusForbidden)
	w.wantEvent(event.Declined, "")
	callback = w.back(b.Open(w.profiled, "/profile"), "emma")
	b.Open(w.Callback, callback).WantTo(t, "/profile")
	if got := b.Session().Identity.Get(identity.Nickname); got != "Emma" {
		t.Errorf("the nickname is %q", got)
	}
}

func TestCallback_OfAnAttemptThatDoesNotOpen(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := newWorld(t, sitetest.Options{Other: w.Parts, Key: "another key with at least 32 bytes in it"})
	b := w.Browser()
	callback := other.begin(b.At(other.Parts), "/page", "emma")
	again := w.back(b.Open(w.Callback, callback), "emma")
	w.wantEvent(event.Restarted, "sealed with a key that this instance does not have")
	b.Open(w.Callback, again).WantTo(t, "/page")
}

func TestCallback_OfAnAccountThatIsGone(t *testing.T) {
	one, two := everywhere("one"), everywhere("two")
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{one}})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	later := newWorld(t, sitetest.Options{Other: w.Parts, Accounts: []account.Account{two}})
	again := b.At(later.Parts).Open(later.Callback, callback)
	later.wantEvent(event.Restarted, "the account that this login was begun with is gone")
	if !strings.Contains(again.To(), "/two?") || b.Count("wechat_login_") != 1 {
		t.Errorf("to %s with %v", again.To(), b.Cookies)
	}
	if one.Calls("Exchange")+two.Calls("Exchange") != 0 {
		t.Error("another account exchanges the code")
	}
	b.At(later.Parts).Open(later.Callback, later.back(again, "emma")).WantTo(t, "/page")
}

func TestCallback_OfAnAccountThatIsGoneAsksWhichIsNext(t *testing.T) {
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{everywhere("one")}})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	later := newWorld(t, sitetest.Options{
		Other: w.Parts, Accounts: []account.Account{everywhere("two"), everywhere("three")}, UserID: account.Qualified,
	})
	a := b.At(later.Parts).Open(later.Callback, callback).Want(t, http.StatusOK)
	if !strings.Contains(a.Body, "account=two") || !strings.Contains(a.Body, "account=three") {
		t.Errorf("no choice: %s", a.Body)
	}
	later.wantEvent(event.Restarted, "is gone")
}

func TestCallback_WhereNobodyGoesIsTurnedAside(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	body := b.Open(w.Callback, callback, sitetest.ForImage).WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != "/_wechat/login?return_to=%2Fpage" {
		t.Errorf("got %v", body)
	}
	if len(w.Events.Take()) != 0 {
		t.Error("it counts as something")
	}
	w.wantExchanges(0)
	b.Open(w.Callback, callback).WantTo(t, "/page") // nothing is spent
	b.Open(w.Callback, callback, sitetest.ForImage).WantTo(t, "/page")
	w.wantExchanges(1)
}

func TestCallback_ThatIsNoNavigationStartsNoLogin(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	body := b.Open(w.Callback, "/_wechat/callback?to=%2Fpage&code=x&state=unknown", sitetest.Fetch).
		WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != "/_wechat/login?return_to=%2Fpage" {
		t.Errorf("got %v", body)
	}
	w.wantEvent(event.Restarted, "no attempt")
}

func TestCallback_CodesThatAreNoneGoToNobody(t *testing.T) {
	for code, want := range map[string]bool{
		"": false, "x": true, strings.Repeat("x", 1024): true, strings.Repeat("x", 1025): false,
	} {
		if got := login.IsCode(code); got != want {
			t.Errorf("%d bytes: %t", len(code), got)
		}
	}
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.back(b.Open(w.Callback, w.begin(b, "/page", strings.Repeat("x", 1025))), "x")
	w.wantExchanges(0)
}

func TestCallback_ARefusedCodeStartsAfresh(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.fails(account.ErrCodeRefused)
	callback := w.begin(b, "/page", "emma")
	before := w.Browser()
	for name, value := range b.Cookies {
		before.Cookies[name] = value
	}
	again := w.back(b.Open(w.Callback, callback), "emma-again")
	if e := w.wantEvent(event.Restarted, "WeChat refused the code"); !errors.Is(e.Err, account.ErrCodeRefused) {
		t.Errorf("got %+v", e)
	}
	if b.Count("wechat_login_") != 1 {
		t.Error("the attempt that is over is kept")
	}
	before.Open(w.Callback, callback).Want(t, http.StatusFound) // the same callback comes twice
	w.wantEvent(event.Restarted, "WeChat refused the code")
	w.wantExchanges(1)
	w.Account.Exchanges = nil
	b.Open(w.Callback, again).WantTo(t, "/page")
}

func TestCallback_ASessionThatIsOverAtOnceStartsAfresh(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.Account.Exchanges = func(string, bool) (account.Grant, error) {
		return account.Grant{Identity: sitetest.Named("o-emma"), SessionSecret: "secret"}, nil
	}
	callback := w.begin(b, "/page", "emma")
	w.Store.Before(func(method, key string) error { // between the session and the answer
		if method == "Put" && strings.HasPrefix(key, "secret/") {
			return w.Parts.Revoked.EndPerson(t.Context(), "o-emma")
		}
		return nil
	})
	w.back(b.Open(w.Callback, callback), "emma")
	w.wantEvent(event.Restarted, "the session that this attempt led to is over")
	if b.HasSession() {
		t.Error("there is a session")
	}
}

func TestCallback_OfAVisitorWhoLeftAnswersNothing(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	callback := w.begin(b, "/page", "emma")
	ctx, cancel := context.WithCancel(t.Context())
	w.Account.Exchanges = func(string, bool) (account.Grant, error) {
		cancel()
		return account.Grant{}, weixin.ErrTimeout
	}
	r := b.Request("GET", callback)
	r.Request = r.WithContext(ctx)
	if a := b.Do(w.Callback, r); a.Body != "" || len(a.Header) != 0 || len(w.Events.Take()) != 0 {
		t.Errorf("the answer is %v, %s", a.Header, a.Body)
	}
}

func TestCallback_SaysWhatWentWrong(t *testing.T) {
	const retry = `href="/_wechat/login?return_to=%2Fpage"`
	for name, tt := range map[string]struct {
		err     error
		status  int
		outcome event.Outcome
		retries bool
		cause   bool // whether operators are told
	}{
		"not a member": {account.ErrNotAMember, 403, event.NotAMember, true, false},
		"WeChat":       {weixin.ErrTimeout, 504, event.Failed, true, true},
		"busy":         {weixin.ErrBusy, 503, event.Failed, true, true},
		"the store":    {store.ErrStore, 503, event.Failed, false, true},
		"anything":     {errors.New("strange"), 502, event.Failed, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{})
			w.fails(tt.err)
			b := w.Browser()
			b.Cookies["wechat_account"] = "wxa"
			a := b.Open(w.Callback, w.begin(b, "/page", "emma")).Want(t, tt.status)
			if strings.Contains(a.Body, retry) != tt.retries {
				t.Errorf("retry %t: %s", !tt.retries, a.Body)
			}
			e := w.wantEvent(tt.outcome, "")
			if (e.Err != nil) != tt.cause || e.Account != "official" || e.AppID != "wxa" {
				t.Errorf("got %+v", e)
			}
			if b.Count("wechat_login_") != 0 || b.HasSession() {
				t.Error("the attempt is left, or a session is there")
			}
			if isReset := b.Count("wechat_account") == 0; isReset != (tt.outcome == event.NotAMember) {
				t.Errorf("the choice is reset: %t", isReset)
			}
		})
	}
}

func TestCallback_WithoutKeysCannotKnow(t *testing.T) {
	w := newWorld(t, sitetest.Options{MadeKey: true})
	w.Store.Fail()
	w.Browser().Open(w.Callback, "/_wechat/callback?code=x&state=x").Want(t, http.StatusServiceUnavailable)
	w.WantLines("request failed", 1)

	w = newWorld(t, sitetest.Options{})
	keys := w.switchKeys()
	b := w.Browser()
	w.logIn(b, "emma")
	callback := w.begin(b, "/page", "emma")
	keys.off = store.ErrStore
	b.Open(w.Callback, callback).Want(t, http.StatusServiceUnavailable)
	w.wantExchanges(1)
	keys.off = nil
	w.Account.Exchanges = func(string, bool) (account.Grant, error) {
		keys.off = store.ErrStore
		return account.Grant{Identity: sitetest.Named("o-emma")}, nil
	}
	b.Open(w.Callback, callback).Want(t, http.StatusInternalServerError) // the new session cannot be sealed
	w.Events.Take()
	b.Forget("wechat_session")
	b.Open(w.Callback, callback).Want(t, http.StatusInternalServerError) // nor be given again
	if len(w.Events.Take()) != 0 {
		t.Error("somebody has logged in")
	}
}
