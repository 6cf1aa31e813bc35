package session

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
)

// Revocation ends sessions before their time: one, those of a person, or all.
type Revocation struct {
	subject subject
	of      [idLength]byte // the session's id, or a digest of the person's; nothing for all
	At      time.Time      // sessions that began after this second live on; does not matter for a single one
	End     time.Time      // when none of the sessions would live any more
}

type subject byte

const (
	oneSession subject = iota + 1
	allOfUser
	allOfOpenID
	everybody
)

// LongestLife is the longest life of a session that a configuration can give.
const LongestLife = 400 * 24 * time.Hour

// RevokeSession ends one session, which would have lived until end.
func RevokeSession(id ID, now, end time.Time) Revocation {
	return Revocation{subject: oneSession, of: id, At: now, End: end}
}

// RevokeUser ends the sessions that a person has by now, as apps know the person: in whichever account, at all sites that
// share the store.
func RevokeUser(user string, now time.Time) Revocation {
	return Revocation{subject: allOfUser, of: digest(allOfUser, user), At: now, End: now.Add(LongestLife)}
}

// RevokeOpenID ends the sessions that a person has by now, as WeChat knows the person in one account.
func RevokeOpenID(openID string, now time.Time) Revocation {
	return Revocation{subject: allOfOpenID, of: digest(allOfOpenID, openID), At: now, End: now.Add(LongestLife)}
}

// RevokeAll ends all sessions that there are by now.
func RevokeAll(now time.Time) Revocation {
	return Revocation{subject: everybody, At: now, End: now.Add(LongestLife)}
}

// digest names a person without telling who it is.
func digest(s subject, id string) (short [idLength]byte) {
	var text [1 + 128]byte // on the stack, for an id of the usual length
	sum := sha256.Sum256(append(append(text[:0], byte(s)), id...))
	copy(short[:], sum[:])
	return short
}

// String returns the id as operators see it: 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what [ID.String] makes.
func ParseID(text string) (id ID, err error) {
	if n, err := hex.Decode(id[:], []byte(text[:min(len(text), 2*idLength)])); err != nil || n != idLength || len(text) != 2*idLength {
		return ID{}, fmt.Errorf("%.40q is no session's id: write its %d hex digits", text, 2*idLength)
	}
	return id, nil
}

const revocationVersion = 1

// IsOfOperator reports whether a revocation is to be known for longer than sessions live as a rule: an operator's, or one
// of a person.
func (r Revocation) IsOfOperator() bool { return r.End.Sub(r.At) >= LongestLife }

// MarshalBinary makes what other instances read.
func (r Revocation) MarshalBinary() ([]byte, error) {
	b := append([]byte{revocationVersion, byte(r.subject)}, r.of[:]...)
	b = seal.AppendNumber(b, uint64(r.At.Unix()))
	return seal.AppendNumber(b, uint64(r.End.Unix())), nil
}

// UnmarshalBinary reads what another instance wrote. A revocation of another version is an error.
func (r *Revocation) UnmarshalBinary(text []byte) error {
	reader := seal.NewReader(text)
	if reader.Byte() != revocationVersion {
		return errVersion
	}
	*r = Revocation{subject: subject(reader.Byte())}
	copy(r.of[:], reader.Raw(idLength))
	at, end := reader.Number(), reader.Number()
	if r.subject < oneSession || r.subject > everybody || at > maxLife || end > maxLife {
		return seal.ErrPayload
	}
	r.At, r.End = time.Unix(int64(at), 0), time.Unix(int64(end), 0)
	return reader.Close()
}
