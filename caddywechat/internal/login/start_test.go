package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
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
