package caddywechat

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// landing returns where a callback leads. A spent attempt keeps no target: this instance knows it for a minute, then
// the URL has it, or the store.
func (h *Handler) landing(c *returning) string {
	isSpent := c.known && c.attempt.IsSpent()
	if isSpent {
		if result, _, ok := h.memory.recent.Known(h.recentKey(c), h.now()); ok && result.Landing != "" {
			return result.Landing
		}
	}
	if c.known && (!isSpent || c.attempt.Waits) {
		if target := h.targetOf(c.visit, c.attempt); target != "" {
			return target
		}
	}
	return h.fitTarget(c.visit, login.ReturnTo(c.URL.Query().Get("to"), h.Prefix))
}

// attempts opens the attempts that the visitor's browser carries. One that this instance has finished is spent,
// whether the browser took note or not.
func (h *Handler) attempts(v *visit, s *sealers) login.Attempts {
	attempts := login.ReadAttempts(v.cookies, s.attempt, h.site(v.origin), v.origin.secure(), h.now())
	attempts.Recall(func(a login.Attempt) login.Attempt {
		result, begun, ok := h.memory.recent.Known(h.attemptKey(v.origin, a), h.now())
		if a.IsSpent() || !ok || result.Err != nil {
			return a
		}
		return a.Spend(result.Session.End(h.lives), begun)
	})
	return attempts
}

// isFinished reports whether this instance knows what a callback's attempt led to.
func (h *Handler) isFinished(c *returning) bool {
	_, _, ok := h.memory.recent.Known(h.recentKey(c), h.now())
	return ok
}

// lastResult returns the session that a spent attempt led to, if that was on this instance within the last minute and
// it still lives.
func (h *Handler) lastResult(c *returning) (s session.Session, ok bool) {
	result, ok := h.memory.recent.Last(c.Context(), h.recentKey(c), h.now())
	return result.Session, ok && result.Err == nil && h.isLive(&result.Session, h.lives)
}

// isRepeatable reports whether a callback whose attempt is spent can be answered without another login.
func (h *Handler) isRepeatable(c *returning) bool {
	_, ok := h.lastResult(c)
	return ok || h.hasWhatWasAskedFor(c)
}

// repeat answers a callback whose attempt is spent as the first one was answered, or leads a visitor with a session
// on. A browser may ask twice now and then; one that does it again and again is in a loop.
func (h *Handler) repeat(w http.ResponseWriter, c *returning) error {
	rounds, _ := h.roundsBefore(c.visit, c.attempt.Profile, c.attempts, c.sealers)
	isNavigation := visitor.IsNavigation(c.Request)
	if isNavigation && rounds.Exceeded(h.now()) {
		return h.stopLoop(w, c.visit, c.sealers, c.attempt.Profile, c.landing, loopRepeats)
	}
	var cookies []*http.Cookie
	id := identityOf(c.live)
	if s, ok := h.lastResult(c); ok {
		cookie, err := h.sessionCookie(c, s)
		if err != nil {
			return h.fail(w, c.visit, problemInternal, err)
		}
		cookies, id = append(cookies, cookie), s.Identity
	}
	if isNavigation {
		cookie, err := h.roundsCookie(c.visit, rounds.Add(h.now()), c.sealers)
		if err != nil {
			return h.fail(w, c.visit, problemInternal, err)
		}
		cookies = append(cookies, cookie)
	}
	// The first answer may have been lost, and with it that the attempt is spent.
	spent, err := h.spentCookie(c, c.attempt)
	if err != nil {
		return h.fail(w, c.visit, problemInternal, err)
	}
	h.logReturn(c, "repeated", id)
	return h.goHome(w, c, cookies, spent)
}

// land gives the browser its session, marks the attempt as spent, and sends the visitor to the page they asked for.
func (h *Handler) land(w http.ResponseWriter, c *returning, s session.Session) error {
	cookie, err := h.sessionCookie(c, s)
	if err != nil {
		return h.fail(w, c.visit, problemInternal, err)
	}
	spent, err := h.spentCookie(c, c.attempt.Spend(s.End(h.lives), h.now()))
	if err != nil {
		return h.fail(w, c.visit, problemInternal, err)
	}
	h.logReturn(c, "logged in", s.Identity, zap.Stringer("session", s.ID))
	rest := append(h.forgetRounds(c.visit, c.sealers), h.choice(c.visit, c.account)...)
	return h.goHome(w, c, []*http.Cookie{cookie, spent}, rest...)
}

// spentCookie returns the cookie of a callback's attempt once it is spent.
func (h *Handler) spentCookie(c *returning, spent login.Attempt) (*http.Cookie, error) {
	sealed, err := c.sealers.attempt.Seal(h.site(c.origin), spent)
	return c.attempts.Cookie(c.place, sealed, spent, h.now()), err
}

func (h *Handler) sessionCookie(c *returning, s session.Session) (*http.Cookie, error) {
	sealed, err := c.sealers.session[asCookie].Seal(h.site(c.origin), s)
	return h.cookies.New(sealed, s.End(h.lives).Sub(h.now()), c.origin.secure()), err
}

// goHome sends the visitor to the page they asked for, with cookies, and with those of rest for which there is room.
func (h *Handler) goHome(w http.ResponseWriter, c *returning, cookies []*http.Cookie, rest ...*http.Cookie) error {
	location := login.Location(c.origin.String(), c.landing)
	for _, cookie := range rest {
		if headSize(location, append(cookies, cookie)...) <= maxLanding {
			cookies = append(cookies, cookie)
		}
	}
	for _, cookie := range cookies {
		http.SetCookie(w, cookie)
	}
	redirect(w, http.StatusFound, location)
	return nil
}

// maxLanding is how many bytes Location and Set-Cookie have of the answer that lands a visitor: a long session and a
// long address leave less room than elsewhere.
const maxLanding = 3850
