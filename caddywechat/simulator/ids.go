package simulator

import (
	"crypto/sha256"
	"encoding/base64"
)

// OpenID returns the openid by which the official account appID knows a person: the same at every start, another for
// every account. 28 characters of [0-9A-Za-z_-], the first is o.
func OpenID(appID, personID string) string {
	return wechatID("openid", appID, personID)
}

// UnionID returns the unionid by which all accounts bound to an Open Platform account know a person. It looks like an
// openid.
func UnionID(openPlatform, personID string) string {
	return wechatID("unionid", openPlatform, personID)
}

// ExternalUserID returns the external_userid by which a company in WeCom knows a person who is not its member. 32
// characters of [0-9A-Za-z_-], the first are wm.
func ExternalUserID(corpID, personID string) string {
	return "wmSim" + wechatID("external_userid", corpID, personID)[1:]
}

func wechatID(kind, within, personID string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + within + "\x00" + personID))
	return "o" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}
