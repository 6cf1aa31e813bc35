package login

import (
	"net/http"
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// ServeLogout ends the visitor's session, or with others=1 all others of the same person. What a browser asks for by
// itself, such as an image or the next page ahead of a click, does not, and a request that another site caused shows a
// button instead.
func (f *Flow) ServeLogout(w http.ResponseWriter, r *visitor.Request) error {
	returnTo := r.URL.Query().Get("return_to")
	if r.URL.Query().Get("others") == "1" {
		return f.endOthers(w, r, returnTo)
	}
	if r.Method == http.MethodGet && !visitor.IsNavigation(r.Request) {
		w.Header().Set("Allow", http.MethodPost)
		return f.Answers.Problem(w, r, problem.Method, page.Data{Action: "/"})
	}
	isForeign := site.IsCrossSite(r) || r.Method == http.MethodGet && !f.Site.IsSameSite(r)
	if len(r.Tokens) == 0 && isForeign { // no page of another site has a token
		action := f.Site.Prefix() + "/logout?confirmed=1"
		if returnTo != "" {
			action = f.Site.Prefix() + "/logout?return_to=" + url.QueryEscape(f.Site.ReturnTo(returnTo))
		}
		f.Answers.Page(w, r, http.StatusOK, page.ConfirmLogout, page.Data{Action: action})
		return nil
	}
	if err := f.endAll(w, r); err != nil {
		return f.Answers.Fail(w, r, problem.Store, err)
	}
	if returnTo == "" && r.Method == http.MethodPost && r.URL.Query().Get("confirmed") == "1" {
		// A page that can be reloaded and come back to.
		f.Answers.Redirect(w, http.StatusSeeOther, f.Site.Prefix()+"/logout")
		return nil
	}
	if returnTo == "" {
		f.Answers.Page(w, r, http.StatusOK, page.LoggedOut, page.Data{Action: f.Site.LoginURL("/", false)})
		return nil
	}
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	f.Answers.Redirect(w, status, f.fitTarget(r, f.Site.ReturnTo(returnTo)))
	return nil
}

// endAll ends every session that the browser carries. Where there is none it sets nothing.
func (f *Flow) endAll(w http.ResponseWriter, r *visitor.Request) error {
	sessions, err := f.Sessions.FindAll(r)
	if len(sessions) == 0 { // as with an error
		return err
	}
	return f.EndSessions(w, r, sessions...)
}

// EndSessions ends sessions that the browser or the program carries, and with them the logins that it has started. The
// error is the store's: then they go on.
func (f *Flow) EndSessions(w http.ResponseWriter, r *visitor.Request, sessions ...*session.Session) error {
	k, err := f.keys(r)
	if err != nil {
		return err
	}
	// A store that fails is logged by its watch. The sessions are over here all the same.
	err = f.Revoked.EndSessions(r.Context(), sessions...)
	stored := err == nil
	var userIDs []string
	for _, s := range sessions {
		userIDs = append(userIDs, f.Sessions.UserID(s))
		f.emit(event.Logout, event.LoggedOut, r, logoutOf(f.Sessions, s, stored))
	}
	f.Grants.ForgetSoon(userIDs...)
	if len(r.Tokens) > 0 {
		return nil // a program drops its token by itself
	}
	f.resetChoice(w, r)
	http.SetCookie(w, f.Sessions.Removal(r.Origin))
	f.endAttempts(w, r, k)
	return nil
}

// logoutOf is an event about a session that ended.
func logoutOf(sessions *session.Manager, s *session.Session, stored bool) event.Event {
	return event.Event{
		Account: s.Identity.Get(identity.Account), AppID: s.Account, UserID: sessions.UserID(s),
		Session: s.ID.String(), Stored: &stored,
	}
}

// endOthers ends all sessions and tokens of the person but the one that the request came with, which goes on as a new
// one: a copy of it that somebody else has ends with the others.
func (f *Flow) endOthers(w http.ResponseWriter, r *visitor.Request, returnTo string) error {
	target := f.Site.ReturnTo(returnTo)
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return f.Answers.Problem(w, r, problem.Method, page.Data{Action: "/"})
	case len(r.Tokens) == 0 && site.IsCrossSite(r):
		action := f.Site.Prefix() + "/logout?others=1&return_to=" + url.QueryEscape(target)
		f.Answers.Page(w, r, http.StatusOK, page.ConfirmLogout, page.Data{Action: action, Others: true})
		return nil
	}
	s, err := f.Sessions.Find(r)
	switch {
	case err != nil:
		return f.Answers.Fail(w, r, problem.Store, err)
	case s == nil && len(r.Tokens) == 0 && visitor.WantsPage(r.Request):
		f.Answers.Redirect(w, http.StatusSeeOther, target) // which asks for a login, if it needs one
		return nil
	case s == nil:
		return f.LoginRequired(w, r)
	}
	isLive := func() bool { return f.Sessions.IsLive(s, f.Sessions.PolicyOf(r)) }
	fresh, stored, wait := f.Revoked.EndOthers(r.Context(), s, isLive)
	if wait > 0 {
		problem.RetryAfter(w.Header(), wait)
		return f.Answers.Problem(w, r, problem.TooSoon, page.Data{Action: target})
	}
	e := logoutOf(f.Sessions, s, stored)
	e.Session = fresh.ID.String()
	f.emit(event.Logout, event.Revoked, r, e)
	if len(r.Tokens) > 0 {
		return f.GiveToken(w, r, fresh)
	}
	cookie, err := f.Sessions.Cookie(r.Context(), r.Origin, fresh)
	if err != nil {
		return f.Answers.Fail(w, r, problem.Internal, err)
	}
	http.SetCookie(w, cookie)
	f.Answers.Redirect(w, http.StatusSeeOther, target)
	return nil
}
