package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const logoutPath = "/_wechat/logout"

// loggedIn returns a world with a browser that is logged in, and its session.
func loggedIn(t *testing.T, o sitetest.Options) (*world, *sitetest.Browser) {
	t.Helper()
	w := newWorld(t, o)
	b := w.Browser()
	w.logIn(b, "emma")
	return w, b
}

func TestServeLogout_EndsTheSession(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{MaxAge: sitetest.Lifetime})
	s := b.Session()
	if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.Account, "o-emma", "refresh"); err != nil {
		t.Fatal(err)
	}
	b.Cookies["wechat_account"] = "wxa"
	w.begin(b, "/other", "x") // a login in another tab
	a := b.Open(w.ServeLogout, logoutPath, sitetest.SameSite).Want(t, http.StatusOK)
	if !strings.Contains(a.Body, `href="/_wechat/login?return_to=%2F"`) {
		t.Errorf("no way back: %s", a.Body)
	}
	if len(b.Cookies) != 0 || !w.Parts.Revoked.Ends(s) {
		t.Errorf("left are %v, or the session", b.Cookies)
	}
	e := w.wantEvent(event.LoggedOut, "")
	if e.Subject != event.Logout || e.UserID != "o-emma" || e.Account != "official" || e.AppID != "wxa" ||
		e.Session != s.ID.String() || e.Stored == nil || !*e.Stored {
		t.Errorf("got %+v", e)
	}
	w.Idle()
	if token, err := w.Parts.Grants.RefreshToken(t.Context(), w.Account, "o-emma"); token != "" || err != nil {
		t.Errorf("the token %s is kept, %v", token, err)
	}
}

func TestServeLogout_GoesWhereItIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		method, query string
		status        int
		to            string
	}{
		"a link":          {"GET", "?return_to=%2Fbye", http.StatusFound, "/bye"},
		"a form":          {"POST", "?return_to=%2Fbye", http.StatusSeeOther, "/bye"},
		"to another site": {"GET", "?return_to=https%3A%2F%2Fevil.example.net", http.StatusFound, "/"},
		"confirmed":       {"POST", "?confirmed=1", http.StatusSeeOther, "/_wechat/logout"},
		"not by a form":   {"GET", "?confirmed=1", http.StatusOK, ""},
		"a form alone":    {"POST", "", http.StatusOK, ""},
		"confirmed, too":  {"POST", "?confirmed=1&return_to=%2Fbye", http.StatusSeeOther, "/bye"},
		"a long address":  {"GET", "?return_to=%2Fbye%3F" + strings.Repeat("x", 2000), http.StatusFound, "/bye"},
	} {
		w, b := loggedIn(t, sitetest.Options{})
		a := b.Send(w.ServeLogout, tt.method, logoutPath+tt.query, sitetest.SameSite)
		if a.StatusCode != tt.status || a.To() != tt.to || b.HasSession() {
			t.Errorf("%s: status %d to %q, session %t", name, a.StatusCode, a.To(), b.HasSession())
		}
	}
}

func TestServeLogout_IsNotDoneByItself(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	for _, line := range []string{sitetest.ForImage, "Sec-Purpose: prefetch", sitetest.Fetch} {
		a := b.Open(w.ServeLogout, logoutPath, line).Want(t, http.StatusMethodNotAllowed)
		if a.Header.Get("Allow") != "POST" || !b.HasSession() {
			t.Errorf("%s: %v, session %t", line, a.Header, b.HasSession())
		}
	}
	b.Send(w.ServeLogout, "POST", logoutPath, sitetest.Fetch, "Origin: https://"+sitetest.Host).Want(t, http.StatusOK)
	if b.HasSession() {
		t.Error("a script of the site cannot log out")
	}
}

