package login

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Restarts are the times of a browser's last restarts, the newest first. A restart is a callback that brought another
// login, or that came again. Logins that merely began are none.
//
// They ride in a cookie of their own, which each restart writes anew; in the state of a login, for browsers that keep
// no cookie; and with that in the attempts, so that instances which can't open one another's cookies have them as well.
type Restarts []time.Time

// Add returns the restarts with one more, without those that no longer count.
func (r Restarts) Add(now time.Time) Restarts {
	return append(Restarts{now}, r...).recent(now)
}

// Exceeded reports whether the browser has been through so many restarts that another login would be one of a loop.
func (r Restarts) Exceeded(now time.Time) bool { return len(r.recent(now)) >= MaxRestarts }

func (r Restarts) recent(now time.Time) Restarts {
	var kept Restarts
	for _, t := range r {
		if now.Sub(t) < RestartWindow && len(kept) < MaxRestarts {
			kept = append(kept, t)
		}
	}
	return kept
}

// orLonger returns those of two accounts of the same way that have more restarts which count.
func (r Restarts) orLonger(other Restarts, now time.Time) Restarts {
	if r, other = r.recent(now), other.recent(now); len(other) > len(r) {
		return other
	}
	return r
}

// Longest returns, of several accounts of the same browser's way, the one with the most restarts which count.
func Longest(now time.Time, accounts ...Restarts) Restarts {
	var longest Restarts
	for _, restarts := range accounts {
		longest = longest.orLonger(restarts, now)
	}
	return longest
}

var restartsCookie = session.OwnCookie("wechat_rounds")

// ReadRestarts returns the restarts in the cookie that was sealed at site, and whether the browser sent one at all.
func ReadRestarts(cookies []visitor.Cookie, s *seal.Sealer, site string, secure bool) (restarts Restarts, sent bool) {
	for _, c := range cookies {
		if c.Name != restartsCookieName(secure) {
			continue
		}
		if sent = true; s.Open(site, c.Value, &restarts) {
			return restarts, true
		}
		restarts = nil
	}
	return nil, sent
}

// RestartsCookie returns the cookie that keeps sealed restarts for as long as they count, or removes them when there
// are none.
func RestartsCookie(sealed string, secure bool) *http.Cookie {
	life := RestartWindow
	if sealed == "" {
		life = 0
	}
	return session.Cookie(restartsCookieName(secure), sealed, life, secure)
}

func restartsCookieName(secure bool) string {
	if secure {
		return session.HostPrefix + restartsCookie
	}
	return restartsCookie
}

// restartsVersion is the first byte of a payload; see the session's.
const restartsVersion = 1

// MarshalBinary makes the payload.
func (r Restarts) MarshalBinary() ([]byte, error) {
	return appendRestarts([]byte{restartsVersion}, r), nil
}

// UnmarshalBinary reads a payload. A payload of another version is an error.
func (r *Restarts) UnmarshalBinary(payload []byte) error {
	if len(payload) != 1+stateRestarts || payload[0] != restartsVersion {
		return seal.ErrPayload
	}
	*r = readRestarts(payload[1:])
	return nil
}

// none is the distance that stands for a restart that was not there.
const none = 255

func appendRestarts(b []byte, restarts Restarts) []byte {
	var newest uint32
	if len(restarts) > 0 {
		newest = uint32(restarts[0].Unix())
	}
	b = binary.BigEndian.AppendUint32(b, newest)
	for i := 1; i < MaxRestarts; i++ {
		distance := byte(none)
		if i < len(restarts) {
			// Never negative, even when the clock was set back between two restarts.
			distance = byte(min(max(restarts[0].Unix()-restarts[i].Unix(), 0), none-1))
		}
		b = append(b, distance)
	}
	return b
}

func readRestarts(b []byte) Restarts {
	newest := time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	if newest.Unix() == 0 {
		return nil
	}
	restarts := Restarts{newest}
	for _, distance := range b[4:] {
		if distance != none {
			restarts = append(restarts, newest.Add(-time.Duration(distance)*time.Second))
		}
	}
	return restarts
}
