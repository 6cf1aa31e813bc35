package weixin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// SessionKey is what WeChat and a mini-program's server know of a person's session: base64 of 16 bytes. Data that
// WeChat encrypts or signs with it is the person's own, as long as the person does not know the key: it never leaves
// the server (https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html).
type SessionKey string

// ErrMalformed is the error of data that WeChat cannot have encrypted: it is not base64, or has no such length.
var ErrMalformed = errors.New("the encrypted data or its iv is not what WeChat gives to a mini-program")

// ErrNotOpened is the error of data that does not open in a session: WeChat encrypted it with another key, for
// another app or of another person, or somebody changed it. It does not tell which: who can find out is able to make
// up data.
var ErrNotOpened = errors.New("the encrypted data does not open with the session key")

// Decrypt returns the JSON that WeChat encrypted for the app appID with the session's key, with blanks for raw
// control characters. An openId or unionId in it is the session's. Both texts are base64. The error is [ErrMalformed]
// or [ErrNotOpened].
func (s MiniProgramSession) Decrypt(appID, encryptedData, iv string) (json.RawMessage, error) {
	data, err := base64.StdEncoding.DecodeString(encryptedData)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrMalformed
	}
	start, err := base64.StdEncoding.DecodeString(iv)
	if err != nil || len(start) != aes.BlockSize {
		return nil, ErrMalformed
	}
	key, ok := s.Key.bytes()
	if !ok {
		return nil, ErrNotOpened
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrNotOpened
	}
	cipher.NewCBCDecrypter(block, start).CryptBlocks(data, data)
	length, padded := unpad(data)
	whole := utf8.Valid(data[:length]) // what somebody put together of pieces hardly is
	text := sanitize(data[:length])
	if sealed := isSealedFor(appID, s, text); !padded || !whole || !sealed {
		return nil, ErrNotOpened
	}
	return text, nil
}

// bytes returns the key as AES takes it.
func (k SessionKey) bytes() ([]byte, bool) {
	key, err := base64.StdEncoding.DecodeString(string(k))
	return key, err == nil && len(key) == aes.BlockSize
}

// unpad returns how long the text is that was padded by PKCS #7, in a time that does not depend on the padding; where
// it is wrong, the whole length. There is at least one block.
func unpad(text []byte) (length int, ok bool) {
	n := int(text[len(text)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		inside := subtle.ConstantTimeLessOrEq(i, n)
		same := subtle.ConstantTimeByteEq(text[len(text)-i], byte(n))
		good &= subtle.ConstantTimeSelect(inside, same, 1)
	}
	return len(text) - subtle.ConstantTimeSelect(good, n, 0), good == 1
}

// Signed reports whether signature is what WeChat writes next to rawData: the hex SHA-1 of the data and the key.
func (k SessionKey) Signed(rawData, signature string) bool {
	given, err := hex.DecodeString(signature)
	sum := sha1.Sum([]byte(rawData + string(k)))
	return err == nil && subtle.ConstantTimeCompare(given, sum[:]) == 1
}

// Sign returns the hex HMAC-SHA-256 of a message, by which a server proves that it knows the key. The HMAC's key is the
// base64 text itself.
func (k SessionKey) Sign(message string) string {
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}
