package wecom

import (
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// Person implements [account.Account]: a member's userid in lower case, since WeCom does not tell upper from lower case
// in it; external:<external_userid> for somebody else whom the company knows, openid:<openid> for others. No userid has
// a colon.
func (*Account) Person(id identity.Identity) string {
	if userID := id.Get(identity.UserID); userID != "" {
		return strings.ToLower(userID)
	}
	if external := id.Get(identity.ExternalUserID); external != "" {
		return "external:" + external
	}
	if openID := id.Get(identity.OpenID); openID != "" {
		return "openid:" + openID
	}
	return ""
}

// PersonEverywhere implements [account.Account]: a userid means somebody within the company only.
func (a *Account) PersonEverywhere(id identity.Identity) string {
	if person := a.Person(id); person != "" {
		return a.app.ID + ":" + person
	}
	return ""
}

// HasLocalIDs implements [account.LocalIDs]: a company makes up its userids.
func (*Account) HasLocalIDs() bool { return true }

// Admits implements [account.Admitter]. Members of companies up- and downstream, whose userids have their company's in
// front, are none of this one.
func (a *Account) Admits(id identity.Identity) bool {
	userID := id.Get(identity.UserID)
	return a.AllowExternal || userID != "" && !strings.Contains(userID, "/")
}
