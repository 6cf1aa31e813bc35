package login

import (
	"crypto/subtle"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
)

// Lifetime is how long an attempt to log in may take.
const Lifetime = 10 * time.Minute

// maxTarget is the length in bytes of the longest target that is kept whole; the sealed attempt must fit into a cookie.
const maxTarget = 2000

// Attempt is one login that was begun: everything that is needed to finish it, on any instance. A browser carries it,
// sealed, in a cookie of its own, so that logins in several tabs do not disturb each other.
type Attempt struct {
	State   string    // what WeChat sends back
	Account string    // the kind of account that is asked to vouch
	Profile bool      // whether the person's profile is asked for
	Target  string    // where the visitor lands: path and query, perhaps a fragment, as they were asked for
	Created time.Time // to the second

	// Spent is when the attempt led to a session, to the second; zero while it has not. A spent attempt is kept as long
	// as an unspent one: it tells a second callback that the first one was this browser's.
	Spent time.Time
	// Session is the session that it led to.
	Session session.ID
	// SessionEnd is when that session ends, to the second.
	SessionEnd time.Time
}

// NewAttempt returns an attempt that begins now. A target that is too long for a cookie is kept as its path, or as "/".
func NewAttempt(state, account string, profile bool, target string, now time.Time) Attempt {
	if len(target) > maxTarget {
		target, _, _ = strings.Cut(target, "#")
		target, _, _ = strings.Cut(target, "?")
	}
	if len(target) > maxTarget {
		target = "/"
	}
	return Attempt{State: state, Account: account, Profile: profile, Target: target, Created: now.Truncate(time.Second)}
}

// Spend returns the attempt as one that led to s.
func (a Attempt) Spend(s session.Session, end, now time.Time) Attempt {
	a.Spent, a.Session, a.SessionEnd = now.Truncate(time.Second), s.ID, end
	return a
}

// IsSpent reports whether the attempt led to a session.
func (a Attempt) IsSpent() bool { return !a.Spent.IsZero() }

// Matches reports whether state is this attempt's.
func (a Attempt) Matches(state string) bool {
	return state != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1
}

// attemptVersion is the first byte of a payload; see the session's.
const attemptVersion = 2

// MarshalBinary makes the payload.
func (a Attempt) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 160+len(a.Target))
	b = append(b, attemptVersion)
	b = seal.AppendText(b, a.State)
	b = seal.AppendText(b, a.Account)
	b = seal.AppendFlag(b, a.Profile)
	b = seal.AppendText(b, a.Target)
	b = seal.AppendNumber(b, uint64(a.Created.Unix()))
	if a.IsSpent() {
		b = seal.AppendNumber(b, uint64(a.Spent.Unix()))
		b = seal.AppendNumber(b, uint64(a.SessionEnd.Unix()))
		b = append(b, a.Session[:]...)
	}
	return b, nil
}

// UnmarshalBinary reads a payload. A payload of another version is an error.
func (a *Attempt) UnmarshalBinary(payload []byte) error {
	r := seal.NewReader(payload)
	if r.Byte() != attemptVersion {
		return seal.ErrPayload
	}
	*a = Attempt{State: r.Text(), Account: r.Text(), Profile: r.Flag(), Target: r.Text(), Created: unix(r.Number())}
	if r.More() {
		a.Spent = unix(r.Number())
		a.SessionEnd = unix(r.Number())
		copy(a.Session[:], r.Raw(len(a.Session)))
	}
	return r.Close()
}

func unix(seconds uint64) time.Time { return time.Unix(int64(seconds), 0) }

// slots is how many attempts a browser carries at most.
const slots = 8

const cookieName = "wechat_login_"

// IsCookieName reports whether a cookie of that name is an attempt's, under any configuration.
func IsCookieName(name string) bool {
	_, ok := slotOf(strings.TrimPrefix(name, session.HostPrefix))
	return ok
}

func slotOf(name string) (int, bool) {
	digit, ok := strings.CutPrefix(name, cookieName)
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] >= '0'+slots {
		return 0, false
	}
	return int(digit[0] - '0'), true
}

