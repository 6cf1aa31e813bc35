// Package seal signs and encrypts the small values that others keep for us: a browser its session and its attempts to
// log in, a shared store what the instances of a cluster tell each other.
//
// It owns how keys are derived from secrets, the form of sealed texts, and the encoding of payloads. It judges neither
// expiry nor content: that is the caller's. Nobody else derives keys from a secret or writes a payload by hand, since a
// change of either form ends every session there is.
package seal

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/gorilla/securecookie"
)

// MaxLength is the length in bytes of the longest sealed text. Longer values are not sealed, longer texts not opened.
// Browsers keep cookies of up to 4,096 bytes, name, value and attributes together.
const MaxLength = 3968

// Sealer seals and opens values of one purpose. Several keys may open a text; the first one seals, so keys can be
// rotated without anyone noticing. A Sealer is safe for concurrent use.
type Sealer struct {
	purpose string
	codecs  []*securecookie.SecureCookie
}

// New returns a Sealer whose keys are derived (HKDF, RFC 5869) from the secrets for this purpose alone. A secret is any
// text with at least 32 bytes of randomness in it; New does not judge that.
func New(purpose string, secrets ...[]byte) (*Sealer, error) {
	s := &Sealer{purpose: purpose}
	for _, secret := range secrets {
		key, err := derive(purpose, secret, 64)
		if err != nil {
			return nil, err
		}
		codec := securecookie.New(key[:32], key[32:]).
			SetSerializer(binarySerializer{}).
			MaxAge(0). // every value carries its own expiry, judged by the caller's clock
			MaxLength(MaxLength)
		s.codecs = append(s.codecs, codec)
	}
	if len(s.codecs) == 0 {
		return nil, fmt.Errorf("no secret to seal %s with", purpose)
	}
	return s, nil
}

// Seal returns v as a text of characters that may stand in a cookie. It opens at the same site only.
func (s *Sealer) Seal(site string, v encoding.BinaryMarshaler) (string, error) {
	text, err := s.codecs[0].Encode(s.name(site), v)
	if err != nil {
		return "", fmt.Errorf("sealing %s: %w", s.purpose, err)
	}
	return text, nil
}

// Length returns the length in bytes of the text that a payload of n bytes is sealed into: securecookie encodes what it
// encrypted, and once more with the time and the signature.
func Length(n int) int {
	encode := base64.URLEncoding.EncodedLen
	return encode(len("1700000000|") + encode(aes.BlockSize+n) + len("|") + sha256.Size)
}

// Open puts into v what was sealed at site, and reports whether it did. It does not with a text that was altered, cut,
// or sealed for another site, purpose or with another key: v is in an unknown state then.
func (s *Sealer) Open(site, text string, v encoding.BinaryUnmarshaler) bool {
	if len(text) > MaxLength || !isCanonical(text) {
		return false
	}
	name := s.name(site)
	return slices.ContainsFunc(s.codecs, func(c *securecookie.SecureCookie) bool {
		return c.Decode(name, text, v) == nil
	})
}

// name is what securecookie puts under its signature beside the value.
func (s *Sealer) name(site string) string { return s.purpose + "|" + site }

// isCanonical reports whether text is the one base64 form of what it decodes to. securecookie also takes texts whose
// last character has bits that no byte uses, so that an altered text would open.
func isCanonical(text string) bool {
	if text == "" || len(text)%4 != 0 {
		return false
	}
	_, err := strict.DecodeString(text[len(text)-4:])
	return err == nil && strings.IndexByte(text, '\r') < 0 && strings.IndexByte(text, '\n') < 0
}

var strict = base64.URLEncoding.Strict()

// binarySerializer hands securecookie the compact form that a value makes of itself.
type binarySerializer struct{}

// Serialize implements [securecookie.Serializer].
func (binarySerializer) Serialize(src any) ([]byte, error) {
	return src.(encoding.BinaryMarshaler).MarshalBinary()
}

// Deserialize implements [securecookie.Serializer].
func (binarySerializer) Deserialize(src []byte, dst any) error {
	return dst.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
}
