package login

import (
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// target returns where a callback returns to. A spent attempt keeps no target: this instance knows it for a minute,
// then the URL has it, or the store.
func (f *Flow) target(c *callback) string {
	if c.attempt.IsSpent() {
		result, _, _ := f.Memory.recent.Known(f.attemptKey(c.Origin, c.attempt), f.Now())
		if result.Target != "" {
			return result.Target
		}
	}
	if target := f.targetOf(c.Request, c.attempt); target != "" {
		return target
	}
	return f.fitTarget(c.Request, f.Site.ReturnTo(c.URL.Query().Get("to")))
}

// attempts opens the attempts that the visitor's browser carries. One that this instance has finished is spent, whether
// the browser kept the answer or not.
func (f *Flow) attempts(r *visitor.Request, k *keys) Attempts {
	attempts := ReadAttempts(r.Cookies, k.attempt, f.Site.Scope(r.Origin), r.Origin.Secure(), f.Now())
	attempts.Recall(func(a Attempt) Attempt {
		result, started, ok := f.Memory.recent.Known(f.attemptKey(r.Origin, a), f.Now())
		if !ok || result.Err != nil {
			return a
		}
		return a.Spend(result.Session.Expiry(f.Sessions.Policy), started)
	})
	return attempts
}

// isFinished reports whether this instance knows what came of a callback's attempt.
func (f *Flow) isFinished(c *callback) bool {
	_, _, ok := f.Memory.recent.Known(f.attemptKey(c.Origin, c.attempt), f.Now())
	return ok
}

// lastResult returns the session that a spent attempt brought, if that was on this instance within the last minute and
// it still lives.
func (f *Flow) lastResult(c *callback) (s session.Session, ok bool) {
	result, _ := f.Memory.recent.Last(c.Context(), f.attemptKey(c.Origin, c.attempt), f.Now())
	if result.Err != nil { // mutants: equivalent, no session comes with an error
		return s, false
	}
	return result.Session, f.Sessions.IsLive(&result.Session, f.Sessions.Policy) // as none is without a result
}

// isRepeatable reports whether a callback whose attempt is spent can be answered without another login.
func (f *Flow) isRepeatable(c *callback) bool {
	_, ok := f.lastResult(c)
	return ok || f.satisfies(c.live, c.attempt.Profile)
}

// repeat answers a callback whose attempt is spent as the first one was answered, or sends a visitor with a session on.
// A browser may ask twice now and then; one that does it again and again is in a loop.
func (f *Flow) repeat(w http.ResponseWriter, c *callback) error {
	restarts, _ := f.restartsBefore(c.Request, c.attempt.Profile, c.attempts, c.keys)
	isNavigation := visitor.IsNavigation(c.Request.Request)
	if isNavigation && restarts.Exceeded(f.Now()) {
		return f.stopLoop(w, c.Request, c.keys, c.attempt.Profile, c.target, causeRepeats)
	}
	var cookies []*http.Cookie
	who := c.live
	if s, ok := f.lastResult(c); ok {
		cookie, err := f.Sessions.Cookie(c.Context(), c.Origin, s)
		if err != nil {
			return f.Answers.Fail(w, c.Request, problem.Internal, err)
		}
		cookies, who = append(cookies, cookie), &s
	}
	if isNavigation {
		cookie, err := f.restartsCookie(c.Request, restarts.Add(f.Now()), c.keys)
		if err != nil { // mutants: equivalent, what is so small can be sealed
			return f.Answers.Fail(w, c.Request, problem.Internal, err)
		}
		cookies = append(cookies, cookie)
	}
	// The first answer may have been lost, and with it that the attempt is spent.
	spent, err := f.spentCookie(c, c.attempt)
	if err != nil { // mutants: equivalent, what is so small can be sealed
		return f.Answers.Fail(w, c.Request, problem.Internal, err)
	}
	f.ended(c, event.Repeated, "", who)
	f.redirectHome(w, c, cookies, spent)
	return nil
}

// goHome gives the browser its session, marks the attempt as spent, and sends the visitor to the page they asked for.
func (f *Flow) goHome(w http.ResponseWriter, c *callback, s session.Session) error {
	cookie, err := f.Sessions.Cookie(c.Context(), c.Origin, s)
	if err != nil {
		return f.Answers.Fail(w, c.Request, problem.Internal, err)
	}
	spent, err := f.spentCookie(c, c.attempt.Spend(s.Expiry(f.Sessions.Policy), f.Now()))
	if err != nil { // mutants: equivalent, what is so small can be sealed
		return f.Answers.Fail(w, c.Request, problem.Internal, err)
	}
	f.emit(event.Callback, event.LoggedIn, c.Request, event.Event{
		Account: c.account.Kind(), AppID: account.Ref(c.account), UserID: f.Sessions.UserID(&s), Session: s.ID.String(),
	})
	rest := append(f.resetRestarts(c.Request, c.keys), f.choice(c.Request, c.account)...)
	f.redirectHome(w, c, []*http.Cookie{cookie, spent}, rest...)
	return nil
}

// spentCookie returns the cookie of a callback's attempt once it is spent.
func (f *Flow) spentCookie(c *callback, spent Attempt) (*http.Cookie, error) {
	sealed, err := c.keys.attempt.Seal(f.Site.Scope(c.Origin), spent)
	return c.attempts.Cookie(c.slot, sealed, spent, f.Now()), err
}

// redirectHome sends the visitor to the page they asked for, with cookies, and with those of rest for which there is
// room.
func (f *Flow) redirectHome(w http.ResponseWriter, c *callback, cookies []*http.Cookie, rest ...*http.Cookie) {
	location := site.Location(c.Origin.String(), c.target)
	for _, cookie := range rest {
		if headSize(location, append(cookies, cookie)...) <= maxHome {
			cookies = append(cookies, cookie)
		}
	}
	setCookies(w, cookies...)
	f.Answers.Redirect(w, http.StatusFound, location)
}

// maxHome is how many bytes Location and Set-Cookie have of the answer that sends a visitor home: a long session and a
// long address leave less room than elsewhere.
const maxHome = 3850
