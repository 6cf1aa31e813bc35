// Package login is the way through a login: the attempt that a browser carries to WeChat and back, the state that names
// it, the address to return to, the results of the last minute, and the end of loops.
package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// A state names one attempt in the URL that goes to WeChat and back: hex digits, since WeChat takes letters and digits
// only, at most 128. Behind its random part it carries, authenticated, the rounds that the browser has been through, if
// there are any: a browser that keeps no cookie has no other place for them.
const (
	stateRandom = 16                                   // bytes
	stateMAC    = 16                                   // bytes
	stateRounds = 4 + (MaxRounds - 1)                  // bytes: the last round's time, the others' distance from it
	stateLength = stateRandom + stateRounds + stateMAC // bytes, of the longest state
)

// MaxRounds is how many rounds a browser may go through within [RoundsWindow] before it is stopped.
const MaxRounds = 3

// RoundsWindow is how long a round counts.
const RoundsWindow = time.Minute

// Rounds are the times of a browser's last rounds, the newest first: a round is a callback that led to another login.
// Logins that merely began are none.
type Rounds []time.Time

// Add returns the rounds with one more, without those that no longer count.
func (r Rounds) Add(now time.Time) Rounds {
	return append(Rounds{now}, r...).recent(now)
}

// Exceeded reports whether the browser has been through so many rounds that another login would be one of a loop.
func (r Rounds) Exceeded(now time.Time) bool { return len(r.recent(now)) >= MaxRounds }

func (r Rounds) recent(now time.Time) Rounds {
	var kept Rounds
	for _, t := range r {
		if now.Sub(t) < RoundsWindow && len(kept) < MaxRounds {
			kept = append(kept, t)
		}
	}
	return kept
}

// StateKey authenticates the rounds in a state.
type StateKey []byte

// NewState returns a state that no one can guess and that carries the rounds.
func (k StateKey) NewState(rounds Rounds) string {
	b := make([]byte, stateRandom, stateLength)
	rand.Read(b)
	if len(rounds) > 0 {
		b = appendRounds(b, rounds)
		b = append(b, k.mac(b)...)
	}
	return hex.EncodeToString(b)
}

// Rounds returns what a state carries, nothing for a state that was not made with this key.
func (k StateKey) Rounds(state string) Rounds {
	b, err := hex.DecodeString(state)
	if err != nil || len(b) != stateLength {
		return nil
	}
	body, mac := b[:stateRandom+stateRounds], b[stateRandom+stateRounds:]
	if !hmac.Equal(mac, k.mac(body)) {
		return nil
	}
	return readRounds(body[stateRandom:])
}

func (k StateKey) mac(body []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(body)
	return h.Sum(nil)[:stateMAC]
}

// none is the distance that stands for a round that was not there.
const none = 255

func appendRounds(b []byte, rounds Rounds) []byte {
	var newest uint32
	if len(rounds) > 0 {
		newest = uint32(rounds[0].Unix())
	}
	b = binary.BigEndian.AppendUint32(b, newest)
	for i := 1; i < MaxRounds; i++ {
		distance := byte(none)
		if i < len(rounds) {
			// Never negative, even when the clock was set back between two rounds.
			distance = byte(min(max(rounds[0].Unix()-rounds[i].Unix(), 0), none-1))
		}
		b = append(b, distance)
	}
	return b
}

func readRounds(b []byte) Rounds {
	newest := time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	if newest.Unix() == 0 {
		return nil
	}
	rounds := Rounds{newest}
	for _, distance := range b[4:] {
		if distance != none {
			rounds = append(rounds, newest.Add(-time.Duration(distance)*time.Second))
		}
	}
	return rounds
}
