package caddywechat

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// returning is a visitor whom WeChat sent back.
type returning struct {
	*visit
	sealers  *sealers
	live     *session.Session // nil where there is none
	attempts login.Attempts
	state    string

	// The attempt that the state names, if this browser carries it.
	attempt login.Attempt
	place   int
	known   bool

	// Whom the code is for, if the attempt is known, else whose login begins; nil where the site has no such account.
	account account.Redirector
	landing string // where the visitor lands
}

// callback is where WeChat sends a visitor back to. Every way through it ends at the page that the visitor asked for, at
// another login, or on a page that says what to do.
func (h *Handler) callback(w http.ResponseWriter, v *visit) error {
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	live, err := h.liveSession(v)
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	code := v.URL.Query().Get("code")
	c := h.returning(v, sealers, live)
	if visitor.IsSubresource(v.Request) {
		return h.turnAside(w, c)
	}
	h.noteReturned(c)
	switch {
	case c.known && !c.attempt.IsSpent() && c.account != nil && isCode(code):
		return h.finish(w, c, code)
	case c.known && c.attempt.IsSpent() && h.isRepeatable(c):
		return h.repeat(w, c)
	case h.hasWhatWasAskedFor(c):
		h.logReturn(c, "already logged in", live.Identity)
		redirect(w, http.StatusFound, login.Location(v.origin.String(), c.landing))
		return nil
	case code == "" && c.state != "":
		h.logReturn(c, "declined", nil)
		c.forgetAttempt(w)
		h.forgetChoice(w, c.visit)
		return h.answer(w, v, problemDeclined, page.Data{Action: c.retryURL(h)})
	case !c.known && c.attempts.Foreign() > 0:
		h.logReturn(c, "begun afresh: the attempt was sealed with a key that this instance does not have; all instances of a "+
			"site need the same session key, or the same storage", nil)
		return h.beginAgain(w, c, loopCookies)
	case c.known && c.attempt.IsSpent() && h.isFinished(c):
		h.logReturn(c, "begun afresh: the session that this attempt led to is over", nil)
		return h.beginAgain(w, c, loopCookies)
	case c.known && c.account == nil:
		h.logReturn(c, "begun afresh: the account that this login was begun with is gone", nil)
		return h.beginAgain(w, c, loopAccount)
	case !c.known && c.keepsCookies(h):
		h.logReturn(c, "begun afresh: no attempt of this browser is open", nil)
		return h.beginAgain(w, c, loopState)
	default:
		h.logReturn(c, "begun afresh: no attempt of this browser is open", nil)
		return h.beginAgain(w, c, loopCookies)
	}
}

func (h *Handler) returning(v *visit, s *sealers, live *session.Session) *returning {
	c := &returning{visit: v, sealers: s, live: live, attempts: h.attempts(v, s), state: v.URL.Query().Get("state")}
	if c.attempt, c.place, c.known = c.attempts.Find(c.state); c.known {
		c.account = h.accountOfAttempt(c.attempt)
	} else {
		c.account = h.redirectorFor(v)
	}
	c.landing = h.landing(c)
	return c
}

// accountOfAttempt returns the account that an attempt was begun with, nil where the site no longer has it. No other
// one may exchange its code.
func (h *Handler) accountOfAttempt(a login.Attempt) account.Redirector {
	for _, one := range h.accounts {
		if r, ok := one.(account.Redirector); ok && r.Kind() == a.Kind && (a.Ref == "" || a.Ref == account.Ref(r)) {
			return r
		}
	}
	return nil
}

// turnAside answers a callback that no person goes to: it spends no attempt, begins no login and is no round.
func (h *Handler) turnAside(w http.ResponseWriter, c *returning) error {
	if h.hasWhatWasAskedFor(c) {
		redirect(w, http.StatusFound, login.Location(c.origin.String(), c.landing))
		return nil
	}
	return h.needs(w, c.visit, problemLoginRequired, c.retryURL(h))
}

// isCode reports whether a code can be given to WeChat. Its own have 32 characters, WeCom's up to 512 bytes.
func isCode(code string) bool { return code != "" && len(code) <= 1024 }

