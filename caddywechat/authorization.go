package caddywechat

import (
	"net/http"
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
)

// authorization is what an answer that sends a visitor to the account's page consists of.
type authorization struct {
	cookies   []*http.Cookie // the attempt's first
	url       string         // where it leads
	fits      bool           // whether its head does
	displaces int            // how many logins of this browser it ends
}

const (
	// maxHead is how many bytes Location and Set-Cookie have of the answer that begins a login. With what else is in
	// its head, of ours, of Caddy and perhaps of the site, they have to fit into nginx's buffer of 4,096.
	maxHead = 3600
	// pageHead is what the head of a page takes that comes instead of a Location.
	pageHead = 900
	// smallTarget is the length in bytes of a target that needs no room worth saving.
	smallTarget = 256
)

// prepare makes an attempt and finds room for it. A target that does not fit, or for which logins in other tabs would
// have to give way, waits in the store. Where that fails it comes along all the same if it can, else its path does.
func (h *Handler) prepare(v *visit, s start, attempts login.Attempts, sealers *sealers) (authorization, error) {
	state := sealers.state.NewState(s.rounds)
	attempt := login.NewAttempt(state, s.account.Kind(), account.Ref(s.account), s.profile, s.target, h.now())
	whole, err := h.compose(v, s, attempts, sealers, attempt)
	if len(s.target) <= smallTarget {
		return whole, err
	}
	isWhole := err == nil && whole.fits
	attempt.Target, attempt.Waits = login.PathOf(s.target, smallTarget), true
	waiting, err := h.compose(v, s, attempts, sealers, attempt)
	if err != nil {
		return authorization{}, err
	}
	if isWhole && whole.displaces <= waiting.displaces {
		return whole, nil
	}
	err = h.keepTarget(v, attempt, s.target)
	switch {
	case err == nil:
		return waiting, nil
	case isWhole:
		return whole, nil
	}
	h.logCut(v, len(s.target), err)
	attempt.Target, attempt.Waits = login.PathOf(s.target, login.MaxTarget), false
	if path, err := h.compose(v, s, attempts, sealers, attempt); err == nil && path.fits {
		return path, nil
	}
	attempt.Target = login.PathOf(s.target, smallTarget)
	return h.compose(v, s, attempts, sealers, attempt)
}

// compose makes the answer of an attempt.
func (h *Handler) compose(
	v *visit, s start, attempts login.Attempts, sealers *sealers, a login.Attempt,
) (ask authorization, err error) {
	sealed, err := sealers.attempt.Seal(h.site(v.origin), a)
	if err != nil {
		return authorization{}, err
	}
	size := attempts.Size(sealed)
	place, removals := attempts.Room(size, s.place)
	ask.displaces = attempts.Displaces(size, s.place)
	ask.cookies = append(ask.cookies, attempts.Cookie(place, sealed, a, h.now()))
	ask.cookies = append(ask.cookies, removals...)
	if len(s.rounds) > 0 {
		rounds, err := h.roundsCookie(v, s.rounds, sealers)
		if err != nil {
			return authorization{}, err
		}
		ask.cookies = append(ask.cookies, rounds)
	}

	head := func() int {
		if s.account.Consent(s.profile) == account.AskFirst {
			return headSize("", ask.cookies...) + pageHead
		}
		return headSize(ask.url, ask.cookies...)
	}
	callback := v.origin.String() + h.Prefix + "/callback"
	to := a.Target
	if a.Waits {
		to = s.target
	}
	if len(to) <= maxTo {
		ask.url = s.account.AuthorizeURL(v.client(), callback+"?to="+url.QueryEscape(to), a.State, s.profile)
	}
	if ask.url == "" || head() > maxHead {
		ask.url = s.account.AuthorizeURL(v.client(), callback, a.State, s.profile)
	}
	ask.fits = head() <= maxHead
	return ask, nil
}

// maxTo is the length in bytes of the longest target that stands in a callback's URL.
const maxTo = 512

// headSize returns how many bytes of an answer's head a Location, "" for none, and cookies take.
func headSize(location string, cookies ...*http.Cookie) int {
	const line = len(": \r\n")
	size := 0
	if location != "" {
		size = len("Location") + len(location) + line
	}
	for _, c := range cookies {
		size += len("Set-Cookie") + len(c.String()) + line
	}
	return size
}
