package simulator

import "strings"

// The website app that a zero Config has. Its callback domain and Open Platform account are those of the demo official
// account, so that people have the same unionid in both.
const (
	DemoWebsiteAppID  = "wx5b20f6c98e1d7a43"
	DemoWebsiteSecret = "e04b7d2f961c58a3b7f20d84c1695ea3"
)

// ScopeLogin is the one scope of a website app: the login by QR code, with nickname and avatar. Source: the Open
// Platform's documentation of website apps (/doc/oplatform/Website_App/WeChat_Login/).
const ScopeLogin = "snsapi_login"

// WebsiteApp is a website app (网站应用) of the Open Platform, with the login by QR code turned on.
type WebsiteApp struct {
	// AppID is wx and 16 hexadecimal digits.
	AppID string

	// Secret is 32 hexadecimal digits. The page /simulator/ shows it: make one up.
	Secret string

	// Name is shown below the QR code and on the phone. Empty: 演示网站.
	Name string

	// Domain is the callback domain (授权回调域): the exact host of redirect_uri, without scheme, port and path. What is
	// easier than at WeChat is so here, too: see OfficialAccount.
	Domain string

	// OpenPlatform names the Open Platform account (微信开放平台) that this app belongs to. At WeChat every website app has
	// one. Empty: none, there is no unionid.
	OpenPlatform string
}

func demoWebsite() WebsiteApp {
	return WebsiteApp{
		AppID: DemoWebsiteAppID, Secret: DemoWebsiteSecret, Domain: DemoDomain, OpenPlatform: DemoOpenPlatform,
	}
}

func (a WebsiteApp) account() account {
	if a.Name == "" {
		a.Name = "演示网站"
	}
	return account{
		Kind:         kindWebsite,
		AppID:        a.AppID,
		Secret:       a.Secret,
		Name:         a.Name,
		Domain:       strings.TrimSuffix(a.Domain, "/"),
		Scopes:       websiteScopes,
		OpenPlatform: a.OpenPlatform,
	}
}