func TestServeLogout_AsksWhereAnotherSiteMayBeBehindIt(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	for name, tt := range map[string]struct {
		method, query string
		lines         []string
		action        string
	}{
		"a link elsewhere":       {"GET", "", []string{sitetest.CrossSite}, "/_wechat/logout?confirmed=1"},
		"a form elsewhere":       {"POST", "", []string{"Origin: https://b.example"}, "/_wechat/logout?confirmed=1"},
		"who says nothing":       {"GET", "?return_to=%2Fbye", nil, "/_wechat/logout?return_to=%2Fbye"},
		"back to somewhere else": {"GET", "?return_to=%2F%2Fevil", nil, "/_wechat/logout?return_to=%2F"},
	} {
		a := b.Send(w.ServeLogout, tt.method, logoutPath+tt.query, tt.lines...).Want(t, http.StatusOK)
		if !strings.Contains(a.Body, `action="`+tt.action+`"`) || !b.HasSession() {
			t.Errorf("%s: session %t, %s", name, b.HasSession(), a.Body)
		}
	}
	b.Send(w.ServeLogout, "POST", logoutPath).Want(t, http.StatusOK) // an old browser's form of this site
	if b.HasSession() {
		t.Error("a form that says nothing does not log out")
	}
}

func TestServeLogout_OfATokenNeedsNoConfirmation(t *testing.T) {
	program := new(sitetest.Program)
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{program}})
	b := w.Browser()
	s := w.Session(program, "o-emma")
	b.UseToken(s)
	b.Cookies["__Host-wechat_login_0"] = "x" // no program has one
	a := b.Send(w.ServeLogout, "POST", logoutPath, "Origin: https://servicewechat.com").Want(t, http.StatusOK)
	if !w.Parts.Revoked.Ends(&s) || len(a.Set) != 0 {
		t.Errorf("the session goes on, or cookies are set: %v", a.Set)
	}
}

func TestServeLogout_OfNobodySetsNothing(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	w.begin(b, "/page", "x")
	a := b.Open(w.ServeLogout, logoutPath, sitetest.SameSite).Want(t, http.StatusOK)
	if len(a.Set) != 0 || len(w.Events.Take()) != 0 {
		t.Errorf("set are %v", a.Set)
	}
}

