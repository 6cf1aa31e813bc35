package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Mark names a [Key] without telling it.
type Mark [8]byte

// Tag proves that a value is from somebody who has a [Key].
type Tag [16]byte

// Key tells values of ours from forged ones where others can write, and need not be kept from reading.
type Key struct {
	Mark   Mark
	secret [sha256.Size]byte
}

// NewKeys derives a key for this purpose alone from each of the secrets, which are those of [New].
func NewKeys(purpose string, secrets ...[]byte) ([]Key, error) {
	keys := make([]Key, len(secrets))
	for i, secret := range secrets {
		derived, err := hkdf.Key(sha256.New, secret, nil, "caddywechat "+purpose, len(Mark{})+sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
		}
		copy(keys[i].Mark[:], derived)
		copy(keys[i].secret[:], derived[len(Mark{}):])
	}
	return keys, nil
}

// Tag returns the tag of a value, which is good at one place only.
func (k Key) Tag(place string, value []byte) (tag Tag) {
	mac := hmac.New(sha256.New, k.secret[:])
	mac.Write(binary.AppendUvarint(nil, uint64(len(place))))
	mac.Write([]byte(place))
	mac.Write(value)
	copy(tag[:], mac.Sum(nil))
	return tag
}

// Verify reports whether a tag is that of a value at a place.
func (k Key) Verify(tag Tag, place string, value []byte) bool {
	want := k.Tag(place, value)
	return hmac.Equal(tag[:], want[:])
}
