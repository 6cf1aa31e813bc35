package login

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// callback is a visitor whom WeChat sent back.
type callback struct {
	*visitor.Request
	keys     *keys
	live     *session.Session // nil where there is none
	attempts Attempts
	state    string

	// The attempt that the state names, if this browser carries it.
	attempt Attempt
	slot    int
	known   bool

	// Whom the code is for, if the attempt is known, else by whom the login starts; nil where the site has no such
	// account.
	account account.Redirector
	target  string // where the visitor returns to
}

// Reasons for a login to start afresh.
const (
	otherKey = "the attempt was sealed with a key that this instance does not have; all instances of a site need the " +
		"same session key, or the same storage"
	sessionOver = "the session that this attempt led to is over"
	accountGone = "the account that this login was begun with is gone"
	noAttempt   = "no attempt of this browser is open"
	codeRefused = "WeChat refused the code"
)

// Callback is where WeChat sends a visitor back to. Every way through it ends at the page that the visitor asked for,
// at another login, or on a page that says what to do.
func (f *Flow) Callback(w http.ResponseWriter, r *visitor.Request) error {
	k, err := f.keys(r)
	if err != nil {
		return f.Answers.Fail(w, r, problem.Store, err)
	}
	live, err := f.Sessions.Find(r)
	if err != nil {
		return f.Answers.Fail(w, r, problem.Store, err)
	}
	code := r.URL.Query().Get("code")
	c := f.callback(r, k, live)
	if visitor.IsSubresource(r.Request) {
		return f.turnAside(w, c)
	}
	f.countReturn(c)
	switch {
	case c.known && !c.attempt.IsSpent() && c.account != nil && IsCode(code):
		return f.finish(w, c, code)
	case c.attempt.IsSpent() && f.isRepeatable(c):
		return f.repeat(w, c)
	case f.satisfies(live, c.attempt.Profile):
		f.ended(c, event.Repeated, "already logged in", live)
		f.Answers.Redirect(w, http.StatusFound, site.Location(r.Origin.String(), c.target))
		return nil
	case code == "" && c.state != "":
		f.ended(c, event.Declined, "", nil)
		c.removeAttempt(w)
		f.resetChoice(w, r)
		return f.Answers.Problem(w, r, problem.Declined, page.Data{Action: f.retryURL(c)})
	case !c.known && c.attempts.Foreign() > 0:
		return f.restart(w, c, causeCookies, otherKey, nil)
	case c.attempt.IsSpent() && f.isFinished(c):
		return f.restart(w, c, causeCookies, sessionOver, nil)
	case c.known && c.account == nil:
		return f.restart(w, c, causeAccount, accountGone, nil)
	case !c.known && f.keepsCookies(c):
		return f.restart(w, c, causeState, noAttempt, nil)
	default:
		return f.restart(w, c, causeCookies, noAttempt, nil)
	}
}

func (f *Flow) callback(r *visitor.Request, k *keys, live *session.Session) *callback {
	c := &callback{Request: r, keys: k, live: live, attempts: f.attempts(r, k), state: r.URL.Query().Get("state")}
	if c.attempt, c.slot, c.known = c.attempts.Find(c.state); c.known {
		c.account = f.accountOf(r, c.attempt)
	} else {
		c.account = f.accountFor(r)
	}
	c.target = f.target(c)
	return c
}

// accountOf returns the account that an attempt was started with, nil where the site no longer has it. No other one may
// exchange its code.
func (f *Flow) accountOf(r *visitor.Request, a Attempt) account.Redirector {
	if a.Ref == "" { // of a version that knew one account of a kind
		return f.Accounts.Redirector(a.Kind, r.Origin.Hostname())
	}
	found, _ := f.Accounts.Find(a.Kind, a.Ref).(account.Redirector)
	if !f.Accounts.Serves(found, r.Origin.Hostname()) {
		return nil
	}
	return found
}

// turnAside answers a callback that no person goes to: it spends no attempt, starts no login and is no restart.
func (f *Flow) turnAside(w http.ResponseWriter, c *callback) error {
	if f.satisfies(c.live, c.attempt.Profile) {
		f.Answers.Redirect(w, http.StatusFound, site.Location(c.Origin.String(), c.target))
		return nil
	}
	return f.Answers.ToProgram(w, c.Request, problem.LoginRequired, f.retryURL(c))
}

// IsCode reports whether a code can be given to WeChat. Its own have 32 characters, WeCom's up to 512 bytes.
func IsCode(code string) bool { return code != "" && len(code) <= 1024 }

