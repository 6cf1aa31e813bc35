package simulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Config is how a simulator starts. The zero value is ready to use: the demo accounts of every kind,
// such as [DemoAppID] and [DemoMiniProgramAppID], and the built-in [Cast].
type Config struct {
	// Accounts are the official accounts that exist. Empty: one demo account, with DemoAppID, DemoSecret and
	// DemoDomain, both scopes, bound to DemoOpenPlatform.
	Accounts []OfficialAccount

	// Websites are the website apps that exist. Empty: one demo app, with DemoWebsiteAppID, DemoWebsiteSecret and
	// DemoDomain, bound to DemoOpenPlatform.
	Websites []WebsiteApp

	// MiniPrograms are the mini-programs that exist. Empty: one demo mini-program, with DemoMiniProgramAppID and
	// DemoMiniProgramSecret, bound to DemoOpenPlatform.
	MiniPrograms []MiniProgram

	// MobileApps are the mobile apps that exist. Empty: one demo app, with DemoMobileAppID and DemoMobileAppSecret,
	// bound to DemoOpenPlatform.
	MobileApps []MobileApp

	// WeCom are the WeCom apps that exist. Empty: one demo app, with DemoCorpID, DemoAgentID and DemoWeComSecret.
	WeCom []WeComApp

	// People are those who may hold the phone; the first one does until someone else is chosen. Empty: Cast(). The
	// people of Nasty are there besides.
	People []Person

	// Choose, AnyBrowser and DenyRedirects turn on the quirks of these names.
	Choose, AnyBrowser, DenyRedirects bool

	// PublicURL is where apps and browsers reach the simulator, for URLs of avatars, such as "http://localhost:9002".
	// Empty: taken from the Host of each request, which is wrong only where servers and browsers use different names.
	PublicURL string

	// Hosts are further names under which its own pages and control calls may be asked for, such as the name of its
	// service in Docker Compose. Those that are known without: localhost, IP addresses, the accounts' domains and the
	// host of PublicURL. Under any other name only the API answers, since a stranger's page can make a name of its own
	// resolve here.
	Hosts []string

	// Quirks are those that it starts with; see [Simulator.SetQuirks].
	Quirks Quirks

	// Now is the clock by which codes and tokens expire. Nil: time.Now. Delays of faults take real time.
	Now func() time.Time

	// Random says, with a number from 0 up to but not including 1, whether a fault that has a Rate meets a call: if the
	// number is below the rate. It is never called twice at a time, and must not call the simulator. Nil: chance.
	Random func() float64
}

// complete returns the configuration with its defaults filled in, sharing nothing with c, or what is wrong with it.
func (c Config) complete() (Config, error) {
	if len(c.Accounts) == 0 {
		c.Accounts = []OfficialAccount{demoAccount()}
	}
	if len(c.Websites) == 0 {
		c.Websites = []WebsiteApp{demoWebsite()}
	}
	if len(c.MiniPrograms) == 0 {
		c.MiniPrograms = []MiniProgram{demoMiniProgram()}
	}
	if len(c.MobileApps) == 0 {
		c.MobileApps = []MobileApp{demoMobileApp()}
	}
	if len(c.People) == 0 {
		c.People = Cast()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if c.PublicURL != "" && !isURL(c.PublicURL) {
		return c, fmt.Errorf("public URL %q: it begins http:// or https://", c.PublicURL)
	}

	c.Quirks.Choose = c.Quirks.Choose || c.Choose
	c.Quirks.AnyBrowser = c.Quirks.AnyBrowser || c.AnyBrowser
	c.Quirks.DenyRedirects = c.Quirks.DenyRedirects || c.DenyRedirects
	c.Quirks = c.Quirks.withDefaults()
	if err := c.Quirks.check(); err != nil {
		return c, err
	}

	c.Accounts, c.Websites = slices.Clone(c.Accounts), slices.Clone(c.Websites)
	c.MiniPrograms, c.MobileApps = slices.Clone(c.MiniPrograms), slices.Clone(c.MobileApps)
	seen := make(map[string]bool)
	for _, account := range c.accounts() {
		if err := account.check(); err != nil {
			return c, fmt.Errorf("%s %q: %w", account.Kind, account.AppID, err)
		}
		if seen[account.AppID] {
			return c, fmt.Errorf("%s %q: configured twice", account.Kind, account.AppID)
		}
		seen[account.AppID] = true
	}

	var err error
	if c.WeCom, err = completeWeComApps(c.WeCom); err != nil {
		return c, err
	}

	if c.Hosts, err = c.completeHosts(); err != nil {
		return c, err
	}

	people := c.People
	c.People = nil
	for _, person := range people {
		if err := checkNewcomer(person, c.People); err != nil {
			return c, err
		}
		c.People = append(c.People, person)
	}
	return c, nil
}

// accounts returns those of every kind.
func (c Config) accounts() []account {
	var all []account
	for _, official := range c.Accounts {
		all = append(all, official.account())
	}
	for _, website := range c.Websites {
		all = append(all, website.account())
	}
	for _, program := range c.MiniPrograms {
		all = append(all, program.account())
	}
	for _, app := range c.MobileApps {
		all = append(all, app.account())
	}
	return all
}