// finish exchanges the code of an attempt that is this browser's, and lands the visitor with a new session. Callbacks
// that come twice share one exchange and its result: those that come to this instance, and those that come to others
// where the store allows it.
func (h *Handler) finish(w http.ResponseWriter, c *returning, code string) error {
	result := h.memory.recent.Do(c.Context(), h.recentKey(c), h.now(), func() login.Result {
		// A visitor who leaves, as WeChat does when it asks twice, does not stop the exchange: the code is spent by now.
		result := h.exchangeOnce(context.WithoutCancel(c.Context()), c, code)
		result.Landing = c.landing
		return result
	})
	switch err := result.Err; {
	case err == nil && h.isLive(&result.Session, h.lives):
		return h.land(w, c, result.Session)
	case err == nil:
		h.logReturn(c, "begun afresh: the session that this attempt led to is over", nil)
		return h.beginAgain(w, c, loopCookies)
	case errors.Is(err, account.ErrCodeRefused):
		h.logReturn(c, "begun afresh: WeChat refused the code", nil, zap.Error(err))
		return h.beginAgain(w, c, loopRefused)
	case errors.Is(err, errNeedsConsent):
		h.logReturn(c, "consent needed for the unionid", nil)
		return h.begin(w, c.visit, start{account: c.account, profile: true, target: c.landing, place: &c.place})
	case c.Context().Err() != nil:
		return nil // nobody is there any more
	case errors.Is(err, errSnapshot):
		h.logReturn(c, "snapshot visitor turned away", nil)
		c.forgetAttempt(w)
		return h.answer(w, c.visit, problemSnapshot, page.Data{})
	case errors.Is(err, account.ErrNotAMember):
		h.logReturn(c, "turned away: no member", nil)
		c.forgetAttempt(w)
		h.forgetChoice(w, c.visit)
		return h.answer(w, c.visit, problemNotAMember, page.Data{Action: c.retryURL(h)})
	case errors.Is(err, errNoUnionID):
		c.forgetAttempt(w)
		return h.failLogin(w, c, problemNoUnionID, page.Data{}, err)
	case errors.Is(err, store.ErrStore):
		c.forgetAttempt(w)
		return h.failLogin(w, c, problemStore, page.Data{}, err)
	case errors.Is(err, errTooLong):
		c.forgetAttempt(w)
		return h.failLogin(w, c, problemTooLong, page.Data{}, err)
	default:
		c.forgetAttempt(w)
		return h.failLogin(w, c, problemOf(err), page.Data{Action: c.retryURL(h)}, err)
	}
}

var errSnapshot = errors.New("a snapshot page's visitor is nobody")

func (h *Handler) exchange(ctx context.Context, c *returning, code string) login.Result {
	grant, err := c.account.Exchange(asCaller(ctx, h.networkOf(c.visit)), code, c.attempt.Profile)
	if err != nil {
		return login.Result{Err: err}
	}
	id := grant.Identity.With(identity.Account, c.account.Kind()).With(identity.AppID, c.account.AppID())
	if !admits(c.account, id) {
		return login.Result{Err: account.ErrNotAMember}
	}
	lifetime := h.lives.Lifetime
	if id.Get(identity.Snapshot) != "" {
		if !allowsSnapshots(c.account) {
			return login.Result{Err: errSnapshot}
		}
		lifetime = min(lifetime, snapshotLifetime)
	}
	id, err = h.identify(ctx, c.account, h.keepKnown(c.account, id, c.live))
	switch {
	case errors.Is(err, store.ErrNotFound) && !c.attempt.Profile && c.account.Consent(false) == account.Silent && c.account.Consent(true) != account.Never:
		return login.Result{Err: errNeedsConsent}
	case errors.Is(err, store.ErrNotFound):
		return login.Result{Err: errNoUnionID}
	case err != nil:
		return login.Result{Err: err}
	}
	s, err := h.fit(h.newSession(ctx, c.account, id, lifetime), c.origin)
	if err != nil {
		return login.Result{Err: err}
	}
	h.keepGranted(ctx, c.account, id, grant)
	return login.Result{Session: s}
}

// newSession returns a session that begins now. What was revoked before does not end it.
func (h *Handler) newSession(ctx context.Context, a account.Account, id identity.Identity, lifetime time.Duration) session.Session {
	h.knowRevocations(ctx)
	now := h.now()
	s := session.New(id, now, lifetime)
	s.Account = account.Ref(a)
	names := namesOf(a, id)
	s.Survives = h.shared.revoked.Survives(now, names[:]...)
	return s
}

// snapshotLifetime bounds the session of a person whom WeChat made up.
const snapshotLifetime = time.Hour

