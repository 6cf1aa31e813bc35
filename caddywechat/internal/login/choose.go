package login

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

// accountFor returns the account by which a visitor logs in: the only one that serves the browser, or the one that was
// chosen before; nil where none does, or the visitor has to choose.
func (f *Flow) accountFor(r *visitor.Request) account.Redirector {
	return chosen(r, f.Accounts.For(r.Client(), r.Origin.Hostname()))
}

func chosen(r *visitor.Request, found []account.Redirector) account.Redirector {
	if len(found) == 1 {
		return found[0]
	}
	for _, c := range r.Cookies {
		if c.Name != choiceCookie {
			continue
		}
		isIt := func(a account.Redirector) bool { return account.IsCalled(a, c.Value) }
		if i := slices.IndexFunc(found, isIt); i >= 0 {
			return found[i]
		}
	}
	return nil
}

// Choose sends a visitor to a login: to the account that serves the browser, to the choice where several do, or to a
// page that says where else to go. A phone can't scan its own screen, so it is shown the way into WeChat or WeCom
// first, until scan says that this visitor has another one.
func (f *Flow) Choose(w http.ResponseWriter, r *visitor.Request, profile, scan bool, target string) error {
	client := r.Client()
	found := f.Accounts.For(client, r.Origin.Hostname())
	one := chosen(r, found)
	switch {
	case len(found) == 0:
		return f.showWhere(w, r, target, "")
	case !scan && client.Phone && allScan(found, client) && f.servesApps(r):
		return f.showWhere(w, r, target, f.Site.LoginURL(target, profile)+"&scan=1")
	case one == nil:
		return f.showChoice(w, r, found, profile, target)
	default:
		return f.start(w, r, start{account: one, profile: profile, target: target})
	}
}

// servesApps reports whether a phone has WeChat or WeCom to log in by.
func (f *Flow) servesApps(r *visitor.Request) bool {
	host := r.Origin.Hostname()
	return f.Accounts.SendsInto(weChatOnPhone, host) || f.Accounts.SendsInto(weComOnPhone, host)
}

// allScan reports whether every way to log in takes a phone that scans the screen.
func allScan(accounts []account.Redirector, c visitor.Client) bool {
	return !slices.ContainsFunc(accounts, func(a account.Redirector) bool { return !showsQRCode(a, c) })
}

func showsQRCode(a account.Redirector, c visitor.Client) bool {
	scanner, ok := a.(account.QRCodeLogin)
	return ok && scanner.ShowsQRCode(c)
}

func (f *Flow) showChoice(
	w http.ResponseWriter, r *visitor.Request, found []account.Redirector, profile bool, target string,
) error {
	var choices []page.Choice
	for _, a := range found {
		choice := page.Choice{
			Label: a.Kind(),
			URL:   f.Site.LoginURL(target, profile) + "&account=" + url.QueryEscape(a.Kind()),
		}
		if labeler, ok := a.(account.Labeler); ok {
			choice.Label = labeler.Label(locale.Of(r.Request))
		}
		choices = append(choices, choice)
	}
	f.Answers.Page(w, r, http.StatusOK, page.Choose, page.Data{Choices: choices})
	return nil
}

// choice returns the cookie that keeps a visitor's choice once it has brought a session, none where there was no
// choice.
func (f *Flow) choice(r *visitor.Request, chosen account.Redirector) []*http.Cookie {
	if found := f.Accounts.For(r.Client(), r.Origin.Hostname()); len(found) < 2 || !slices.Contains(found, chosen) {
		return nil
	}
	return []*http.Cookie{session.Cookie(choiceCookie, account.Ref(chosen), choiceFor, r.Origin.Secure())}
}

// resetChoice lets the visitor choose again.
func (f *Flow) resetChoice(w http.ResponseWriter, r *visitor.Request) {
	if slices.ContainsFunc(r.Cookies, func(c visitor.Cookie) bool { return c.Name == choiceCookie }) {
		http.SetCookie(w, session.Cookie(choiceCookie, "", 0, r.Origin.Secure()))
	}
}
