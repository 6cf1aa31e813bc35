package session

import "crypto/sha256"

// Name is one of the ways in which a person can be called, as a digest that does not tell who it is.
type Name [idLength]byte

// What a name is a digest of begins with one of these. They are those of version 1 of revocations, whose digests stand
// in stores.
const (
	aUser    = 2
	anOpenID = 3
)

// UserName is how apps call a person, in any of the forms that user_id can have.
func UserName(user string) Name { return nameOf(aUser, user) }

// QualifiedName is the UserName of a person of one account: its app id, a colon and the person.
func QualifiedName(appID, person string) Name { return nameOf(aUser, appID, ":", person) }

// OpenIDName is how WeChat calls a person in one account.
func OpenIDName(openID string) Name { return nameOf(anOpenID, openID) }

func nameOf(kind byte, parts ...string) (name Name) {
	var space [1 + 256]byte // on the stack, for an id of the usual length
	text := append(space[:0], kind)
	for _, part := range parts {
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	copy(name[:], sum[:])
	return name
}
