package caddywechat

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
)

// loopCause is why logins of a browser lead to more logins.
type loopCause string

const (
	loopCookies loopCause = "the browser does not keep the cookies, or instances of the site have different session keys"
	loopRefused loopCause = "WeChat keeps refusing the codes"
	loopProfile loopCause = "WeChat does not give the profile that was asked for"
	loopState   loopCause = "callbacks come without the state that they were begun with: something between here and " +
		"the browser changes the URL"
	loopAccount loopCause = "the account that a login was begun with is gone: instances of the site have different " +
		"accounts"
	loopRepeats loopCause = "the browser repeats callbacks that were answered: a cache may keep the module's " +
		"answers; look for Cache-Control in a header directive"
)

// roundsBefore returns the rounds that a visitor's browser has been through, as far as its cookies tell, and what
// they come of.
func (h *Handler) roundsBefore(v *visit, profile bool, attempts login.Attempts, s *sealers) (login.Rounds, loopCause) {
	live, _ := h.liveSession(v)
	cause := loopCookies
	isLost := func(login.Attempt) bool { return live == nil }
	if live != nil && profile && !h.hasProfile(live.Identity) {
		cause = loopProfile
		isLost = func(a login.Attempt) bool { return a.Profile }
	}
	now := h.now()
	counted, _ := h.countedRounds(v, s)
	led := attempts.Rounds(s.state, isLost, now)
	rounds := login.Longest(now, led, counted)
	if len(rounds) > len(led) {
		cause = loopRepeats
	}
	return rounds, cause
}

// rounds returns the browser's rounds with the one that ends here.
func (h *Handler) rounds(c *returning) login.Rounds {
	now := h.now()
	rounds, _ := h.roundsBefore(c.visit, c.attempt.Profile, c.attempts, c.sealers)
	// What the state says counts for a browser that does not show that it keeps our cookies. Another's state must not
	// stop one that does.
	if !c.keepsCookies(h) {
		rounds = login.Longest(now, rounds, c.sealers.state.Rounds(c.state))
	}
	rounds = rounds.Add(now)
	// Instances with different keys pass the visitor to and fro, and leave a cookie each time. One of them is this
	// round's; a few may be left from before the key was changed.
	for range min(c.attempts.Foreign()-foreignAllowed, login.MaxRounds) {
		rounds = rounds.Add(now)
	}
	return rounds
}

// foreignAllowed is how many attempts that do not open count as nothing more than left over.
const foreignAllowed = 3

// keepsCookies reports whether the browser sent any of a login's cookies that was made here.
func (c *returning) keepsCookies(h *Handler) bool {
	counted, _ := h.countedRounds(c.visit, c.sealers)
	return c.attempts.AnyOpen() || len(counted) > 0
}

// countedRounds returns the rounds in the browser's cookie, and whether it sent one at all.
func (h *Handler) countedRounds(v *visit, s *sealers) (rounds login.Rounds, sent bool) {
	return login.ReadRounds(v.cookies, s.attempt, h.roundsSite(v.origin), v.origin.secure())
}

// roundsSite is what rounds are sealed for, with the key of the attempts that they are about: neither opens as the
// other.
func (h *Handler) roundsSite(o origin) string { return h.site(o) + "|rounds" }

func (h *Handler) roundsCookie(v *visit, rounds login.Rounds, s *sealers) (*http.Cookie, error) {
	sealed, err := s.attempt.Seal(h.roundsSite(v.origin), rounds)
	if err != nil {
		return nil, err
	}
	return login.RoundsCookie(sealed, v.origin.secure()), nil
}

// forgetRounds returns the cookie that lets the browser's rounds count no more, none where it sent none.
func (h *Handler) forgetRounds(v *visit, s *sealers) []*http.Cookie {
	if _, sent := h.countedRounds(v, s); !sent {
		return nil
	}
	return []*http.Cookie{login.RoundsCookie("", v.origin.secure())}
}

// forgetLogins ends the logins that the browser has begun, and with them its rounds.
func (h *Handler) forgetLogins(w http.ResponseWriter, v *visit, s *sealers) {
	for _, c := range append(h.attempts(v, s).RemoveAll(), h.forgetRounds(v, s)...) {
		http.SetCookie(w, c)
	}
}

// stopLoop shows a visitor why the login does not come to an end. It forgets all that tells of rounds, so that the
// retry begins anew, and leaves logins in other tabs alone.
func (h *Handler) stopLoop(
	w http.ResponseWriter, v *visit, s *sealers, profile bool, target string, cause loopCause,
) error {
	for _, c := range append(h.attempts(v, s).RemoveRounds(s.state, h.now()), h.forgetRounds(v, s)...) {
		http.SetCookie(w, c)
	}
	h.logger.Warn("login loop stopped", v.log(zap.String("reason", string(cause)))...)
	data := page.Data{
		Action:    h.loginURL(target, profile),
		NoCookies: cause == loopCookies,
		Altered:   cause == loopState || cause == loopRepeats || cause == loopAccount,
	}
	return h.answer(w, v, problemTooMany, data)
}
