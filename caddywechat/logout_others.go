package caddywechat

import (
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
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
	fresh := h.endOthers(v, a, s)
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
// its end.
func (h *Handler) endOthers(v *visit, a account.Account, s *session.Session) session.Session {
	// A store that fails is logged by its watch. The sessions are over here all the same.
	at, err := h.revokePerson(v.Context(), ownNames(a, s.Identity)...)
	fresh := *s
	fresh.ID, fresh.Survives = session.NewID(), at
	fresh.Identity = s.Identity.Without(identity.ID) // which follows from the rest and from the configuration
	h.logger.Info("logout", v.log(zap.String("outcome", "revoked"), zap.String("account", a.Kind()),
		zap.String("user_id", h.person(a, s.Identity)), zap.Bool("stored", err == nil), zap.Stringer("session", fresh.ID))...)
	return fresh
}
