package revocation

import (
	"crypto/sha256"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// Subject is one of the ways in which a person can be called, as a digest that does not tell who it is.
type Subject [len(session.ID{})]byte

// What a subject is a digest of begins with one of these. They are those of version 1 of revocations, whose digests
// stand in stores.
const (
	aUser    = 2
	anOpenID = 3
)

// UserSubject is how apps call a person, in any of the forms that user_id can have.
func UserSubject(user string) Subject { return subjectOf(aUser, user) }

// QualifiedSubject is the UserSubject of a person of one account: its app id, a colon and the person.
func QualifiedSubject(appID, person string) Subject { return subjectOf(aUser, appID, ":", person) }

// OpenIDSubject is how WeChat calls a person in one account.
func OpenIDSubject(openID string) Subject { return subjectOf(anOpenID, openID) }

func subjectOf(kind byte, parts ...string) (subject Subject) {
	var space [1 + 256]byte // on the stack, for an id of the usual length
	text := append(space[:0], kind)
	for _, part := range parts {
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	copy(subject[:], sum[:])
	return subject
}

// subjectsOf returns all ways in which a revocation can name somebody, whatever user_id was when it was made and is
// now.
func subjectsOf(a account.Account, id identity.Identity) [4]Subject {
	person := a.Person(id)
	return [4]Subject{
		UserSubject(person),
		UserSubject(account.Everywhere(a, id)),
		QualifiedSubject(a.AppID(), person),
		OpenIDSubject(id.Get(identity.OpenID)),
	}
}

// ownSubjects returns those by which the sessions of this person end and nobody else's: in this account, and in others
// that know the same person. The first one there always is.
func ownSubjects(a account.Account, id identity.Identity) []Subject {
	subjects := []Subject{QualifiedSubject(a.AppID(), a.Person(id))}
	if person := account.Everywhere(a, id); person != "" {
		subjects = append(subjects, UserSubject(person))
	}
	return subjects
}
