package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// neverProfile is an account that brings no profile.
func neverProfile() *sitetest.Account {
	return &sitetest.Account{Asks: func(profile bool) account.Consent {
		if profile {
			return account.Never
		}
		return account.Silent
	}}
}

func TestServeLogin_SendsWhoIsLoggedInOn(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	const address = "/_wechat/login?return_to=%2Fpage"
	callback := w.back(b.Open(w.ServeLogin, address), "emma")
	b.Open(w.Callback, callback).WantTo(t, "/page")
	b.Open(w.ServeLogin, address).WantTo(t, "/page")
	if a := b.Open(w.ServeLogin, address+"&profile=1"); !strings.HasSuffix(a.To(), "&scope=profile") {
		t.Errorf("whoever lacks the profile goes to %s", a.To())
	}
	profiled := w.Browser()
	profiled.LogIn(w.Session(w.Account, "o-emma", identity.Nickname, "Emma"))
	profiled.Open(w.ServeLogin, address+"&profile=1").WantTo(t, "/page")
	if a := b.Open(w.ServeLogin, address+"&account=wxa"); !strings.HasPrefix(a.To(), sitetest.Platform) {
		t.Errorf("whoever names an account goes to %s", a.To())
	}
	b.Open(w.ServeLogin, address+"&account=unknown").Want(t, http.StatusBadRequest)
	b.Open(w.ServeLogin, "/_wechat/login?return_to=https%3A%2F%2Fevil.example.net").WantTo(t, "/")
}

func TestServeLogin_SnapshotsAreNotLoggedIn(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Account.Snapshot = true
	b := w.Browser()
	b.LogIn(w.Session(w.Account, "o-made-up", identity.Snapshot, "1"))
	w.back(b.Open(w.ServeLogin, "/_wechat/login?return_to=%2Fpage"), "emma")
}

func TestServeLogin_WithoutKeysCannotKnow(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	keys := w.switchKeys()
	b := w.Browser()
	w.logIn(b, "emma")
	keys.off = store.ErrStore
	b.Open(w.ServeLogin, "/_wechat/login").Want(t, http.StatusServiceUnavailable)
}

func TestServeLogin_ShowsAPhoneTheWayFirst(t *testing.T) {
	scan := everywhere("website")
	scan.QRCode = func(visitor.Client) bool { return true }
	scan.Fallback = func(c visitor.Client) bool { return c.WeChat }
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{new(sitetest.Account), scan}, UserID: account.Qualified,
	})
	b := w.Browser()
	b.Agent = sitetest.OnPhone
	a := b.Open(w.ServeLogin, "/_wechat/login?return_to=%2Fpage").Want(t, http.StatusForbidden)
	if !strings.Contains(a.Body, "/_wechat/login?return_to=%2Fpage&amp;scan=1") {
		t.Errorf("no way on: %s", a.Body)
	}
	w.back(b.Open(w.ServeLogin, "/_wechat/login?return_to=%2Fpage&scan=1"), "x")
}

func TestServeLogin_GoesToThePublicHostFirst(t *testing.T) {
	w := newWorld(t, sitetest.Options{Public: &visitor.Origin{Scheme: "https", Host: sitetest.Host}})
	b := w.Browser()
	b.Host = "alias.example.net"
	const address = "/_wechat/login?return_to=%2Fpage"
	a := b.Open(w.ServeLogin, address).WantTo(t, "https://"+sitetest.Host+address)
	if c := a.SetCookie("wechat_hop"); c == nil || c.MaxAge != 10 || !c.Secure {
		t.Errorf("the mark is %v", c)
	}
	w.back(b.Open(w.ServeLogin, address), "x") // a proxy changes the Host header, it seems
	b.Forget("")
	b.HTTP = true
	if c := b.Open(w.protected, "/page").WantTo(t, "https://"+sitetest.Host+"/page").SetCookie("wechat_hop"); c.Secure {
		t.Errorf("the mark is lost on http: %v", c)
	}
	b.Forget("")
	long := "/page?" + strings.Repeat("x", 3400-len("/page?"))
	b.Open(w.protected, long).WantTo(t, "https://"+sitetest.Host+long)
	b.Forget("")
	b.Open(w.protected, long+"x").WantTo(t, "https://"+sitetest.Host+"/page")
	b.Forget("")
	b.Open(w.protected, "/page", sitetest.Fetch).WantWord(t, http.StatusUnauthorized, "login_required")
	b.Host = sitetest.Host
	w.back(b.Open(w.protected, "/page"), "x")
}

func TestChallenge_GoesToThePublicHostBeforeItSaysNo(t *testing.T) {
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{neverProfile()}, Public: &visitor.Origin{Scheme: "https", Host: sitetest.Host},
	})
	b := w.Browser()
	w.logIn(b, "emma")
	b.Host = "alias.example.net"
	b.Open(w.profiled, "/page").WantTo(t, "https://"+sitetest.Host+"/page")
}

