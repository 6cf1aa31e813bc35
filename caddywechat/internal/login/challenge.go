package login

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// ServeLogin starts a login, by the account that is asked for or the one that serves the browser. A visitor whose
// session is what is asked for goes straight on, but for one who names an account: that is how people switch.
func (f *Flow) ServeLogin(w http.ResponseWriter, r *visitor.Request) error {
	query := r.URL.Query()
	if f.isOnOtherHost(r) {
		return f.goToPublicHost(w, r)
	}
	profile, name := query.Get("profile") == "1", query.Get("account")
	target := f.fitTarget(r, f.Site.ReturnTo(query.Get("return_to")))
	if name != "" {
		one := f.Accounts.Redirector(name, r.Origin.Hostname())
		if one == nil {
			return f.Answers.Problem(w, r, problem.BadRequest, page.Data{Action: "/"})
		}
		return f.start(w, r, start{account: one, profile: profile, target: target})
	}
	live, err := f.Sessions.Find(r)
	switch {
	case err != nil:
		return f.Answers.Fail(w, r, problem.Store, err)
	case f.satisfies(live, profile):
		f.Answers.Redirect(w, http.StatusFound, site.Location(r.Origin.String(), target))
		return nil
	default:
		return f.Choose(w, r, profile, query.Get("scan") == "1", target)
	}
}

// Challenge answers a request whose session, nil where there is none, is not what is asked for: it sends a person to a
// login, and tells a program where one starts.
func (f *Flow) Challenge(w http.ResponseWriter, r *visitor.Request, s *session.Session, profile bool) error {
	found := f.Accounts.For(r.Client(), r.Origin.Hostname())
	switch {
	case len(r.Tokens) > 0 && s == nil: // no reason to take the program for somebody else
		return f.TokenRequired(w, r)
	case len(r.Tokens) > 0:
		return f.Answers.Problem(w, r, problem.NoProfile, page.Data{Action: "/"})
	case visitor.IsFormOrFrame(r.Request):
		return f.askToLogIn(w, r, s, profile, found)
	case !visitor.IsNavigation(r.Request) && s != nil && !account.CanBringProfile(found):
		return f.Answers.Problem(w, r, problem.NoProfile, page.Data{Action: "/"})
	case !visitor.IsNavigation(r.Request) && s != nil:
		return f.Answers.ToProgram(w, r, problem.ProfileRequired, f.Site.LoginURL(f.Site.PageOf(r), true))
	case !visitor.IsNavigation(r.Request):
		return f.Answers.ToProgram(w, r, problem.LoginRequired, f.Site.LoginURL(f.Site.PageOf(r), false))
	case f.isOnOtherHost(r):
		return f.goToPublicHost(w, r)
	case len(found) > 0 && f.mayHaveFragment(r):
		return f.askForFragment(w, r, profile)
	default:
		return f.Choose(w, r, profile, false, r.Target())
	}
}

// askToLogIn shows a visitor who posted a form, or who sees a frame, a page whose button starts a login in the whole
// window. It returns to the page where the form or the frame was; where that is another site's, to what it led to.
func (f *Flow) askToLogIn(
	w http.ResponseWriter, r *visitor.Request, s *session.Session, profile bool, found []account.Redirector,
) error {
	if s != nil && !account.CanBringProfile(found) {
		return f.Answers.Problem(w, r, problem.NoProfile, page.Data{Action: "/"})
	}
	back, ok := f.Site.Referer(r)
	if !ok {
		back = f.Site.ReturnTo(r.Target())
	}
	f.Answers.Page(w, r, problem.LoginNeeded.Status, problem.LoginNeeded.Page, page.Data{
		Action: f.Site.LoginURL(back, profile),
		Unsent: ok && r.Method == http.MethodPost, // what another site posts is not for the visitor to repeat
	})
	return nil
}

// hopCookie marks a browser that was sent to the public host, for the moment that it takes to get there.
var hopCookie = session.OwnCookie("wechat_hop")

const (
	hopFor = 10 * time.Second
	// maxHop is the length in bytes of the longest address that goes to the public host as it is: the head of the
	// answer has to fit into a proxy's buffer.
	maxHop = 3400
)

// isOnOtherHost reports whether the browser is on another host than public_url, where cookies would not be found again.
// A browser that comes back with the mark of being sent there was on the public host before: a proxy in front changes
// the Host header.
func (f *Flow) isOnOtherHost(r *visitor.Request) bool {
	isMarked := func(c visitor.Cookie) bool { return c.Name == hopCookie }
	return f.Site.IsOtherHost(r) && !slices.ContainsFunc(r.Cookies, isMarked)
}

func (f *Flow) goToPublicHost(w http.ResponseWriter, r *visitor.Request) error {
	target := r.Target()
	if len(target) > maxHop {
		target = f.fitTarget(r, target)
	}
	http.SetCookie(w, session.Cookie(hopCookie, "1", hopFor, r.TLS != nil))
	f.Answers.Redirect(w, http.StatusFound, r.Origin.String()+target)
	return nil
}

// mayHaveFragment reports whether the browser's address may go on behind a #, which only a page of ours can find out.
// An address that the login endpoint would not take as it is goes without.
func (f *Flow) mayHaveFragment(r *visitor.Request) bool {
	return f.KeepFragment && r.Method == http.MethodGet && f.Site.ReturnTo(r.Target()) == r.Target()
}

// askForFragment answers with a page that goes on to the login endpoint with the whole address.
func (f *Flow) askForFragment(w http.ResponseWriter, r *visitor.Request, profile bool) error {
	action := f.Site.Prefix() + "/login?"
	if profile {
		action += "profile=1&"
	}
	f.Answers.Page(w, r, http.StatusOK, page.Fragment, page.Data{
		Action: action + "return_to=" + url.QueryEscape(r.Target()), // the page's script appends to it
	})
	return nil
}
