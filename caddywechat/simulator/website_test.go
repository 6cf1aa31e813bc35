package simulator

import (
	"strings"
	"testing"
)

func TestNew_RefusesWebsiteAppsThatCouldNotExist(t *testing.T) {
	for name, change := range map[string]func(*WebsiteApp){
		"app id":              func(a *WebsiteApp) { a.AppID = "demo" },
		"secret":              func(a *WebsiteApp) { a.Secret = "secret" },
		"no domain":           func(a *WebsiteApp) { a.Domain = "" },
		"path":                func(a *WebsiteApp) { a.Domain = "www.example.com/app" },
		"port":                func(a *WebsiteApp) { a.Domain = "localhost:8080" },
		"official account's":  func(a *WebsiteApp) { a.AppID = DemoAppID },
		"scheme":              func(a *WebsiteApp) { a.Domain = "https://www.example.com" },
		"app id in uppercase": func(a *WebsiteApp) { a.AppID = strings.ToUpper(a.AppID) },
	} {
		app := demoWebsite()
		change(&app)
		if _, err := New(Config{Websites: []WebsiteApp{app}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
