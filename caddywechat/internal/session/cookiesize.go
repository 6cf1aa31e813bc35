package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// maxCookie is the length in bytes below which a session's cookie stays, with its name and attributes. An app has
// cookies of its own, and servers in front take heads of 4 or 8 KB.
const maxCookie = 1300

// ErrTooLong is the error of a session that has no room in a cookie. Its text names the longest field.
var ErrTooLong = errors.New("the session does not fit into a cookie")

// fit returns the session as far as a cookie has room for it: where it has not, first the avatar goes, whole, since
// half an address leads nowhere, then the end of the nickname. Ids and departments stay, for half of one is another's:
// where they don't fit the error is an [ErrTooLong]. What fits now will fit when it is sealed again later.
func (s Session) fit(c Cookies, secure bool) (Session, error) {
	if s.over(c, secure) <= 0 {
		return s, nil
	}
	s.Identity = s.Identity.Without(identity.Avatar)
	// Where there is room now, this cuts nothing.
	s.Identity = s.Identity.CutNickname(len(s.Identity.Get(identity.Nickname)) - s.over(c, secure))
	if s.over(c, secure) > 0 {
		longest := slices.MaxFunc(s.Identity, func(a, b identity.Field) int { return len(a.Value) - len(b.Value) })
		return s, fmt.Errorf("%w: the longest field is %s, of %d bytes", ErrTooLong, longest.Name, len(longest.Value))
	}
	return s, nil
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
