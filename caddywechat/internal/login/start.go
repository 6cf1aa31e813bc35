package login

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// start is a login to start.
type start struct {
	account account.Redirector
	profile bool   // whether the person's profile is needed
	target  string // where the visitor returns to

	// The rest is for a login that a callback restarts.
	restarts Restarts // with the one that just ended
	cause    cause    // why it brought no session
	slot     *int     // the slot of the attempt that this one replaces, nil: a free one
}

// start sends the visitor to the account's login page, with the attempt in a cookie.
func (f *Flow) start(w http.ResponseWriter, r *visitor.Request, s start) error {
	ask, err := f.begin(w, r, s)
	if ask == nil {
		return err
	}
	setCookies(w, ask.cookies...)
	if visitor.IsNavigation(r.Request) { // nobody else is sent away
		f.countStart(r, s.account)
	}
	if s.account.Consent(s.profile) == account.AskFirst {
		f.Answers.Page(w, r, http.StatusOK, page.Consent, page.Data{Action: ask.url})
		return nil
	}
	f.Answers.Redirect(w, http.StatusFound, ask.url)
	return nil
}

// begin makes the attempt of a login and what the answer consists of. It is nil where no login can start, and where the
// browser is stopped because it is in a loop: then that has been answered.
func (f *Flow) begin(w http.ResponseWriter, r *visitor.Request, s start) (*authorization, error) {
	if r.Origin.Host == "" {
		return nil, f.Answers.Problem(w, r, problem.BadRequest, page.Data{})
	}
	if !f.Site.InDomain(r.Origin) {
		f.domainHint.Do(f.Now(), func() {
			f.Logger.Warn("a login on a host that the session's domain does not cover: "+
				"no browser would keep the cookie",
				event.RequestFields(r, zap.String("domain", f.Site.Domain()))...)
		})
		return nil, f.Answers.Problem(w, r, problem.BadRequest, page.Data{})
	}
	f.Site.CheckScheme(r)
	if s.account.Consent(s.profile) == account.Never {
		return nil, f.Answers.Problem(w, r, problem.NoProfile, page.Data{Action: "/"})
	}
	k, err := f.keys(r)
	if err != nil {
		return nil, f.Answers.Fail(w, r, problem.Store, err)
	}
	attempts := f.attempts(r, k)
	if s.restarts == nil {
		s.restarts, s.cause = f.restartsBefore(r, s.profile, attempts, k)
	}
	if s.restarts.Exceeded(f.Now()) {
		return nil, f.stopLoop(w, r, k, s.profile, s.target, s.cause)
	}
	s.target = f.fitTarget(r, s.target)
	ask, err := f.prepare(r, s, attempts, k)
	if err != nil {
		return nil, f.Answers.Fail(w, r, problem.Internal, err)
	}
	return &ask, nil
}
