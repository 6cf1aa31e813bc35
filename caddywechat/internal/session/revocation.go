package session

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// Revocation ends sessions before their time: one, those of a person, or all.
type Revocation struct {
	subject subject
	id      ID     // of the one session
	person  Name   // whose that is; zero where nobody knows
	names   []Name // of the person whose sessions end
	// old says that the revocation is of version 1, which anybody can have written who can write to the store.
	old bool

	At  time.Time // when it was made, as [Revoked.Next] gives it, to the second; does not matter for a single session
	End time.Time // when none of the sessions would live any more, to the second
}

type subject byte

const (
	oneSession subject = 1
	everybody  subject = 4
	onePerson  subject = 5
)

// LongestLife is the longest life of a session that a configuration can give.
const LongestLife = 400 * 24 * time.Hour

// RevokeSession ends one session, which would have lived until end. The person is whose it is, see [Revoked.HasMany],
// or the zero Name.
func RevokeSession(id ID, person Name, now, end time.Time) Revocation {
	return Revocation{subject: oneSession, id: id, person: person, At: now, End: end}
}

// RevokePerson ends the sessions that a person has, who has any of the names, at all sites that share the store. The
// time is that of [Revoked.Next]; the last of the sessions would have lived until end.
func RevokePerson(at, end time.Time, names ...Name) Revocation {
	return Revocation{subject: onePerson, names: names, At: at, End: end}
}

// RevokeAll ends all sessions that there are. The time is that of [Revoked.Next].
func RevokeAll(at, end time.Time) Revocation {
	return Revocation{subject: everybody, At: at, End: end}
}

// IsOld reports whether a revocation is of a version that does not tell who wrote it: it may be forged.
func (r Revocation) IsOld() bool { return r.old }

// IsOfOneSession reports whether a revocation names a session, which nobody can do who does not know its random id.
func (r Revocation) IsOfOneSession() bool { return r.subject == oneSession }

// String returns the id as operators see it: 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what [ID.String] makes.
func ParseID(text string) (id ID, err error) {
	if n, err := hex.Decode(id[:], []byte(text[:min(len(text), 2*idLength)])); err != nil || n != idLength || len(text) != 2*idLength {
		return ID{}, fmt.Errorf("%.40q is no session's id: write its %d hex digits", text, 2*idLength)
	}
	return id, nil
}

// maxNames bounds the names in a revocation.
const maxNames = 8

func (r Revocation) append(b []byte) []byte {
	b = append(b, byte(r.subject))
	switch r.subject {
	case oneSession:
		b = append(append(b, r.id[:]...), r.person[:]...)
	case onePerson:
		names := r.names[:min(len(r.names), maxNames)]
		b = append(b, byte(len(names)))
		for _, name := range names {
			b = append(b, name[:]...)
		}
	}
	b = seal.AppendNumber(b, uint64(r.At.Unix()))
	return seal.AppendNumber(b, uint64(r.End.Unix()))
}

func readRevocation(reader *seal.Reader) (r Revocation, err error) {
	r.subject = subject(reader.Byte())
	switch r.subject {
	case oneSession:
		copy(r.id[:], reader.Raw(idLength))
		copy(r.person[:], reader.Raw(idLength))
	case onePerson:
		n := int(reader.Byte())
		if n == 0 || n > maxNames {
			return Revocation{}, seal.ErrPayload
		}
		r.names = make([]Name, n)
		for i := range r.names {
			copy(r.names[i][:], reader.Raw(idLength))
		}
	case everybody:
	default:
		return Revocation{}, seal.ErrPayload
	}
	return r, r.readTimes(reader)
}

func (r *Revocation) readTimes(reader *seal.Reader) error {
	at, end := reader.Number(), reader.Number()
	if at > maxLife || end > maxLife {
		return seal.ErrPayload
	}
	r.At, r.End = time.Unix(int64(at), 0), time.Unix(int64(end), 0)
	return nil
}
