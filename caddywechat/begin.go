package caddywechat

import (
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
)

// start is a login to begin.
type start struct {
	account account.Redirector
	profile bool   // whether the person's profile is needed
	target  string // where the visitor lands

	// The rest is for a start that a callback led to.
	rounds login.Rounds // with the one that just ended
	cause  loopCause    // why it led to none
	place  *int         // the place of the attempt that this one stands in for, nil: a free one
}

// begin sends the visitor to the account's login page, with the attempt in a cookie.
func (h *Handler) begin(w http.ResponseWriter, v *visit, s start) error {
	if v.origin.host == "" {
		return h.answer(w, v, problemBadRequest, page.Data{})
	}
	if !h.isInDomain(v.origin) {
		if h.domainHint.allow(h.now()) {
			h.logger.Warn("a login on a host that the session's domain does not cover: no browser would keep the cookie",
				v.log(zap.String("domain", h.cookies.Domain))...)
		}
		return h.answer(w, v, problemBadRequest, page.Data{})
	}
	h.hintAtSilentProxy(v)
	consent := s.account.Consent(s.profile)
	if consent == account.Never {
		return h.answer(w, v, problemNoProfile, page.Data{Action: "/"})
	}
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	now := h.now()
	attempts := h.attempts(v, sealers)
	rounds := s.rounds
	if rounds == nil {
		rounds, s.cause = h.lostRounds(v, s.profile, attempts, sealers)
	}
	if rounds.Exceeded(now) {
		return h.stopLoop(w, v, attempts, s)
	}
	place := attempts.Free()
	if s.place != nil {
		place = *s.place
	}
	attempt := login.NewAttempt(sealers.state.NewState(rounds), s.account.Kind(), s.profile, s.target, now)
	sealed, err := sealers.attempt.Seal(h.site(v.origin), attempt)
	if err != nil {
		return h.fail(w, v, problemInternal, err)
	}
	http.SetCookie(w, attempts.Cookie(place, sealed, attempt, now))
	authorize := s.account.AuthorizeURL(v.client(), h.callbackURL(v.origin, attempt.Target), attempt.State, s.profile)
	if consent == account.AskFirst {
		h.show(w, v, http.StatusOK, page.Consent, page.Data{Action: authorize})
		return nil
	}
	redirect(w, http.StatusFound, authorize)
	return nil
}

// lostRounds returns the rounds of a visitor whose last login led to a session that did not come back, or to one that
// still lacks the profile that it was to bring.
func (h *Handler) lostRounds(v *visit, profile bool, attempts login.Attempts, s *sealers) (login.Rounds, loopCause) {
	live, _ := h.liveSession(v)
	switch {
	case live == nil:
		return attempts.LostRounds(s.state, false, h.now()), loopCookies
	case profile && !h.hasProfile(live.Identity):
		return attempts.LostRounds(s.state, true, h.now()), loopProfile
	default:
		return nil, ""
	}
}

// stopLoop shows a visitor why the login does not come to an end. It forgets the attempts, so that the retry is one.
func (h *Handler) stopLoop(w http.ResponseWriter, v *visit, attempts login.Attempts, s start) error {
	for _, c := range attempts.RemoveAll() {
		http.SetCookie(w, c)
	}
	h.logger.Warn("login loop stopped", v.log(zap.String("reason", string(s.cause)))...)
	return h.answer(w, v, problemTooMany, page.Data{Action: h.loginURL(s.target, s.profile), NoCookies: s.cause == loopCookies})
}

// loopCause is why logins of a browser lead to more logins.
type loopCause string

const (
	loopCookies loopCause = "the browser does not keep the cookies, or instances of the site have different session keys"
	loopRefused loopCause = "WeChat keeps refusing the codes"
	loopProfile loopCause = "WeChat does not give the profile that was asked for"
)

// attempts opens the attempts that the visitor's browser carries.
func (h *Handler) attempts(v *visit, s *sealers) login.Attempts {
	return login.ReadAttempts(v.cookies, s.attempt, h.site(v.origin), v.origin.secure(), h.now())
}

// maxTo is the length in bytes of the longest target that stands in a callback's URL.
const maxTo = 512

func (h *Handler) callbackURL(o origin, target string) string {
	u := o.String() + h.Prefix + "/callback"
	if len(target) <= maxTo {
		u += "?to=" + url.QueryEscape(target)
	}
	return u
}

// loginURL returns the path that begins a login by itself, with the person's profile or without.
func (h *Handler) loginURL(target string, profile bool) string {
	u := h.Prefix + "/login?return_to=" + url.QueryEscape(target)
	if profile {
		u += "&profile=1"
	}
	return u
}

// hopCookie marks a browser that was sent to the public host, for the moment that it takes to get there.
const (
	hopCookie = "wechat_hop"
	hopFor    = 10 * time.Second
)

// comesByAnotherHost reports whether the browser is on another host than public_url, where cookies would not be found
// again. A browser that comes back with the mark of being sent there was on the public host before: a proxy in front
// changes the Host header.
func (h *Handler) comesByAnotherHost(v *visit) bool {
	if h.public == nil || h.requestOrigin(v.Request).hostname() == h.public.hostname() {
		return false
	}
	for _, c := range v.cookies {
		if c.Name == hopCookie {
			return false
		}
	}
	return true
}

func (h *Handler) goToPublicHost(w http.ResponseWriter, v *visit) error {
	http.SetCookie(w, session.Cookie(hopCookie, "1", hopFor, v.TLS != nil))
	redirect(w, http.StatusFound, v.origin.String()+target(v.Request))
	return nil
}

// redirect answers with the bytes of location as they are.
func redirect(w http.ResponseWriter, status int, location string) {
	header := w.Header()
	header["Location"] = []string{location}
	header.Set("Referrer-Policy", "no-referrer")
	setOwnHeaders(header)
	writeOwnHeader(w, status)
}
