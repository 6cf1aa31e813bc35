package simulator

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The WeCom app that a zero Config has.
const (
	DemoCorpID      = "wwd3a7c05e19f84b62"
	DemoAgentID     = 1000002
	DemoWeComSecret = "mYx3Q0sV7bT9kLr2Zc5Nf8Hd1Gj4Wp6Ea_Uo-iSqRtA"
)

// The scopes of a WeCom app's login, which are ScopeBase and this one. Source: 91022 of WeCom's documentation.
const ScopePrivateInfo = "snsapi_privateinfo" // asks for consent, picture too

// WeComApp is an app that a company made for itself in WeCom (企业微信), after June 2022: it reads nobody's picture without
// their consent.
type WeComApp struct {
	// CorpID is ww and 16 hexadecimal digits.
	CorpID string

	// AgentID is the number of the app within the company.
	AgentID int

	// Secret is 43 characters of [0-9A-Za-z_-]. Make one up.
	Secret string

	// Name is shown on the pages. Empty: 演示企业应用.
	Name string

	// Domain is the trusted domain (可信域名) of the app: the exact host of redirect_uri, with the port if it has one.
	// "localhost" covers every name of this machine and every port. Empty: DemoDomain.
	Domain string

	// NewTokens gives another token at each call of gettoken; the former ones stay good. Otherwise it is the same one
	// for its lifetime, as WeCom's documentation once promised.
	NewTokens bool
}

func demoWeComApp() WeComApp {
	return WeComApp{CorpID: DemoCorpID, AgentID: DemoAgentID, Secret: DemoWeComSecret}
}

func (a WeComApp) withDefaults() WeComApp {
	if a.Name == "" {
		a.Name = "演示企业应用"
	}
	if a.Domain == "" {
		a.Domain = DemoDomain
	}
	return a
}

// trusts reports whether u is at the app's trusted domain.
func (a WeComApp) trusts(u *url.URL) bool {
	host := strings.ToLower(u.Host)
	return host == strings.ToLower(a.Domain) ||
		a.Domain == "localhost" && sameHost(a.Domain, strings.ToLower(u.Hostname()))
}

var (
	corpIDShape      = regexp.MustCompile(`^ww[0-9a-f]{16}$`)
	weComDomainShape = regexp.MustCompile(`^[0-9A-Za-z.-]+(:[0-9]{1,5})?$`)
	weComSecretShape = regexp.MustCompile(`^[0-9A-Za-z_-]{43}$`)
)

func (a WeComApp) check() error {
	switch {
	case !corpIDShape.MatchString(a.CorpID):
		return errors.New("a corp id is ww and 16 hexadecimal digits in lower case")
	case a.AgentID <= 0:
		return errors.New("an agent id is a number above 0")
	case !weComDomainShape.MatchString(a.Domain):
		return fmt.Errorf("trusted domain %q: write host or host:port, without scheme and path", a.Domain)
	case !weComSecretShape.MatchString(a.Secret):
		return errors.New("the secret of a WeCom app is 43 letters, digits, _ and -")
	}
	return nil
}

// owner names the app as the owner of a token. Official accounts have their app ids for that.
func (a WeComApp) owner() string { return a.CorpID + " " + strconv.Itoa(a.AgentID) }

func isWeComApp(owner string) bool { return strings.Contains(owner, " ") }

// completeWeComApps returns the apps, or the demo app, or what is wrong with one.
func completeWeComApps(apps []WeComApp) ([]WeComApp, error) {
	if len(apps) == 0 {
		apps = []WeComApp{demoWeComApp()}
	}
	apps = slices.Clone(apps)
	for i, app := range apps {
		app = app.withDefaults()
		apps[i] = app
		if err := app.check(); err != nil {
			return nil, fmt.Errorf("WeCom app %q: %w", app.owner(), err)
		}
		same := func(other WeComApp) bool {
			return other.owner() == app.owner() || other.CorpID == app.CorpID && other.Secret == app.Secret
		}
		if slices.ContainsFunc(apps[:i], same) {
			return nil, fmt.Errorf("WeCom app %q: configured twice", app.owner())
		}
	}
	return apps, nil
}
