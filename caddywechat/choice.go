package caddywechat

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// choiceCookie remembers by which account a visitor chose to log in, where several serve the browser.
var choiceCookie = session.OwnCookie("wechat_account")

const choiceFor = 180 * 24 * time.Hour

// redirectorsFor returns the accounts by which a client can log in. Those that yield to others are no choice beside
// these.
func (h *Handler) redirectorsFor(c visitor.Client) []account.Redirector {
	var first, second []account.Redirector
	for _, a := range h.accounts {
		r, ok := a.(account.Redirector)
		if !ok || !r.Serves(c) {
			continue
		}
		if y, ok := a.(account.Fallback); ok && y.IsFallback(c) {
			second = append(second, r)
		} else {
			first = append(first, r)
		}
	}
	if len(first) == 0 {
		return second
	}
	return first
}

// redirectorFor returns the account by which a visitor logs in: the only one that serves the browser, or the one that
// was chosen before; nil where none does, or the visitor has to choose.
func (h *Handler) redirectorFor(v *visit) account.Redirector {
	return v.choose(h.redirectorsFor(v.client()))
}

func (v *visit) choose(found []account.Redirector) account.Redirector {
	if len(found) == 1 {
		return found[0]
	}
	for _, c := range v.cookies {
		if i := slices.IndexFunc(found, func(a account.Redirector) bool { return c.Name == choiceCookie && c.Value == a.Kind() }); i >= 0 {
			return found[i]
		}
	}
	return nil
}

// lead leads a visitor to a login: to the account that serves the browser, to the choice where several do, or to a page
// that says where else to go. A phone can't scan its own screen, so it is shown the way into WeChat or WeCom first,
// until scan says that this visitor has another one.
func (h *Handler) lead(w http.ResponseWriter, v *visit, profile, scan bool, target string) error {
	client := v.client()
	found := h.redirectorsFor(client)
	chosen := v.choose(found)
	switch {
	case len(found) == 0:
		return h.showWhere(w, v, target, "")
	case !scan && client.Phone && allScan(found, client) && (h.leadsInto(weChatOnPhone) || h.leadsInto(weComOnPhone)):
		return h.showWhere(w, v, target, h.loginURL(target, profile)+"&scan=1")
	case chosen == nil:
		return h.showChoice(w, v, found, profile, target)
	default:
		return h.begin(w, v, start{account: chosen, profile: profile, target: target})
	}
}

// allScan reports whether every way to log in takes a phone that scans the screen.
func allScan(accounts []account.Redirector, c visitor.Client) bool {
	return !slices.ContainsFunc(accounts, func(a account.Redirector) bool {
		scanner, ok := a.(account.QRCodeLogin)
		return !ok || !scanner.ShowsQRCode(c)
	})
}

func (h *Handler) showChoice(w http.ResponseWriter, v *visit, found []account.Redirector, profile bool, target string) error {
	var choices []page.Choice
	for _, a := range found {
		choice := page.Choice{Label: a.Kind(), URL: h.loginURL(target, profile) + "&account=" + url.QueryEscape(a.Kind())}
		if labeler, ok := a.(account.Labeler); ok {
			choice.Label = labeler.Label(locale.Of(v.Request))
		}
		choices = append(choices, choice)
	}
	h.show(w, v, http.StatusOK, page.Choose, page.Data{Choices: choices})
	return nil
}

// choice returns the cookie that keeps a visitor's choice once it has led to a session, none where there was no choice.
func (h *Handler) choice(v *visit, chosen account.Redirector) []*http.Cookie {
	if found := h.redirectorsFor(v.client()); len(found) < 2 || !slices.Contains(found, chosen) {
		return nil
	}
	return []*http.Cookie{session.Cookie(choiceCookie, chosen.Kind(), choiceFor, v.origin.secure())}
}

// forgetChoice lets the visitor choose again.
func (h *Handler) forgetChoice(w http.ResponseWriter, v *visit) {
	if slices.ContainsFunc(v.cookies, func(c session.Sent) bool { return c.Name == choiceCookie }) {
		http.SetCookie(w, session.Cookie(choiceCookie, "", 0, v.origin.secure()))
	}
}
