package caddywechat

import (
	"net/http"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
)

// tokenRequired tells a program that it needs a token, another one where it sent one, and how it gets that. The
// browser's login_url would be of no use to it. Where it is known whose tokens are meant, only that account is named.
func (h *Handler) tokenRequired(w http.ResponseWriter, v *visit, accounts ...account.Account) error {
	p := problemLoginRequired
	p.message = "send the token of a login (Authorization: Bearer …): "
	if len(v.tokens) > 0 {
		p.message = "the token is over, or none of this site's: "
	}
	if len(accounts) == 0 {
		accounts = h.accounts
	}
	var ways []string
	for _, a := range accounts {
		if _, ok := a.(account.TokenLogin); ok {
			ways = append(ways, codeHint(a)+" and post its code as JSON to "+h.Prefix+"/"+a.Kind()+"/login")
		}
	}
	if len(ways) == 0 {
		ways = []string{"this site gives none, log in without"}
	}
	p.message += strings.Join(ways, "; or ")
	return h.needs(w, v, p, "")
}

// codeHint says how a program gets a code.
func codeHint(a account.Account) string {
	if hinter, ok := a.(account.CodeHinter); ok {
		return hinter.CodeHint()
	}
	return "get another code"
}
