package caddywechat

import (
	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

const (
	// maxSessionCookies is how many cookies of the session's name are looked at. A browser sends one.
	maxSessionCookies = 4
	// maxLogoutCookies is how many a logout looks at: planted ones must not keep the real one alive.
	maxLogoutCookies = 64
)

// liveSession returns the visitor's session with whom it stands for, nil where there is none. Nobody may change it. Two
// cookies that both open are none: one of them was planted. The error tells that nobody can know, for want of the key.
func (h *Handler) liveSession(v *visit) (*session.Session, error) {
	sessions, err := h.liveSessions(v, maxSessionCookies)
	if err != nil || len(sessions) != 1 {
		return nil, err
	}
	return sessions[0], nil
}

// liveSessions returns the live session in the token that a program sent, else those in the cookies that the browser sent,
// none where there are more than limit.
func (h *Handler) liveSessions(v *visit, limit int) ([]*session.Session, error) {
	if len(v.tokens) > 0 {
		return h.tokenSession(v)
	}
	var sessions []*session.Session
	seen := 0
	for _, c := range v.cookies {
		if !h.cookies.HasFullName(c.Name, v.origin.secure()) {
			continue
		}
		if seen++; seen > limit {
			return nil, nil
		}
		s, err := h.openSession(v, asCookie, c.Value)
		if err != nil {
			return nil, err
		}
		if s != nil && h.isLive(s, h.lives) {
			sessions = append(sessions, s)
		}
	}
	return sessions, nil
}

// openSession returns the session in a sealed text, with whom it stands for: nil where it does not open at this site, or
// stands for nobody here. Whether it counts is for isLive to say.
func (h *Handler) openSession(v *visit, form form, text string) (*session.Session, error) {
	if len(text) > seal.MaxLength {
		return nil, nil
	}
	h.knowRevocations(v.Context())
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return nil, err
	}
	sealed := session.Sealed{Opener: h.openers[form].Load(), Host: h.siteHost(v.origin), Text: text}
	return h.memory.opened.Open(sealed, func(s *session.Session) bool {
		if !sealers.session[form].Open(h.site(v.origin), text, s) {
			return false
		}
		a := h.voucher(s)
		if a == nil {
			return false
		}
		s.Identity = s.Identity.With(identity.ID, h.person(a, s.Identity))
		return true
	}), nil
}

// voucher returns the account that vouches for a session, nil where the site names it no more. Others of the same kind
// or app id are none of the session's: whom one app of a company lets in is a stranger to the next.
func (h *Handler) voucher(s *session.Session) account.Account {
	for _, a := range h.accounts {
		if isOf(a, s) {
			return a
		}
	}
	return nil
}

// isOf reports whether an account vouches for a session.
func isOf(a account.Account, s *session.Session) bool {
	return a.Kind() == s.Identity.Get(identity.Account) && account.Ref(a) == s.Account
}

// isLive judges a session by the clock and by the configuration of today.
func (h *Handler) isLive(s *session.Session, lives session.Lives) bool {
	a := h.voucher(s)
	if a == nil {
		return false
	}
	return h.person(a, s.Identity) != "" &&
		h.now().Before(s.End(lives)) &&
		(s.Identity.Get(identity.Snapshot) == "" || allowsSnapshots(a)) &&
		admits(a, s.Identity) &&
		!h.isRevoked(a, s)
}

func allowsSnapshots(a account.Account) bool {
	s, ok := a.(account.Snapshots)
	return ok && s.AllowsSnapshots()
}

// admits reports whether an account lets a person in for whom it vouches.
func admits(a account.Account, id identity.Identity) bool {
	admitter, ok := a.(account.Admitter)
	return !ok || admitter.Admits(id)
}

// satisfies reports whether a live session is what is asked for.
func (h *Handler) satisfies(s *session.Session, ask Ask) bool {
	return ask != AskUserinfo || h.hasProfile(s.Identity)
}

// hasProfile reports whether an identity holds the person's profile, which made-up people of snapshot pages never have.
func (h *Handler) hasProfile(id identity.Identity) bool {
	a, ok := h.accountOf(id.Get(identity.Account)).(account.Redirector)
	return ok && id.Get(identity.Snapshot) == "" && a.HasProfile(id)
}

// identityOf returns whom a session stands for, nobody for nil.
func identityOf(s *session.Session) identity.Identity {
	if s == nil {
		return nil
	}
	return s.Identity
}

// site is what sessions and attempts are sealed for: they open nowhere else.
func (h *Handler) site(o origin) string { return h.siteHost(o) + "|" + h.platform }

func (h *Handler) siteHost(o origin) string {
	if h.cookies.Domain != "" {
		return h.cookies.Domain
	}
	return o.hostname()
}
