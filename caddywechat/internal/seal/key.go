package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// KeyID is the id of a [Key]: it names the key without telling it.
type KeyID [8]byte

// Tag proves that a value is from somebody who has a [Key].
type Tag [16]byte

// Key tells values of ours from forged ones where others can write, and need not be kept from reading.
type Key struct {
	ID     KeyID // the same in every process that has the secret
	secret [sha256.Size]byte
}

// NewKeys derives a key for this purpose alone from each of the secrets, which are those of [New].
func NewKeys(purpose string, secrets ...[]byte) ([]Key, error) {
	keys := make([]Key, len(secrets))
	for i, secret := range secrets {
		derived, err := derive(purpose, secret, len(KeyID{})+sha256.Size)
		if err != nil {
			return nil, err
		}
		copy(keys[i].ID[:], derived)
		copy(keys[i].secret[:], derived[len(KeyID{}):])
	}
	return keys, nil
}

// derive returns n bytes for a purpose alone, by HKDF (RFC 5869). Everything here that needs a key gets it so.
func derive(purpose string, secret []byte, n int) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "caddywechat "+purpose, n)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
	}
	return key, nil
}

// Tag returns the tag of a value. It is good in one slot only: a value that is moved to another one fails Verify.
func (k Key) Tag(slot string, value []byte) (tag Tag) {
	mac := hmac.New(sha256.New, k.secret[:])
	mac.Write(binary.AppendUvarint(nil, uint64(len(slot))))
	mac.Write([]byte(slot))
	mac.Write(value)
	copy(tag[:], mac.Sum(nil))
	return tag
}

// Verify reports whether a tag is that of a value in a slot, in constant time.
func (k Key) Verify(tag Tag, slot string, value []byte) bool {
	want := k.Tag(slot, value)
	return hmac.Equal(tag[:], want[:])
}
