package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// hintingProgram is one that says how a program gets a code.
type hintingProgram struct{ *sitetest.Program }

func (hintingProgram) CodeHint() string { return "call wx.login" }

func TestTokenRequired_SaysHowToGetOne(t *testing.T) {
	const (
		plain  = "get another code and post its code as JSON to /_wechat/program/login"
		hinted = "call wx.login and post its code as JSON to /_wechat/mini/login"
	)
	program, mini := new(sitetest.Program), hintingProgram{&sitetest.Program{Name: "mini", ID: "wxm"}}
	official := new(sitetest.Account)
	for name, tt := range map[string]struct {
		all, meant []account.Account
		token      string
		want, not  string
	}{
		"all ways":          {[]account.Account{official, program, mini}, nil, "", plain + "; or " + hinted, "is over"},
		"one that is meant": {[]account.Account{program, mini}, []account.Account{mini}, "", hinted, plain},
		"none":              {[]account.Account{official}, nil, "", "this site gives none", "post"},
		"who sent one":      {[]account.Account{program}, nil, "wx1.x", "the token is over", "send the token"},
	} {
		w := newWorld(t, sitetest.Options{Accounts: tt.all, UserID: account.Qualified})
		b := w.Browser()
		b.Token = tt.token
		body := b.Open(func(rw http.ResponseWriter, r *visitor.Request) error {
			return w.TokenRequired(rw, r, tt.meant...)
		}, "/").WantWord(t, http.StatusUnauthorized, "login_required")
		text, _ := body["message"].(string)
		if !strings.Contains(text, tt.want) || strings.Contains(text, tt.not) || body["login_url"] != nil {
			t.Errorf("%s: %v", name, body)
		}
	}
}

func TestLoginRequired_SaysWhereALoginStarts(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	body := b.Open(w.LoginRequired, "/data").WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != "/_wechat/login?return_to=%2Fdata" {
		t.Errorf("got %v", body)
	}
	b.Token = "wx1.x"
	body = b.Open(w.LoginRequired, "/data").WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] != nil {
		t.Errorf("a program gets %v", body)
	}
}

func TestGiveToken_WithoutKeysFails(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	keys := w.switchKeys()
	s := w.Session(w.Account, "o-emma")
	keys.off = store.ErrStore
	w.Browser().Open(func(rw http.ResponseWriter, r *visitor.Request) error {
		return w.GiveToken(rw, r, s)
	}, "/").Want(t, http.StatusInternalServerError)
}
