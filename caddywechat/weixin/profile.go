package weixin

import (
	"context"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// ScopeUserinfo is the scope of a login that gives nickname and avatar, in official accounts and mobile apps.
const ScopeUserinfo = "snsapi_userinfo"

// HasScope reports whether a list of scopes, as WeChat writes it, holds one.
func HasScope(list, scope string) bool {
	return slices.Contains(strings.Split(list, ","), scope)
}

// Identity returns what a token says of the person.
func (t Token) Identity() identity.Identity {
	id := identity.Identity{}.
		With(identity.OpenID, t.OpenID).
		With(identity.UnionID, t.UnionID).
		With(identity.Scope, t.Scope)
	if t.Snapshot {
		id = id.With(identity.Snapshot, "1")
	}
	return id
}

// Profile returns what a token and the profile that it gives say of the person.
func (c *Client) Profile(ctx context.Context, t Token) (identity.Identity, error) {
	person, err := c.UserInfo(ctx, t)
	if err != nil {
		return nil, err
	}
	return t.Identity().
		With(identity.UnionID, person.UnionID).
		With(identity.Nickname, person.Nickname).
		With(identity.Avatar, person.Avatar), nil
}