func TestServeLogout_EndsWhateverOpens(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	mine, planted := b.Session(), w.Session(w.Account, "o-li")
	r := b.Request("GET", logoutPath, sitetest.SameSite)
	other := w.Browser()
	other.LogIn(planted)
	r.Cookies = append(r.Cookies, other.Request("GET", "/").Cookies...)
	b.Do(w.ServeLogout, r).Want(t, http.StatusOK)
	if !w.Parts.Revoked.Ends(mine) || !w.Parts.Revoked.Ends(&planted) {
		t.Error("one of two sessions goes on")
	}
	if n := len(w.Events.Take()); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestServeLogout_WithoutTheStoreEndsItHere(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	w.Store.Fail("Append")
	b.Open(w.ServeLogout, logoutPath, sitetest.SameSite).Want(t, http.StatusOK)
	if e := w.wantEvent(event.LoggedOut, ""); *e.Stored || b.HasSession() {
		t.Errorf("got %+v, session %t", e, b.HasSession())
	}
	w, b = loggedIn(t, sitetest.Options{})
	keys := w.switchKeys()
	keys.off = store.ErrStore
	b.Open(w.ServeLogout, logoutPath, sitetest.SameSite).Want(t, http.StatusServiceUnavailable)
	keys.off = nil
	lost := sitetest.New(t, sitetest.Options{MadeKey: true}) // those of attempts cannot be had
	lost.Store.Fail()
	w.config.Vault = lost.Vault
	w.Flow = login.NewFlow(w.config)
	b.Open(w.ServeLogout, logoutPath, sitetest.SameSite).Want(t, http.StatusServiceUnavailable)
	if !b.HasSession() {
		t.Error("the visitor is told that it failed, and is logged out")
	}
}

func TestServeLogout_OfAllOthersKeepsThisOne(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	phone := w.Browser()
	w.logIn(phone, "emma")
	li := w.Browser()
	w.logIn(li, "li")
	before := b.Session()
	a := b.Send(w.ServeLogout, "POST", logoutPath+"?others=1&return_to=%2Fme", sitetest.SameSite).
		Want(t, http.StatusSeeOther)
	if after := b.Session(); a.To() != "/me" || after == nil || after.ID == before.ID || !w.Parts.Revoked.Ends(before) {
		t.Errorf("to %s with %v", a.To(), after)
	}
	if phone.HasSession() || !li.HasSession() {
		t.Errorf("the other one: %t, another person's: %t", phone.HasSession(), li.HasSession())
	}
	e := w.wantEvent(event.Revoked, "")
	if e.Session != b.Session().ID.String() || e.UserID != "o-emma" || !*e.Stored {
		t.Errorf("got %+v", e)
	}
	// Again and again within a second, instances could no longer tell which of them was the last.
	for range 10 {
		a = b.Send(w.ServeLogout, "POST", logoutPath+"?others=1", sitetest.SameSite)
		if a.StatusCode != http.StatusSeeOther {
			break
		}
	}
	a.Want(t, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") != "1" || !b.HasSession() {
		t.Errorf("got %v, session %t", a.Header, b.HasSession())
	}
}

func TestServeLogout_OfAllOthersIsMeant(t *testing.T) {
	w, b := loggedIn(t, sitetest.Options{})
	phone := w.Browser()
	w.logIn(phone, "emma")
	const path = logoutPath + "?others=1&return_to=%2Fme"
	a := b.Open(w.ServeLogout, path, sitetest.SameSite).Want(t, http.StatusMethodNotAllowed)
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("got %v", a.Header)
	}
	a = b.Send(w.ServeLogout, "POST", path, sitetest.CrossSite).Want(t, http.StatusOK)
	if !strings.Contains(a.Body, `action="/_wechat/logout?others=1&amp;return_to=%2Fme"`) || !phone.HasSession() {
		t.Errorf("session %t, %s", phone.HasSession(), a.Body)
	}
	nobody := w.Browser()
	a = nobody.Send(w.ServeLogout, "POST", path, sitetest.SameSite).Want(t, http.StatusSeeOther)
	if a.To() != "/me" {
		t.Errorf("to %s", a.To())
	}
	nobody.Send(w.ServeLogout, "POST", path, sitetest.SameSite, sitetest.Fetch).
		WantWord(t, http.StatusUnauthorized, "login_required")
	keys := w.switchKeys()
	keys.off = store.ErrStore
	b.Send(w.ServeLogout, "POST", path, sitetest.SameSite).Want(t, http.StatusServiceUnavailable)
}

func TestServeLogout_OfAllOthersGivesProgramsAToken(t *testing.T) {
	program := new(sitetest.Program)
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{program}})
	b := w.Browser()
	s := w.Session(program, "o-emma", identity.UnionID, "u-emma")
	b.UseToken(s)
	body := b.Send(w.ServeLogout, "POST", logoutPath+"?others=1", sitetest.CrossSite).Want(t, http.StatusOK).JSON(t)
	b.Token, _ = body["token"].(string)
	if b.Session() == nil || !w.Parts.Revoked.Ends(&s) || body["expires_in"] != sitetest.Lifetime.Seconds() ||
		body["user"] != "o-emma" || body["openid"] != "o-emma" || body["unionid"] != "u-emma" {
		t.Errorf("got %v", body)
	}
	b.Token = "wx1.rubbish"
	b.Send(w.ServeLogout, "POST", logoutPath+"?others=1").WantWord(t, http.StatusUnauthorized, "login_required")
}

func TestServeLogout_OfAllOthersThatCannotBeSealedFails(t *testing.T) {
	program := new(sitetest.Program)
	for _, isProgram := range []bool{false, true} {
		w := newWorld(t, sitetest.Options{
			Accounts: []account.Account{new(sitetest.Account), program}, UserID: account.Qualified,
		})
		b := w.Browser()
		if isProgram {
			b.UseToken(w.Session(program, "o-emma"))
		} else {
			w.logIn(b, "emma")
		}
		keys := w.switchKeys()
		w.Store.Before(func(method, _ string) error {
			if method == "Append" {
				keys.off = store.ErrStore
			}
			return nil
		})
		b.Send(w.ServeLogout, "POST", logoutPath+"?others=1", sitetest.SameSite).Want(t, http.StatusInternalServerError)
	}
}
