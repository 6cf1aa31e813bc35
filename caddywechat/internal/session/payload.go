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
