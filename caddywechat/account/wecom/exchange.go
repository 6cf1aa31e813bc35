package wecom

import (
	"context"
	"errors"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Exchange implements [account.Redirector].
func (a *Account) Exchange(ctx context.Context, code string, profile bool) (account.Grant, error) {
	user, err := a.wechat.WeComUser(ctx, a.token, code)
	if err != nil {
		return account.Grant{}, account.CodeError(err)
	}
	id := identity.Identity{}.
		With(identity.UserID, a.withoutOwnCorp(user.UserID)).
		With(identity.ExternalUserID, user.ExternalUserID).
		With(identity.OpenID, user.OpenID).
		With(identity.Scope, a.granted(user, profile))
	if !a.Admits(id) {
		return account.Grant{}, account.ErrNotAMember
	}
	if user.UserID == "" {
		return account.Grant{Identity: id}, nil
	}
	id, err = a.withMember(ctx, id, user)
	if err != nil {
		return account.Grant{}, err
	}
	return account.Grant{Identity: id}, nil
}

// granted returns the scope: WeCom does not name it, but gives a ticket where a member agreed to more. It is "" where
// more was asked for and not given.
func (a *Account) granted(user weixin.WeComUser, profile bool) string {
	switch {
	case user.Ticket != "":
		return scopePrivateInfo
	case a.scope(profile) == scopeBase:
		return scopeBase
	default:
		return ""
	}
}

// withoutOwnCorp returns the userid of a member without the company's id, which stands in front of the ids of companies
// up- and downstream.
func (a *Account) withoutOwnCorp(userID string) string {
	if corp, own, found := strings.Cut(userID, "/"); found && strings.EqualFold(corp, a.app.ID) {
		return own
	}
	return userID
}

// withMember adds what WeCom lets the app know of a member.
func (a *Account) withMember(
	ctx context.Context, id identity.Identity, user weixin.WeComUser,
) (identity.Identity, error) {
	var member weixin.WeComMember
	// Another company's member is not ours to read.
	if userID := id.Get(identity.UserID); !strings.Contains(userID, "/") {
		var err error
		if member, err = a.wechat.WeComMember(ctx, a.token, userID); err != nil && !isHidden(err) {
			return nil, err
		}
	}
	if user.Ticket != "" {
		avatar, err := a.wechat.WeComAvatar(ctx, a.token, user)
		if err != nil && !isHidden(err) {
			return nil, err
		}
		if avatar != "" {
			member.Avatar = avatar
		}
	}
	return id.
		With(identity.Departments, strings.Join(member.Departments, ",")).
		With(identity.Nickname, member.Name).
		With(identity.Avatar, member.Avatar), nil
}

func isHidden(err error) bool {
	apiErr, ok := errors.AsType[*weixin.Error](err)
	return ok && apiErr.HidesMember()
}
