package simulator

import "net/http"

// The mobile app that a zero Config has. It belongs to the demo official account's Open Platform account.
const (
	DemoMobileAppID     = "wxf25a90b7c3d18e46"
	DemoMobileAppSecret = "90c6e3a1f87b4d25ac08e7196d3f5b24"
)

// MobileApp is a mobile app (移动应用) of the Open Platform, with the login turned on. What WeChat's SDK does on a phone is
// done by [Simulator.MobileAppLogin].
type MobileApp struct {
	// AppID is wx and 16 hexadecimal digits.
	AppID string

	// Secret is 32 hexadecimal digits. The page /simulator/ shows it: make one up.
	Secret string

	// Name is shown on the page /simulator/. Empty: 演示移动应用.
	Name string

	// OpenPlatform names the Open Platform account (微信开放平台) that it belongs to. At WeChat every mobile app has one.
	// Empty: none, there is no unionid.
	OpenPlatform string
}

func demoMobileApp() MobileApp {
	return MobileApp{AppID: DemoMobileAppID, Secret: DemoMobileAppSecret, OpenPlatform: DemoOpenPlatform}
}

func (a MobileApp) account() account {
	if a.Name == "" {
		a.Name = "演示移动应用"
	}
	return account{
		Kind: kindMobileApp, AppID: a.AppID, Secret: a.Secret, Name: a.Name, Scopes: []string{ScopeUserinfo},
		OpenPlatform: a.OpenPlatform,
	}
}

// MobileAppLogin is sendAuth in a mobile app, allowed by the person: it returns a code for /sns/oauth2/access_token,
// with the scope snsapi_userinfo. Empty: the first mobile app, and who holds the phone. It fails for those that do not
// exist.
func (s *Simulator) MobileAppLogin(appID, personID string) (code string, err error) {
	g, err := s.grantFor(kindMobileApp, appID, personID)
	if err != nil {
		return "", err
	}
	g.scope = ScopeUserinfo
	return s.issueCode(g), nil
}

func (s *Simulator) postMobileAppLogin(r *http.Request) (any, error) {
	return respondWithCode(r, s.MobileAppLogin)
}
