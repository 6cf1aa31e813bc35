package login

import (
	"net/http"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// tokenAnswer is what a program gets for a code.
type tokenAnswer struct {
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expires_in"` // in seconds
	User      string `json:"user"`
	OpenID    string `json:"openid,omitempty"`
	UnionID   string `json:"unionid,omitempty"`
}

// GiveToken gives a program the token of a session.
func (f *Flow) GiveToken(w http.ResponseWriter, r *visitor.Request, s session.Session) error {
	token, expires, err := f.Sessions.Token(r.Context(), r.Origin, s)
	if err != nil {
		return f.Answers.Fail(w, r, problem.Internal, err)
	}
	return f.Answers.JSON(w, http.StatusOK, tokenAnswer{
		Token:     token,
		ExpiresIn: expires.Unix() - f.Now().Unix(),
		User:      f.Sessions.UserID(&s),
		OpenID:    s.Identity.Get(identity.OpenID),
		UnionID:   s.Identity.Get(identity.UnionID),
	})
}

// LoginRequired tells a script where a login starts, and a program that sent a token how it gets another.
func (f *Flow) LoginRequired(w http.ResponseWriter, r *visitor.Request) error {
	if len(r.Tokens) > 0 {
		return f.TokenRequired(w, r)
	}
	return f.Answers.ToProgram(w, r, problem.LoginRequired, f.Site.LoginURL(f.Site.PageOf(r), false))
}

// TokenRequired tells a program that it needs a token, another one where it sent one, and how it gets that. The
// browser's login_url would be of no use to it. Where it is known whose tokens are meant, only that account is named.
func (f *Flow) TokenRequired(w http.ResponseWriter, r *visitor.Request, accounts ...account.Account) error {
	message := "send the token of a login (Authorization: Bearer …): "
	if len(r.Tokens) > 0 {
		message = "the token is over, or none of this site's: "
	}
	if len(accounts) == 0 {
		accounts = f.Accounts.At(r.Origin.Hostname())
	}
	var ways []string
	for _, a := range accounts {
		if _, ok := a.(account.TokenLogin); ok {
			ways = append(ways, codeHint(a)+" and post its code as JSON to "+f.Site.Prefix()+"/"+f.pathOf(a)+"/login")
		}
	}
	if len(ways) == 0 {
		ways = []string{"this site gives none, log in without"}
	}
	return f.Answers.ToProgram(w, r, problem.LoginRequired.With(message+strings.Join(ways, "; or ")), "")
}

// pathOf returns what an account's own addresses begin with: they name the account where others are of its kind.
func (f *Flow) pathOf(a account.Account) string {
	if f.Accounts.IsSeveral(a.Kind()) {
		return a.Kind() + "/" + account.Ref(a)
	}
	return a.Kind()
}

// codeHint says how a program gets a code.
func codeHint(a account.Account) string {
	if hinter, ok := a.(account.CodeHinter); ok {
		return hinter.CodeHint()
	}
	return "get another code"
}
