package login

import (
	"net/http"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// MaxRestarts is how many restarts a browser may go through within [RestartWindow] before it is stopped.
const MaxRestarts = 3

// RestartWindow is how long a restart counts.
const RestartWindow = time.Minute

// cause is why logins of a browser lead to more logins.
type cause string

const (
	causeCookies cause = "the browser does not keep the cookies, or instances of the site have different session keys"
	causeRefused cause = "WeChat keeps refusing the codes"
	causeProfile cause = "WeChat does not give the profile that was asked for"
	causeState   cause = "callbacks come without the state that they were begun with: something between here and " +
		"the browser changes the URL"
	causeAccount cause = "the account that a login was begun with is gone: instances of the site have different " +
		"accounts"
	causeRepeats cause = "the browser repeats callbacks that were answered: a cache may keep the module's " +
		"answers; look for Cache-Control in a header directive"
)

// restartsBefore returns the restarts of a visitor's browser, as far as its cookies tell, and what they come of.
func (f *Flow) restartsBefore(r *visitor.Request, profile bool, attempts Attempts, k *keys) (Restarts, cause) {
	live, _ := f.Sessions.Find(r)
	why := causeCookies
	isLost := func(Attempt) bool { return live == nil }
	if live != nil && profile && !f.Accounts.HasProfile(live.Account, live.Identity) {
		why = causeProfile
		isLost = func(a Attempt) bool { return a.Profile }
	}
	now := f.Now()
	counted, _ := f.countedRestarts(r, k)
	told := attempts.Restarts(k.state, isLost, now)
	restarts := Longest(now, told, counted)
	if len(restarts) > len(told) {
		why = causeRepeats
	}
	return restarts, why
}

// restarts returns the browser's restarts with the one that a callback is.
func (f *Flow) restarts(c *callback) Restarts {
	now := f.Now()
	restarts, _ := f.restartsBefore(c.Request, c.attempt.Profile, c.attempts, c.keys)
	// What the state says counts for a browser that does not show that it keeps our cookies. Another's state must not
	// stop one that does.
	if !f.keepsCookies(c) {
		restarts = Longest(now, restarts, c.keys.state.Restarts(c.state))
	}
	restarts = restarts.Add(now)
	// Instances with different keys pass the visitor to and fro, and leave a cookie each time. One of them is this
	// one's; a few may be left from before the key was changed.
	for range min(c.attempts.Foreign()-foreignAllowed, MaxRestarts) {
		restarts = restarts.Add(now)
	}
	return restarts
}

// foreignAllowed is how many attempts that do not open count as nothing more than left over.
const foreignAllowed = 3

// keepsCookies reports whether the browser sent any of a login's cookies that was made here.
func (f *Flow) keepsCookies(c *callback) bool {
	counted, _ := f.countedRestarts(c.Request, c.keys)
	return c.attempts.AnyOpen() || len(counted) > 0
}

// countedRestarts returns the restarts in the browser's cookie, and whether it sent one at all.
func (f *Flow) countedRestarts(r *visitor.Request, k *keys) (restarts Restarts, sent bool) {
	return ReadRestarts(r.Cookies, k.attempt, f.restartsScope(r.Origin), r.Origin.Secure())
}

// restartsScope is what restarts are sealed for, with the key of the attempts that they are about: neither opens as the
// other.
func (f *Flow) restartsScope(o visitor.Origin) string { return f.Site.Scope(o) + "|rounds" }

func (f *Flow) restartsCookie(r *visitor.Request, restarts Restarts, k *keys) (*http.Cookie, error) {
	sealed, err := k.attempt.Seal(f.restartsScope(r.Origin), restarts)
	if err != nil { // mutants: equivalent, what is so small can be sealed
		return nil, err
	}
	return RestartsCookie(sealed, r.Origin.Secure()), nil
}

// resetRestarts returns the cookie that lets the browser's restarts count no more, none where it sent none.
func (f *Flow) resetRestarts(r *visitor.Request, k *keys) []*http.Cookie {
	if _, sent := f.countedRestarts(r, k); !sent {
		return nil
	}
	return []*http.Cookie{RestartsCookie("", r.Origin.Secure())}
}

// endAttempts ends the logins that the browser has started, and with them its restarts.
func (f *Flow) endAttempts(w http.ResponseWriter, r *visitor.Request, k *keys) {
	setCookies(w, f.attempts(r, k).RemoveAll()...)
	setCookies(w, f.resetRestarts(r, k)...)
}

// stopLoop shows a visitor why the login does not come to an end. It removes all that tells of restarts, so that the
// retry starts anew, and leaves logins in other tabs alone.
func (f *Flow) stopLoop(
	w http.ResponseWriter, r *visitor.Request, k *keys, profile bool, target string, why cause,
) error {
	setCookies(w, f.attempts(r, k).RemoveRestarted(k.state, f.Now())...)
	setCookies(w, f.resetRestarts(r, k)...)
	f.emit(event.Login, event.Loop, r, event.Event{Reason: string(why)})
	return f.Answers.Problem(w, r, problem.Loop, page.Data{
		Action:    f.Site.LoginURL(target, profile),
		NoCookies: why == causeCookies,
		Altered:   why == causeState || why == causeRepeats || why == causeAccount,
	})
}