// keepKnown adds to an identity what a session of the same person knew: a login for the profile need not bring all that
// a silent one brought, and a silent one in another tab must not take the profile away. Whether it is the same person,
// their account says.
func (h *Handler) keepKnown(a account.Account, id identity.Identity, live *session.Session) identity.Identity {
	if live == nil || !isOf(a, live) || id.Get(identity.Snapshot) != live.Identity.Get(identity.Snapshot) {
		return id
	}
	if person := a.Person(id); person == "" || person != a.Person(live.Identity) {
		return id
	}
	known := func(id identity.Identity, name string) identity.Identity {
		if id.Get(name) != "" {
			return id
		}
		return id.With(name, live.Identity.Get(name))
	}
	id = known(id, identity.UnionID)
	if !h.hasProfile(live.Identity) || h.hasProfile(id) {
		return id
	}
	with := known(known(id, identity.Nickname), identity.Avatar).With(identity.Scope, live.Identity.Get(identity.Scope))
	if !h.hasProfile(with) {
		return id // to this account more belongs to a profile than we know of
	}
	return with
}

// isWhatIsAskedFor reports whether a live session is as good as the one that a login would make.
func (h *Handler) isWhatIsAskedFor(id identity.Identity, profile bool) bool {
	return id.Get(identity.Snapshot) == "" && (!profile || h.hasProfile(id))
}

// hasWhatWasAskedFor reports whether the visitor has a session that is as good as the one that they went to WeChat for.
func (h *Handler) hasWhatWasAskedFor(c *returning) bool {
	return c.live != nil && h.isWhatIsAskedFor(c.live.Identity, c.attempt.Profile)
}

// recentKey names an attempt for [login.Recent]. Its random part is enough; the site is there so that nobody has to
// think about it.
func (h *Handler) recentKey(c *returning) string { return h.attemptKey(c.origin, c.attempt) }

func (h *Handler) attemptKey(o origin, a login.Attempt) string { return h.site(o) + "|" + a.State }

// beginAgain begins another login for a visitor whose callback led to none: a round of what may be a loop.
func (h *Handler) beginAgain(w http.ResponseWriter, c *returning, cause loopCause) error {
	if !visitor.IsNavigation(c.Request) {
		return h.needs(w, c.visit, problemLoginRequired, c.retryURL(h))
	}
	s := start{account: c.account, profile: c.attempt.Profile, target: c.landing, rounds: h.rounds(c), cause: cause}
	if s.account == nil {
		s.account = h.redirectorFor(c.visit) // the attempt's own is gone
	}
	if s.account == nil {
		return h.lead(w, c.visit, s.profile, false, s.target)
	}
	if c.known {
		s.place = &c.place
	}
	return h.begin(w, c.visit, s)
}

// failLogin tells visitor and operator that a login failed, each what they can do.
func (h *Handler) failLogin(w http.ResponseWriter, c *returning, p problem, data page.Data, err error) error {
	fields := c.log(zap.String("outcome", "failed"), zap.Error(err),
		zap.String("account", c.account.Kind()), zap.String("app_id", account.Ref(c.account)), cure(err))
	h.logger.Error("callback", fields...)
	return h.answer(w, c.visit, p, data)
}

// cure is the field of a log line that says what an operator can do about an error, none where that is nothing.
func cure(err error) zap.Field {
	if errors.Is(err, errNoUnionID) {
		return zap.String("cure", "bind the account to an Open Platform account, or write user_id openid")
	}
	if errors.Is(err, errTooLong) {
		return zap.String("cure", cureTooLong)
	}
	if text := weixin.Cure(err); text != "" {
		return zap.String("cure", text)
	}
	return zap.Skip()
}

// problemOf returns what a visitor is told of a failure of WeChat.
func problemOf(err error) problem {
	apiErr, named := errors.AsType[*weixin.Error](err)
	switch {
	case errors.Is(err, weixin.ErrTimeout):
		return problemTimeout
	case errors.Is(err, weixin.ErrBusy):
		return problemBusy
	case errors.Is(err, weixin.ErrUnreadable):
		return problemUnreadable
	case named && !apiErr.IsBusy() && weixin.Cure(err) != "":
		return problemMisconfigured
	default:
		return problemWeChat
	}
}

// retryURL begins the login that failed once more.
func (c *returning) retryURL(h *Handler) string { return h.loginURL(c.landing, c.attempt.Profile) }

func (c *returning) forgetAttempt(w http.ResponseWriter) {
	if c.known {
		http.SetCookie(w, c.attempts.Remove(c.place))
	}
}

// hideFromAccessLog keeps the URL with its code out of access logs; the handler writes a line of its own.
func hideFromAccessLog(r *http.Request) { caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true) }

func (h *Handler) logReturn(c *returning, outcome string, id identity.Identity, fields ...zap.Field) {
	fields = append(fields, zap.String("outcome", outcome))
	if a := h.accountOf(id.Get(identity.Account)); a != nil {
		fields = append(fields, zap.String("account", a.Kind()), zap.String("user_id", h.person(a, id)))
	}
	h.logger.Info("callback", c.log(fields...)...)
}