func TestChallenge_TellsScriptsWhereALoginStarts(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	referer := "Referer: https://" + sitetest.Host + "/app"
	body := b.Open(w.protected, "/data", sitetest.Fetch, referer).WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != "/_wechat/login?return_to=%2Fapp" || body["request_id"] != "request-1" {
		t.Errorf("got %v", body)
	}
	w.logIn(b, "emma")
	body = b.Open(w.profiled, "/data", sitetest.Fetch).WantWord(t, http.StatusUnauthorized, "profile_required")
	if body["login_url"] != "/_wechat/login?return_to=%2Fdata&profile=1" {
		t.Errorf("got %v", body)
	}
}

func TestChallenge_WhereNoProfileEverComesSaysSo(t *testing.T) {
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{neverProfile()}})
	b := w.Browser()
	w.logIn(b, "emma")
	b.Open(w.profiled, "/data", sitetest.Fetch).WantWord(t, http.StatusForbidden, "profile_unavailable")
	b.Open(w.profiled, "/page").Want(t, http.StatusForbidden)
	b.Send(w.profiled, "POST", "/page").Want(t, http.StatusForbidden)
	stranger := w.Browser()
	stranger.Open(w.profiled, "/data", sitetest.Fetch).WantWord(t, http.StatusUnauthorized, "login_required")
	stranger.Send(w.profiled, "POST", "/page").Want(t, http.StatusUnauthorized)
	// Where there is no way to log in nobody knows what one would bring.
	b.Agent = sitetest.OnDesktop
	b.Open(w.profiled, "/data", sitetest.Fetch).WantWord(t, http.StatusUnauthorized, "profile_required")
}

func TestChallenge_TellsProgramsToGetAToken(t *testing.T) {
	program := new(sitetest.Program)
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{program, new(sitetest.Account)}, UserID: account.Qualified,
	})
	b := w.Browser()
	s := w.Session(program, "o-emma")
	b.UseToken(s)
	b.Open(w.profiled, "/page").Want(t, http.StatusForbidden)
	if err := w.Parts.Revoked.EndSessions(t.Context(), &s); err != nil {
		t.Fatal(err)
	}
	body := b.Open(w.protected, "/page").WantWord(t, http.StatusUnauthorized, "login_required")
	text, _ := body["message"].(string)
	if body["login_url"] != nil || !strings.Contains(text, "the token is over") ||
		!strings.Contains(text, "/_wechat/program/login") {
		t.Errorf("got %v", body)
	}
}

func TestChallenge_AsksFormsAndFramesToLogIn(t *testing.T) {
	const unsent = "没有提交"
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	for name, tt := range map[string]struct {
		method string
		lines  []string
		back   string
		unsent bool
	}{
		"a form of this site": {
			"POST", []string{"Referer: https://" + sitetest.Host + "/form"}, "%2Fform", true,
		},
		"a form of another site": {
			"POST", []string{"Referer: https://evil.example.net/form"}, "%2Ftarget", false,
		},
		"a frame": {
			"GET",
			[]string{"Sec-Fetch-Dest: iframe", "Referer: https://" + sitetest.Host + "/around"},
			"%2Faround",
			false,
		},
	} {
		a := b.Send(w.protected, tt.method, "/target", tt.lines...).Want(t, http.StatusUnauthorized)
		if !strings.Contains(a.Body, `"/_wechat/login?return_to=`+tt.back+`"`) ||
			strings.Contains(a.Body, unsent) != tt.unsent {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	w.logIn(b, "emma")
	b.Send(w.profiled, "POST", "/target").WantPage(t, http.StatusUnauthorized, `return_to=%2Ftarget&amp;profile=1"`)
}

func TestChallenge_KeepsWhatStandsBehindTheHash(t *testing.T) {
	w := newWorld(t, sitetest.Options{}, keepsFragment)
	b := w.Browser()
	a := b.Open(w.protected, "/page?x=1").Want(t, http.StatusOK)
	if !strings.Contains(a.Body, "/_wechat/login?return_to=%2Fpage%3Fx%3D1") {
		t.Errorf("got %s", a.Body)
	}
	a = b.Open(w.profiled, "/page").Want(t, http.StatusOK)
	if !strings.Contains(a.Body, "/_wechat/login?profile=1&amp;return_to=%2Fpage") {
		t.Errorf("got %s", a.Body)
	}
	b.Send(w.protected, "HEAD", "/page").Want(t, http.StatusFound)
	b.Open(w.protected, "//page").Want(t, http.StatusFound) // which the login endpoint would not take
	b.Agent = sitetest.OnDesktop
	b.Open(w.protected, "/page").Want(t, http.StatusForbidden) // there is no login to go on to
	plain := newWorld(t, sitetest.Options{})
	plain.back(plain.Browser().Open(plain.protected, "/page"), "x")
}
