package caddywechat

import (
	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// What user_id can be.
const (
	userIDOpenID    = "openid"
	userIDUnionID   = "unionid"
	userIDQualified = "qualified"
)

var checkUserID = config.OneOf(userIDOpenID, userIDUnionID, userIDQualified)

// snapshotPerson begins what identifies a person whom WeChat made up.
const snapshotPerson = "snapshot:"

// person returns what identifies somebody to the app, "" for an identity that lacks it. It never changes for a person
// while the configuration stays.
func (h *Handler) person(a account.Account, id identity.Identity) string {
	switch {
	case h.UserID == userIDUnionID:
		return everywhere(a, id)
	case h.UserID == userIDQualified:
		return a.AppID() + ":" + a.Person(id)
	default:
		return a.Person(id)
	}
}
