package caddywechat

import (
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
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
	attempts := h.attempts(v, sealers)
	if s.rounds == nil {
		s.rounds, s.cause = h.roundsBefore(v, s.profile, attempts, sealers)
	}
	if s.rounds.Exceeded(h.now()) {
		return h.stopLoop(w, v, sealers, s.profile, s.target, s.cause)
	}
	s.target = h.fitTarget(v, s.target)
	ask, err := h.prepare(v, s, attempts, sealers)
	if err != nil {
		return h.fail(w, v, problemInternal, err)
	}
	for _, c := range ask.cookies {
		http.SetCookie(w, c)
	}
	h.noteBegun(v, s.account)
	if consent == account.AskFirst {
		h.show(w, v, http.StatusOK, page.Consent, page.Data{Action: ask.url})
		return nil
	}
	redirect(w, http.StatusFound, ask.url)
	return nil
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
var hopCookie = session.OwnCookie("wechat_hop")

const hopFor = 10 * time.Second

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
	target := target(v.Request)
	if len(target) > maxHop {
		target = h.fitTarget(v, target)
	}
	http.SetCookie(w, session.Cookie(hopCookie, "1", hopFor, v.TLS != nil))
	redirect(w, http.StatusFound, v.origin.String()+target)
	return nil
}

// maxHop is the length in bytes of the longest address that goes to the public host as it is: the head of the answer
// has to fit into a proxy's buffer.
const maxHop = 3400

// redirect answers with the bytes of location as they are.
func redirect(w http.ResponseWriter, status int, location string) {
	header := w.Header()
	header["Location"] = []string{location}
	header.Set("Referrer-Policy", "no-referrer")
	setOwnHeaders(header)
	writeOwnHeader(w, status)
}
