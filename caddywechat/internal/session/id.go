package session

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// idLength is the length of a session's id in bytes: 128 random bits.
const idLength = 16

// ID names a session. It is random, and new with every login.
type ID [idLength]byte

// NewID returns an id that no other session has.
func NewID() (id ID) {
	rand.Read(id[:])
	return id
}

// String returns the id as operators see it: 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what [ID.String] makes.
func ParseID(text string) (id ID, err error) {
	_, err = hex.Decode(id[:], []byte(text[:min(len(text), 2*idLength)]))
	if err != nil || len(text) != 2*idLength {
		return ID{}, fmt.Errorf("%.40q is no session's id: write its %d hex digits", text, 2*idLength)
	}
	return id, nil
}
