package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// params are what a page of the site draws an account's QR code from.
type params struct {
	AppID       string `json:"appid"`
	AgentID     string `json:"agentid,omitempty"`
	Scope       string `json:"scope,omitempty"` // "" where the account's page takes none
	RedirectURI string `json:"redirect_uri"`
	State       string `json:"state"`
}

// ServeParams starts a login for a page of the site's own that draws the QR code itself, and tells it what to draw. A
// session that is what is asked for changes nothing: that is how people switch. What another site's page asks starts
// nothing, or it could push this browser's logins out.
func (f *Flow) ServeParams(w http.ResponseWriter, r *visitor.Request) error {
	if fault := f.faultOfAsker(r); fault != "" {
		return f.refuseParams(w, r, fault)
	}
	query := r.URL.Query()
	one, fault := f.scannedAccount(r, query.Get("account"))
	if fault != "" {
		return f.refuseParams(w, r, fault)
	}
	ask, err := f.begin(w, r, start{
		account: one, profile: query.Get("profile") == "1", target: f.Site.ReturnTo(query.Get("return_to")),
	})
	if ask == nil {
		return err
	}
	setCookies(w, ask.cookies...)
	f.countStart(r, one)
	return f.Answers.JSON(w, http.StatusOK, ask.params(one))
}

// refuseParams tells whoever writes the page what is wrong.
func (f *Flow) refuseParams(w http.ResponseWriter, r *visitor.Request, fault string) error {
	return f.Answers.Problem(w, r, problem.BadRequest.With(fault), page.Data{Action: "/"})
}

// faultOfAsker returns what is wrong with where a request for parameters comes from, "" where it is a page of this site
// to which the visitor comes back with the login's cookies.
func (f *Flow) faultOfAsker(r *visitor.Request) string {
	if !f.Site.IsSameSite(r) {
		return "only pages of this site may ask, and the browser has to say that it is one of them: " +
			"fetch it from the page itself, and over http without Referrer-Policy: no-referrer"
	}
	if _, known := f.Site.Referer(r); !known && f.isOnOtherHost(r) {
		return "the login comes back to " + r.Origin.String() + " (public_url), where no cookie of this host counts: " +
			"open the login page there"
	}
	return ""
}

// scannedAccount returns the account whose QR code a page of the site's own is to draw: the one that is named, else the
// only one that shows such a code to this browser. Where there is none it says why.
func (f *Flow) scannedAccount(r *visitor.Request, name string) (one account.Redirector, fault string) {
	client, host := r.Client(), r.Origin.Hostname()
	isNotScanned := func(a account.Redirector) bool { return !a.Serves(client) || !showsQRCode(a, client) }
	if name != "" {
		one = f.Accounts.Redirector(name, host)
		if one == nil || isNotScanned(one) {
			return nil, "account names none of this host's accounts that shows a QR code to this browser: " +
				"write a kind, such as website, or an app id"
		}
		return one, ""
	}
	found := slices.DeleteFunc(f.Accounts.For(client, host), isNotScanned)
	switch len(found) {
	case 0:
		return nil, "no account of this host shows a QR code to this browser: send the visitor to " +
			f.Site.LoginURL("/", false) + " instead"
	case 1:
		return found[0], ""
	default:
		var names []string
		for _, a := range found {
			names = append(names, "account="+a.Kind())
		}
		return nil, "several accounts show a QR code to this browser: write " + strings.Join(names, " or ")
	}
}

// params returns what stands for an account in the address of its page. What is the account's own is read from there:
// nobody but the account knows more of it.
func (ask *authorization) params(one account.Redirector) params {
	p := params{AppID: one.AppID(), RedirectURI: ask.redirectURI, State: ask.state}
	if u, err := url.Parse(ask.url); err == nil {
		p.AgentID, p.Scope = u.Query().Get("agentid"), u.Query().Get("scope")
	}
	return p
}
