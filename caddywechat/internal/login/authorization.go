package login

import (
	"net/http"
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// authorization is what an answer that sends a visitor to the account's page consists of.
type authorization struct {
	cookies     []*http.Cookie // the attempt's first
	url         string         // of the account's page
	redirectURI string         // where that sends the visitor back to
	state       string         // with which it does
	fits        bool           // whether its head does
	displaces   int            // how many logins of this browser it ends
}

const (
	// maxHead is how many bytes Location and Set-Cookie have of the answer that starts a login. With what else is in
	// its head, of ours, of Caddy and perhaps of the site, they have to fit into nginx's buffer of 4,096.
	maxHead = 3600
	// pageHead is what the head of a page takes that comes instead of a Location.
	pageHead = 900
	// smallTarget is the length in bytes of a target that needs no room worth saving.
	smallTarget = 256
	// maxTo is the length in bytes of the longest target that stands in a callback's URL.
	maxTo = 512
)

// prepare makes an attempt and finds room for it. A target that does not fit, or for which logins in other tabs would
// have to give way, waits in the store. Where that fails it comes along all the same if it can, else its path does.
func (f *Flow) prepare(r *visitor.Request, s start, attempts Attempts, k *keys) (authorization, error) {
	state := k.state.NewState(s.restarts)
	attempt := NewAttempt(state, s.account.Kind(), account.Ref(s.account), s.profile, s.target, f.Now())
	whole, err := f.compose(r, s, attempts, k, attempt)
	if len(s.target) <= smallTarget {
		return whole, err
	}
	isWhole := whole.fits // which an error is not
	attempt.Target, attempt.Waits = PathOf(s.target, smallTarget), true
	waiting, err := f.compose(r, s, attempts, k, attempt)
	if err != nil {
		return authorization{}, err
	}
	if isWhole && whole.displaces <= waiting.displaces {
		return whole, nil
	}
	err = f.putTarget(r, attempt, s.target)
	switch {
	case err == nil:
		return waiting, nil
	case isWhole:
		return whole, nil
	}
	f.logCut(r, len(s.target), err)
	attempt.Target, attempt.Waits = PathOf(s.target, MaxTarget), false
	if path, _ := f.compose(r, s, attempts, k, attempt); path.fits {
		return path, nil
	}
	attempt.Target = PathOf(s.target, smallTarget)
	return f.compose(r, s, attempts, k, attempt)
}

// compose makes the answer of an attempt.
func (f *Flow) compose(
	r *visitor.Request, s start, attempts Attempts, k *keys, a Attempt,
) (ask authorization, err error) {
	sealed, err := k.attempt.Seal(f.Site.Scope(r.Origin), a)
	if err != nil {
		return authorization{}, err
	}
	size := attempts.Size(sealed)
	slot, removals := attempts.Room(size, s.slot)
	ask.displaces = attempts.Displaces(size, s.slot)
	ask.cookies = append(ask.cookies, attempts.Cookie(slot, sealed, a, f.Now()))
	ask.cookies = append(ask.cookies, removals...)
	if len(s.restarts) > 0 {
		restarts, err := f.restartsCookie(r, s.restarts, k)
		if err != nil { // mutants: equivalent, what is so small can be sealed
			return authorization{}, err
		}
		ask.cookies = append(ask.cookies, restarts)
	}

	head := func() int {
		if s.account.Consent(s.profile) == account.AskFirst {
			return headSize("", ask.cookies...) + pageHead
		}
		return headSize(ask.url, ask.cookies...)
	}
	callback := r.Origin.String() + f.Site.Prefix() + "/callback"
	to := a.Target
	if a.Waits {
		to = s.target
	}
	comeBackTo := func(redirectURI string) {
		ask.redirectURI, ask.state = redirectURI, a.State
		ask.url = s.account.AuthorizeURL(r.Client(), redirectURI, a.State, s.profile)
	}
	if len(to) <= maxTo {
		comeBackTo(callback + "?to=" + url.QueryEscape(to))
	}
	if ask.url == "" || head() > maxHead {
		comeBackTo(callback)
	}
	ask.fits = head() <= maxHead
	return ask, nil
}

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
