package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// A state names one attempt in the URL that goes to WeChat and back: hex digits, since WeChat takes letters and digits
// only, at most 128. Behind its random part it carries, authenticated, the restarts that the browser has been through,
// if there are any: a browser that keeps no cookie has no other slot for them.
const (
	stateRandom   = 16                                     // bytes
	stateMAC      = 16                                     // bytes
	stateRestarts = 4 + (MaxRestarts - 1)                  // bytes: the last one's time, the others' distance from it
	stateLength   = stateRandom + stateRestarts + stateMAC // bytes, of the longest state
)

// StateKey authenticates the restarts in a state.
type StateKey []byte

// NewState returns a state that no one can guess and that carries the restarts.
func (k StateKey) NewState(restarts Restarts) string {
	b := make([]byte, stateRandom, stateLength)
	rand.Read(b)
	if len(restarts) > 0 {
		b = appendRestarts(b, restarts)
		b = append(b, k.mac(b)...)
	}
	return hex.EncodeToString(b)
}

// Restarts returns what a state carries, nothing for one that was not made with this key. What somebody on the way
// appended to it does not count.
func (k StateKey) Restarts(state string) Restarts {
	b, _ := hex.DecodeString(state[:min(len(state), 2*stateLength)]) // less where it is none
	if len(b) != stateLength {
		return nil
	}
	body, mac := b[:stateRandom+stateRestarts], b[stateRandom+stateRestarts:]
	if !hmac.Equal(mac, k.mac(body)) {
		return nil
	}
	return readRestarts(body[stateRandom:])
}

func (k StateKey) mac(body []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(body)
	return h.Sum(nil)[:stateMAC]
}
