package login

import (
	"crypto/subtle"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// Lifetime is how long an attempt to log in may take.
const Lifetime = 10 * time.Minute

// Attempt is one login that was started: everything that is needed to finish it, on any instance. A browser carries it,
// sealed, in a cookie of its own, so that logins in several tabs do not disturb each other.
type Attempt struct {
	State string // what WeChat sends back
	// Kind and Ref name the account that is asked to vouch: its kind, and what tells it from others of that kind.
	// Attempts of an older version have no Ref.
	Kind, Ref string
	Profile   bool   // whether the person's profile is asked for
	Target    string // where the visitor returns to: path and query, perhaps a fragment, as they were asked for
	// Waits tells that the target waits in the store, for want of room here. Target is where the visitor returns to if
	// it can't be had from there.
	Waits   bool
	Created time.Time // to the second

	// Spent is when the attempt brought a session, to the second; zero while it has not. A spent attempt is kept as
	// long as an unspent one: it tells a second callback that the first one was this browser's.
	Spent time.Time
	// SessionEnd is when that session ends, to the second.
	SessionEnd time.Time
}

// NewAttempt returns an attempt that starts now.
func NewAttempt(state, kind, ref string, profile bool, target string, now time.Time) Attempt {
	return Attempt{
		State: state, Kind: kind, Ref: ref, Profile: profile, Target: target, Created: now.Truncate(time.Second),
	}
}

// Spend returns the attempt as one that brought a session. It keeps no target: a browser carries many spent attempts.
func (a Attempt) Spend(sessionEnd, now time.Time) Attempt {
	a.Target, a.Spent, a.SessionEnd = "", now.Truncate(time.Second), sessionEnd
	return a
}

// IsSpent reports whether the attempt brought a session.
func (a Attempt) IsSpent() bool { return !a.Spent.IsZero() }

// Matches reports whether state is this attempt's. What somebody on the way appended to it does not count.
func (a Attempt) Matches(state string) bool {
	return a.State != "" && len(state) >= len(a.State) &&
		subtle.ConstantTimeCompare([]byte(a.State), []byte(state[:len(a.State)])) == 1
}

// The versions are the first byte of a payload; see the session's. Attempts of the older one are read, so that an
// upgrade ends no login.
const (
	versionOfKind  = 2 // without Ref and Waits; a spent one with the session's id
	attemptVersion = 3
)

// MarshalBinary makes the payload.
func (a Attempt) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 160+len(a.Target))
	b = append(b, attemptVersion)
	b = seal.AppendText(b, a.State)
	b = seal.AppendText(b, a.Kind)
	b = seal.AppendText(b, a.Ref)
	b = seal.AppendFlag(b, a.Profile)
	b = seal.AppendFlag(b, a.Waits)
	b = seal.AppendText(b, a.Target)
	b = seal.AppendNumber(b, uint64(a.Created.Unix()))
	if a.IsSpent() {
		b = seal.AppendNumber(b, uint64(a.Spent.Unix()))
		b = seal.AppendNumber(b, uint64(a.SessionEnd.Unix()))
	}
	return b, nil
}

// UnmarshalBinary reads a payload. A payload of an unknown version is an error.
func (a *Attempt) UnmarshalBinary(payload []byte) error {
	r := seal.NewReader(payload)
	version := r.Byte()
	if version != attemptVersion && version != versionOfKind {
		return seal.ErrPayload
	}
	*a = Attempt{State: r.Text(), Kind: r.Text()}
	if version == attemptVersion {
		a.Ref = r.Text()
	}
	a.Profile = r.Flag()
	if version == attemptVersion {
		a.Waits = r.Flag()
	}
	a.Target, a.Created = r.Text(), unix(r.Number())
	if r.More() {
		a.Spent, a.SessionEnd = unix(r.Number()), unix(r.Number())
		if version == versionOfKind {
			r.Raw(16)
		}
	}
	return r.Close()
}

func unix(seconds uint64) time.Time { return time.Unix(int64(seconds), 0) }

// MaxTarget is the length in bytes of the longest target that a visitor is sent back to as it is.
const MaxTarget = 2000

// Fit returns the target to keep of one that was asked for: itself or, of one that is too long, its path, "/" where
// that is too long as well. whole tells which.
func Fit(target string) (kept string, whole bool) {
	if len(target) <= MaxTarget {
		return target, true
	}
	return PathOf(target, MaxTarget), false
}

// PathOf returns the path of a target, "/" for one that has more bytes than limit.
func PathOf(target string, limit int) string {
	target, _, _ = strings.Cut(target, "#")
	target, _, _ = strings.Cut(target, "?")
	if len(target) > limit {
		return "/"
	}
	return target
}
