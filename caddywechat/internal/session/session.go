// Package session carries a visitor's identity from request to request: in a sealed cookie that any instance with the
// same key can open, so that no store is asked.
package session

import (
	"encoding/binary"
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

// ProfileTime returns when the session's profile was what WeChat says.
func (s Session) ProfileTime() time.Time {
	if s.Renewed.IsZero() {
		return s.Created
	}
	return s.Renewed
}

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
