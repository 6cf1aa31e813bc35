package revocation

import (
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// Revocation ends sessions before their time: one, those of a person, or all.
type Revocation struct {
	scope    scope
	id       session.ID // of the one session
	person   Subject    // whose that is; zero where nobody knows
	subjects []Subject  // of the person whose sessions end
	// old says that the revocation is of version 1, which anybody can have written who can write to the store.
	old bool

	// At is when it was made, as [List.NextTime] gives it, to the second. It does not matter for a single session.
	At      time.Time
	Expires time.Time // when none of the sessions would live any more, to the second
}

type scope byte

const (
	oneSession scope = 1
	everybody  scope = 4
	onePerson  scope = 5
)

// OfSession ends one session, which would have lived until end. The person is whose it is, see [List.HasMany],
// or the zero Subject.
func OfSession(id session.ID, person Subject, now, end time.Time) Revocation {
	return Revocation{scope: oneSession, id: id, person: person, At: now, Expires: end}
}

// OfPerson ends the sessions that a person has, who has any of the subjects, at all sites that share the store. The
// time is that of [List.NextTime]; the last of the sessions would have lived until end.
func OfPerson(at, end time.Time, subjects ...Subject) Revocation {
	return Revocation{scope: onePerson, subjects: subjects, At: at, Expires: end}
}

// OfAll ends all sessions that there are. The time is that of [List.NextTime].
func OfAll(at, end time.Time) Revocation {
	return Revocation{scope: everybody, At: at, Expires: end}
}

// IsOld reports whether a revocation is of a version that does not tell who wrote it: it may be forged.
func (r Revocation) IsOld() bool { return r.old }

// IsOfOneSession reports whether a revocation names a session, which nobody can do who does not know its random id.
func (r Revocation) IsOfOneSession() bool { return r.scope == oneSession }

// maxSubjects bounds the subjects in a revocation.
const maxSubjects = 8

func (r Revocation) append(b []byte) []byte {
	b = append(b, byte(r.scope))
	switch r.scope {
	case oneSession:
		b = append(append(b, r.id[:]...), r.person[:]...)
	case onePerson:
		subjects := r.subjects[:min(len(r.subjects), maxSubjects)]
		b = append(b, byte(len(subjects)))
		for _, subject := range subjects {
			b = append(b, subject[:]...)
		}
	}
	b = seal.AppendNumber(b, uint64(r.At.Unix()))
	return seal.AppendNumber(b, uint64(r.Expires.Unix()))
}

func readRevocation(reader *seal.Reader) (r Revocation, err error) {
	r.scope = scope(reader.Byte())
	switch r.scope {
	case oneSession:
		copy(r.id[:], reader.Raw(len(session.ID{})))
		copy(r.person[:], reader.Raw(len(session.ID{})))
	case onePerson:
		n := int(reader.Byte())
		if n == 0 || n > maxSubjects {
			return Revocation{}, seal.ErrPayload
		}
		r.subjects = make([]Subject, n)
		for i := range r.subjects {
			copy(r.subjects[i][:], reader.Raw(len(session.ID{})))
		}
	case everybody:
	default:
		return Revocation{}, seal.ErrPayload
	}
	return r, r.readTimes(reader)
}

func (r *Revocation) readTimes(reader *seal.Reader) error {
	at, end := reader.Number(), reader.Number()
	if at > session.MaxSeconds || end > session.MaxSeconds {
		return seal.ErrPayload
	}
	r.At, r.Expires = time.Unix(int64(at), 0), time.Unix(int64(end), 0)
	return nil
}