// finish exchanges the code of an attempt that is this browser's, and returns the visitor with a new session. Callbacks
// that come twice share one exchange and its result: those that come to this instance, and those that come to others
// where the store allows it.
func (f *Flow) finish(w http.ResponseWriter, c *callback, code string) error {
	result := f.Memory.recent.Do(c.Context(), f.attemptKey(c.Origin, c.attempt), f.Now(), func() Result {
		// A visitor who leaves, as WeChat does when it asks twice, does not stop the exchange: the code is spent by
		// now.
		result := f.exchangeOnce(context.WithoutCancel(c.Context()), c, code)
		result.Target = c.target
		return result
	})
	err := result.Err
	switch {
	case err == nil && !f.Sessions.IsLive(&result.Session, f.Sessions.Policy):
		return f.restart(w, c, causeCookies, sessionOver, nil)
	case err == nil:
		return f.goHome(w, c, result.Session)
	case errors.Is(err, account.ErrCodeRefused):
		return f.restart(w, c, causeRefused, codeRefused, err)
	case errors.Is(err, errNeedsConsent):
		f.ended(c, event.Restarted, "consent needed for the unionid", nil)
		return f.start(w, c.Request, start{account: c.account, profile: true, target: c.target, slot: &c.slot})
	case c.Context().Err() != nil:
		return nil // nobody is there any more
	}
	c.removeAttempt(w)
	return f.fail(w, c, err)
}

// fail tells visitor and operator that a login failed, each what they can do.
func (f *Flow) fail(w http.ResponseWriter, c *callback, err error) error {
	outcome, p, data := problem.OutcomeOf(err), problem.Of(err), page.Data{}
	e := event.Event{Account: c.account.Kind(), AppID: account.Ref(c.account)}
	if outcome == event.Failed || outcome == event.UnionIDMissing {
		e.Err, e.Cure = err, problem.Cure(err)
	}
	switch p {
	case problem.NotAMember:
		f.resetChoice(w, c.Request)
		data.Action = f.retryURL(c)
	case problem.Snapshot, problem.NoUnionID, problem.Store, problem.TooLong: // another try would bring the same
	default:
		data.Action = f.retryURL(c)
	}
	f.emit(event.Callback, outcome, c.Request, e)
	return f.Answers.Problem(w, c.Request, p, data)
}

// attemptKey names an attempt for [Recent] and for other instances. Its random part is enough; the site is there so
// that nobody has to think about it.
func (f *Flow) attemptKey(o visitor.Origin, a Attempt) string { return f.Site.Scope(o) + "|" + a.State }

// restart starts another login for a visitor whose callback brought no session: it may be one of a loop.
func (f *Flow) restart(w http.ResponseWriter, c *callback, why cause, reason string, err error) error {
	e := event.Event{Reason: reason, Err: err}
	if !visitor.IsNavigation(c.Request.Request) {
		f.emit(event.Callback, event.Restarted, c.Request, e)
		return f.Answers.ToProgram(w, c.Request, problem.LoginRequired, f.retryURL(c))
	}
	s := start{account: c.account, profile: c.attempt.Profile, target: c.target, restarts: f.restarts(c), cause: why}
	if s.account == nil {
		s.account = f.accountFor(c.Request) // the attempt's own is gone
	}
	if s.account == nil || !s.restarts.Exceeded(f.Now()) { // else whoever stops the loop tells
		f.emit(event.Callback, event.Restarted, c.Request, e)
	}
	if s.account == nil {
		return f.Choose(w, c.Request, s.profile, false, s.target)
	}
	if c.known {
		s.slot = &c.slot
	}
	return f.start(w, c.Request, s)
}

// retryURL starts the login that failed once more.
func (f *Flow) retryURL(c *callback) string { return f.Site.LoginURL(c.target, c.attempt.Profile) }

func (c *callback) removeAttempt(w http.ResponseWriter) {
	if c.known {
		http.SetCookie(w, c.attempts.Remove(c.slot))
	}
}

// ended tells how a callback ended, for the person of a session where that is known.
func (f *Flow) ended(c *callback, outcome event.Outcome, reason string, s *session.Session) {
	e := event.Event{Reason: reason}
	if s != nil {
		e.Account, e.AppID = s.Identity.Get(identity.Account), s.Account
		e.UserID = f.Sessions.UserID(s)
	}
	f.emit(event.Callback, outcome, c.Request, e)
}