// Attempts are those that a browser carries, each in the place of its cookie.
type Attempts struct {
	secure bool
	place  [slots]*Attempt
	// named tells which cookies the browser sent at all, foreign which of them did not open.
	named, foreign [slots]bool
}

// ReadAttempts opens the attempts among cookies: those that were sealed at site and are younger than [Lifetime]. secure
// tells whether the site is on https, which the cookies' names depend on.
func ReadAttempts(cookies []session.Sent, s *seal.Sealer, site string, secure bool, now time.Time) Attempts {
	as := Attempts{secure: secure}
	for _, c := range cookies {
		name, hasPrefix := strings.CutPrefix(c.Name, session.HostPrefix)
		slot, ok := slotOf(name)
		if !ok || hasPrefix != secure || as.named[slot] {
			continue
		}
		as.named[slot] = true
		var a Attempt
		if !s.Open(site, c.Value, &a) {
			as.foreign[slot] = true
		} else if now.Sub(a.Created) < Lifetime {
			as.place[slot] = &a
		}
	}
	return as
}

// AnyOpen reports whether the browser carries an attempt, of whatever login.
func (as Attempts) AnyOpen() bool {
	return slices.ContainsFunc(as.place[:], func(a *Attempt) bool { return a != nil })
}

// Foreign returns how many cookies of attempts did not open: most likely they were sealed with another key.
func (as Attempts) Foreign() int {
	n := 0
	for _, foreign := range as.foreign {
		if foreign {
			n++
		}
	}
	return n
}

// Find returns the attempt that state names, and its place.
func (as Attempts) Find(state string) (a Attempt, place int, ok bool) {
	for i, a := range as.place {
		if a != nil && a.Matches(state) {
			return *a, i, true
		}
	}
	return Attempt{}, 0, false
}

// Free returns a place for another attempt: one that is free, or whose attempt did not open, else that of the oldest, a
// spent one before an unspent. Among free places it takes any, so that two tabs that begin at the same moment seldom take
// the same.
func (as Attempts) Free() int {
	var free, unopened []int
	for i, a := range as.place {
		switch {
		case a != nil:
		case as.named[i]:
			unopened = append(unopened, i)
		default:
			free = append(free, i)
		}
	}
	for _, places := range [][]int{free, unopened} {
		if len(places) > 0 {
			return places[rand.IntN(len(places))]
		}
	}
	oldest := 0
	for i, a := range as.place {
		o := as.place[oldest]
		if a.IsSpent() && !o.IsSpent() || a.IsSpent() == o.IsSpent() && a.Created.Before(o.Created) {
			oldest = i
		}
	}
	return oldest
}

// LostRounds returns the rounds of a browser that comes without the session that an attempt led to; with profileOnly, of
// one whose session lacks the profile that an attempt asked for. Such an attempt counts as one, unless its session would
// have ended by now, and so do those that led to it. Of several attempts the one with the longest way behind it counts.
func (as Attempts) LostRounds(k StateKey, profileOnly bool, now time.Time) Rounds {
	var longest Rounds
	for _, a := range as.place {
		if a == nil || !a.IsSpent() || !a.SessionEnd.After(now) || profileOnly && !a.Profile {
			continue
		}
		if rounds := append(Rounds{a.Spent}, k.Rounds(a.State)...).recent(now); len(rounds) > len(longest) {
			longest = rounds
		}
	}
	return longest
}

// Cookie returns the cookie that keeps a sealed attempt in its place.
func (as Attempts) Cookie(place int, sealed string, a Attempt, now time.Time) *http.Cookie {
	return session.Cookie(as.cookieName(place), sealed, Lifetime-now.Sub(a.Created), as.secure)
}

// Remove returns the cookie that frees a place.
func (as Attempts) Remove(place int) *http.Cookie {
	return session.Cookie(as.cookieName(place), "", 0, as.secure)
}

// RemoveAll returns the cookies that free every place that the browser named.
func (as Attempts) RemoveAll() []*http.Cookie {
	var cookies []*http.Cookie
	for i, named := range as.named {
		if named {
			cookies = append(cookies, as.Remove(i))
		}
	}
	return cookies
}

func (as Attempts) cookieName(place int) string {
	name := cookieName + strconv.Itoa(place)
	if as.secure {
		return session.HostPrefix + name
	}
	return name
}
