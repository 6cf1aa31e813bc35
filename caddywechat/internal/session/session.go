// Package session carries a visitor's identity from request to request: in a sealed cookie that any instance with the
// same key can open, so that no store is asked.
package session

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// Session is a person who logged in.
type Session struct {
	ID       ID
	Account  string // the account that vouches, by the name that tells it from all others: its app id, or that and more
	Identity identity.Identity
	Created  time.Time // the login, to the second
	Expires  time.Time // the end that the configuration of that day gave it, to the second
	Seen     time.Time // the visitor's last navigation that was noted, to the second; at first the login
	Renewed  time.Time // when the profile was last renewed, to the second; zero: not since the login
	// Survives is the last revocation of the person that was known when the session was made, to the second; zero:
	// none. It and those before it do not end the session.
	Survives time.Time
}

// New returns a session that starts now and ends after lifetime. Its account is the one that the identity's app id
// names.
func New(id identity.Identity, now time.Time, lifetime time.Duration) Session {
	s := Session{
		Account:  id.Get(identity.AppID),
		Identity: id,
		Created:  now.Truncate(time.Second),
		Expires:  now.Add(lifetime).Truncate(time.Second),
		Seen:     now.Truncate(time.Second),
	}
	s.ID = NewID()
	return s
}

// MaxLifetime is the longest life of a session that a configuration can give.
const MaxLifetime = 400 * 24 * time.Hour

// Policy says how long sessions live.
type Policy struct {
	Lifetime time.Duration // counted from the login
	Idle     time.Duration // counted from the last navigation that was noted; 0: for ever
}

// WithoutIdle returns the policy for what is never idle: programs, and who listens to a stream.
func (p Policy) WithoutIdle() Policy { return Policy{Lifetime: p.Lifetime} }

// Expiry returns when the session ends. A policy that was made shorter since the login holds for sessions that already
// exist; a lifetime that was made longer does not.
func (s Session) Expiry(p Policy) time.Time {
	end := s.Expires
	if e := s.Created.Add(p.Lifetime); e.Before(end) {
		end = e
	}
	if e := s.Seen.Add(p.Idle); p.Idle > 0 && e.Before(end) {
		end = e
	}
	return end
}

// NeedsTouch reports whether a navigation now is to be noted, so that the session does not end as idle: not every one,
// for each takes a new cookie and an answer that nobody may cache.
func (s Session) NeedsTouch(p Policy, now time.Time) bool {
	return p.Idle > 0 && now.Sub(s.Seen) >= p.Idle/10
}

// ProfileTime returns when the session's profile was what WeChat says.
func (s Session) ProfileTime() time.Time {
	if s.Renewed.IsZero() {
		return s.Created
	}
	return s.Renewed
}

// The versions are the first byte of a payload. Whoever changes what follows it gives it a new number: instances of
// both versions run side by side during an upgrade, and each takes for no session what it does not know. So a session
// is of the oldest version that holds what there is to say.
const (
	version        = 2
	versionRenewed = 3 // with the age when its profile was last renewed, behind the age when last seen
	// With that age one second older, 0 for never, the second of Survives, 0 for none, and what stands behind the app
	// id in the account's name.
	versionMore = 4
)

var errVersion = errors.New("payload of another version")

// MarshalBinary makes the payload: version, id, creation, life, age when last seen, what the version adds, and the
// fields, each with the place of its name in [identity.Names] counted from 1, or 0 and the name itself.
func (s Session) MarshalBinary() ([]byte, error) {
	v := s.version()
	b := append(make([]byte, 0, 128), v)
	b = append(b, s.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Created.Unix()))
	b = seal.AppendNumber(b, uint64(s.Expires.Sub(s.Created)/time.Second))
	b = seal.AppendNumber(b, uint64(max(s.Seen.Sub(s.Created), 0)/time.Second))
	renewed := uint64(max(s.Renewed.Sub(s.Created), 0) / time.Second)
	switch v {
	case versionRenewed:
		b = seal.AppendNumber(b, renewed)
	case versionMore:
		if s.Renewed.IsZero() {
			b = seal.AppendNumber(b, 0)
		} else {
			b = seal.AppendNumber(b, renewed+1)
		}
		b = seal.AppendNumber(b, uint64(max(s.Survives.Unix(), 0)))
		b = seal.AppendText(b, s.part())
	}
	for _, f := range s.Identity {
		place := nameToPlace[f.Name]
		b = append(b, place)
		if place == 0 {
			b = seal.AppendText(b, f.Name)
		}
		b = seal.AppendText(b, f.Value)
	}
	return b, nil
}

// version returns the oldest one that holds what there is to say.
func (s Session) version() byte {
	switch {
	case !s.Survives.IsZero(), s.part() != "":
		return versionMore
	case !s.Renewed.IsZero():
		return versionRenewed
	default:
		return version
	}
}

// part returns what stands behind the app id in the account's name.
func (s Session) part() string { return strings.TrimPrefix(s.Account, s.Identity.Get(identity.AppID)) }

// UnmarshalBinary reads a payload. A payload of another version is an error.
func (s *Session) UnmarshalBinary(payload []byte) error {
	r := seal.NewReader(payload)
	v := r.Byte()
	if v < version || v > versionMore {
		return errVersion
	}
	*s = Session{}
	copy(s.ID[:], r.Raw(idLength))
	var created [4]byte
	copy(created[:], r.Raw(len(created)))
	s.Created = time.Unix(int64(binary.BigEndian.Uint32(created[:])), 0)
	life, seen := r.Number(), r.Number()
	if life > MaxSeconds || seen > MaxSeconds {
		return seal.ErrPayload
	}
	s.Expires = s.Created.Add(time.Duration(life) * time.Second)
	s.Seen = s.Created.Add(time.Duration(seen) * time.Second)
	if v > version {
		renewed := r.Number()
		if renewed > MaxSeconds {
			return seal.ErrPayload
		}
		if v == versionRenewed {
			renewed++
		}
		if renewed > 0 {
			s.Renewed = s.Created.Add(time.Duration(renewed-1) * time.Second)
		}
	}
	part := ""
	if v == versionMore {
		survives := r.Number()
		if survives > MaxSeconds {
			return seal.ErrPayload
		}
		if survives > 0 {
			s.Survives = time.Unix(int64(survives), 0)
		}
		part = r.Text()
	}
	s.Identity = make(identity.Identity, 0, 6)
	for r.More() {
		name, ok := placeToName(r)
		value := r.Text()
		if !ok || value == "" || s.Identity.Get(name) != "" {
			return seal.ErrPayload
		}
		s.Identity = append(s.Identity, identity.Field{Name: name, Value: value})
	}
	s.Account = s.Identity.Get(identity.AppID) + part
	return r.Close()
}

// MaxSeconds is the longest duration in seconds that a payload can state: what a time.Duration holds.
const MaxSeconds = math.MaxInt64 / uint64(time.Second)

var nameToPlace = func() map[string]byte {
	places := make(map[string]byte, len(identity.Names))
	for i, name := range identity.Names {
		places[name] = byte(i + 1)
	}
	return places
}()

func placeToName(r *seal.Reader) (string, bool) {
	place := int(r.Byte())
	if place == 0 {
		return r.Text(), true
	}
	if place > len(identity.Names) {
		return "", false
	}
	return identity.Names[place-1], true
}
