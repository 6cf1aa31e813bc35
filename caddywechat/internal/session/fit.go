package session

import (
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// maxCookie is the length in bytes below which a session's cookie stays, with its name and attributes. An app has
// cookies of its own, and servers in front take heads of 4 or 8 KB.
const maxCookie = 1300

// Fit returns the session as far as a cookie has room for it: where it has not, first the avatar goes, whole, since
// half an address leads nowhere, then the end of the nickname. Ids and departments stay, for half of one is another's:
// it reports whether they fit. So will the session when it is sealed again later.
func (s Session) Fit(c Cookies, secure bool) (Session, bool) {
	over := s.over(c, secure)
	if over <= 0 {
		return s, true
	}
	s.Identity = s.Identity.Without(identity.Avatar)
	if over = s.over(c, secure); over <= 0 {
		return s, true
	}
	s.Identity = s.Identity.CutNickname(len(s.Identity.Get(identity.Nickname)) - over)
	return s, s.over(c, secure) <= 0
}

// over returns how many bytes of the payload there is no room for, at the session's longest: when it is about to end.
func (s Session) over(c Cookies, secure bool) int {
	s.Seen, s.Renewed, s.Survives = s.Expires, s.Expires, s.Expires
	payload, _ := s.MarshalBinary() // which has no error to return
	empty := c.New("", max(s.Expires.Sub(s.Created), time.Second), secure).String()
	room := 0
	for len(empty)+seal.Length(room+1) < maxCookie {
		room++
	}
	return len(payload) - room
}
