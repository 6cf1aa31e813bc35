package login

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// MaxRounds is how many rounds a browser may go through within [RoundsWindow] before it is stopped.
const MaxRounds = 3

// RoundsWindow is how long a round counts.
const RoundsWindow = time.Minute

// Rounds are the times of a browser's last rounds, the newest first. A round is a callback that led to another login,
// or that came again. Logins that merely began are none.
//
// They ride in a cookie of their own, which each round writes anew; in the state of a login, for browsers that keep no
// cookie; and with that in the attempts, so that instances which can't open one another's cookies have them as well.
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

// orLonger returns those of two accounts of the same way that have more rounds which count.
func (r Rounds) orLonger(other Rounds, now time.Time) Rounds {
	if r, other = r.recent(now), other.recent(now); len(other) > len(r) {
		return other
	}
	return r
}

// Longest returns, of several accounts of the same browser's way, the one with the most rounds which count.
func Longest(now time.Time, accounts ...Rounds) Rounds {
	var longest Rounds
	for _, rounds := range accounts {
		longest = longest.orLonger(rounds, now)
	}
	return longest
}

var roundsCookie = session.OwnCookie("wechat_rounds")

// ReadRounds returns the rounds in the cookie that was sealed at site, and whether the browser sent one at all.
func ReadRounds(cookies []session.Sent, s *seal.Sealer, site string, secure bool) (rounds Rounds, sent bool) {
	for _, c := range cookies {
		if c.Name != roundsCookieName(secure) {
			continue
		}
		if sent = true; s.Open(site, c.Value, &rounds) {
			return rounds, true
		}
		rounds = nil
	}
	return nil, sent
}

// RoundsCookie returns the cookie that keeps sealed rounds for as long as they count, or removes them when there are
// none.
func RoundsCookie(sealed string, secure bool) *http.Cookie {
	life := RoundsWindow
	if sealed == "" {
		life = 0
	}
	return session.Cookie(roundsCookieName(secure), sealed, life, secure)
}

func roundsCookieName(secure bool) string {
	if secure {
		return session.HostPrefix + roundsCookie
	}
	return roundsCookie
}

// roundsVersion is the first byte of a payload; see the session's.
const roundsVersion = 1

// MarshalBinary makes the payload.
func (r Rounds) MarshalBinary() ([]byte, error) { return appendRounds([]byte{roundsVersion}, r), nil }

// UnmarshalBinary reads a payload. A payload of another version is an error.
func (r *Rounds) UnmarshalBinary(payload []byte) error {
	if len(payload) != 1+stateRounds || payload[0] != roundsVersion {
		return seal.ErrPayload
	}
	*r = readRounds(payload[1:])
	return nil
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
