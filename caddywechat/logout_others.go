package caddywechat

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// logoutOthers ends all sessions and tokens of the person but the one that the request came with, which goes on as a
// new one: a copy of it that somebody else has ends with the others.
func (h *Handler) logoutOthers(w http.ResponseWriter, v *visit, returnTo string) error {
	target := login.ReturnTo(returnTo, h.Prefix)
	switch {
	case v.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return h.answer(w, v, problemMethod, page.Data{Action: "/"})
	case len(v.tokens) == 0 && isFromElsewhere(v): // no page of another site has a token
		action := h.Prefix + "/logout?others=1&return_to=" + url.QueryEscape(target)
		h.show(w, v, http.StatusOK, page.ConfirmLogout, page.Data{Action: action, Others: true})
		return nil
	}
	s, err := h.liveSession(v)
	switch {
	case err != nil:
		return h.fail(w, v, problemStore, err)
	case s == nil && len(v.tokens) == 0 && visitor.WantsPage(v.Request):
		redirect(w, http.StatusSeeOther, target) // which asks for a login, if it needs one
		return nil
	case s == nil:
		return h.loginRequired(w, v)
	}
	a := h.voucher(s)
	fresh, wait := h.endOthers(v, a, s)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
		return h.answer(w, v, problemTooSoon, page.Data{Action: target})
	}
	if len(v.tokens) > 0 {
		return h.giveToken(w, v, a, fresh)
	}
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	sealed, err := sealers.session[asCookie].Seal(h.site(v.origin), fresh)
	if err != nil {
		return h.fail(w, v, problemInternal, err)
	}
	http.SetCookie(w, h.cookies.New(sealed, fresh.End(h.lives).Sub(h.now()), v.origin.secure()))
	redirect(w, http.StatusSeeOther, target)
	return nil
}

// endOthers ends all sessions of a person, and returns the one that takes the place of s: of the same login, and with
// its end. Where that cannot be yet it ends none, and returns how long to wait.
func (h *Handler) endOthers(v *visit, a account.Account, s *session.Session) (fresh session.Session, wait time.Duration) {
	r, at, wait := h.replace(v, a, s)
	if wait > 0 {
		return fresh, wait
	}
	// A store that fails is logged by its watch. The sessions are over here all the same.
	err := h.revoke(v.Context(), pendingRecord{operatorJournal, nil, []session.Revocation{r}})
	fresh = *s
	fresh.ID, fresh.Survives = session.NewID(), at
	fresh.Identity = s.Identity.Without(identity.ID) // which follows from the rest and from the configuration
	h.logger.Info("logout", v.log(zap.String("outcome", "revoked"), zap.String("account", a.Kind()),
		zap.String("user_id", h.person(a, s.Identity)), zap.Bool("stored", err == nil), zap.Stringer("session", fresh.ID))...)
	return fresh, 0
}

// replace revokes a person's sessions here, for another one than s to survive that at. Of several requests with the same
// session one is the first, and the others have to come again, with what it brought.
func (h *Handler) replace(v *visit, a account.Account, s *session.Session) (r session.Revocation, at time.Time, wait time.Duration) {
	h.shared.replacing.Lock()
	defer h.shared.replacing.Unlock()
	if !h.isLive(s, h.livesOf(v)) {
		return r, at, time.Second
	}
	names, now := ownNames(a, s.Identity), h.now()
	if at, wait = h.shared.revoked.NextInPlaceOf(s, now, names...); wait > 0 {
		return r, at, wait
	}
	r = session.RevokePerson(at, now.Add(session.LongestLife), names...)
	h.addRevocation(r)
	return r, at, 0
}
