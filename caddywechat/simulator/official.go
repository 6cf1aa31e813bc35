package simulator

import "strings"

// The official account that a zero Config has.
const (
	DemoAppID        = "wxd3a7c05e19f84b62"
	DemoSecret       = "7c1e94d0b85f3a264ed17b902fc6583a"
	DemoDomain       = "localhost"
	DemoOpenPlatform = "demo"
)

// The scopes of an official account's web login. Source: "Web Authorization" of the service-account documentation
// (/doc/service/api/webdev/access/).
const (
	ScopeBase     = "snsapi_base"     // silent, only the openid
	ScopeUserinfo = "snsapi_userinfo" // asks for consent, nickname and avatar too
)

// OfficialAccount is a service account (服务号) with the web login turned on.
type OfficialAccount struct {
	// AppID is wx and 16 hexadecimal digits.
	AppID string

	// Secret is 32 hexadecimal digits. The page /simulator/ shows it: make one up.
	Secret string

	// Name is shown on the consent page. Empty: 演示服务号.
	Name string

	// Domain is the callback domain (网页授权域名): the exact host of redirect_uri, without scheme and port; it covers no
	// subdomain. It may end in a path, then redirect_uri must be below it.
	//
	// Two things are easier than at WeChat, since this is for development: the port of redirect_uri is ignored, and
	// Domain may be an IP address or "localhost", which covers every name of this machine: localhost, 127.0.0.1, ::1
	// and the addresses that it has in its networks, such as 192.168.1.5.
	Domain string

	// Scopes are those that the account may ask for. Nil: both. An account that lacks one gets page error 10005, as
	// subscription accounts do.
	Scopes []string

	// OpenPlatform names the Open Platform account (微信开放平台) that this account is bound to. Accounts with the same
	// name share their unionids. Empty: not bound, there is no unionid.
	OpenPlatform string
}

func demoAccount() OfficialAccount {
	return OfficialAccount{AppID: DemoAppID, Secret: DemoSecret, Domain: DemoDomain, OpenPlatform: DemoOpenPlatform}
}

func (a OfficialAccount) account() account {
	if a.Name == "" {
		a.Name = "演示服务号"
	}
	if a.Scopes == nil {
		a.Scopes = officialScopes
	}
	return account{
		Kind:         kindOfficial,
		AppID:        a.AppID,
		Secret:       a.Secret,
		Name:         a.Name,
		Domain:       strings.TrimSuffix(a.Domain, "/"),
		Scopes:       a.Scopes,
		OpenPlatform: a.OpenPlatform,
	}
}
