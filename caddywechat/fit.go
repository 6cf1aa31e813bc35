package caddywechat

import (
	"errors"
	"fmt"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// errTooLong is the error of a session that has no room in a cookie.
var errTooLong = errors.New("the session does not fit into a cookie")

const cureTooLong = "if it is departments: narrow the visible range (可见范围) of the app in WeCom's console, for WeCom lists " +
	"those only that the app may see; else give the session's cookie a shorter name or domain"

// fit returns a session as it fits into a cookie at o, perhaps without avatar and with less of the nickname. The error
// names what takes most of the room.
func (h *Handler) fit(s session.Session, o origin) (session.Session, error) {
	fitted, ok := s.Fit(h.cookies, o.secure())
	if ok {
		return fitted, nil
	}
	var longest identity.Field
	for _, f := range fitted.Identity {
		if len(f.Value) > len(longest.Value) {
			longest = f
		}
	}
	return s, fmt.Errorf("%w: the longest field is %s, of %d bytes", errTooLong, longest.Name, len(longest.Value))
}
