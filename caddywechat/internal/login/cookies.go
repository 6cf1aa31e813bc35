package login

import (
	"strconv"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

func init() {
	for slot := range maxAttempts {
		session.OwnCookie(attemptCookie + strconv.Itoa(slot))
	}
}
