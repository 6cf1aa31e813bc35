package simulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// Simulator answers as WeChat would. It is an http.Handler, safe for concurrent use; make it with New and Close it.
type Simulator struct {
	config     Config
	accounts   []account // of every kind, the official accounts first
	mux        *http.ServeMux
	duplicates chan struct{}   // one for each duplicate callback under way
	baseCtx    context.Context // canceled by Close
	cancelBase context.CancelFunc

	mu    sync.Mutex
	state // guarded by mu
}

// New makes a simulator. It fails if the configuration could not exist at WeChat: an app id or a secret of another
// shape, a domain with a scheme or port, an unknown scope, two accounts or people of the same id.
func New(config Config) (*Simulator, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		config:     config,
		accounts:   config.accounts(),
		duplicates: make(chan struct{}, maxDuplicates),
	}
	s.baseCtx, s.cancelBase = context.WithCancel(context.Background())
	s.state = newState(s.baseCtx, config)
	s.mux = s.routes()
	return s, nil
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

// Paths of WeChat that the simulator answers.
const (
	authorizePath    = "/connect/oauth2/authorize"
	qrConnectPath    = "/connect/qrconnect"
	qrCodePath       = "/connect/qrcode/" // followed by the uuid
	qrPollPath       = "/connect/l/qrconnect"
	confirmPath      = "/connect/confirm"
	accessTokenPath  = "/sns/oauth2/access_token"
	refreshTokenPath = "/sns/oauth2/refresh_token"
	authPath         = "/sns/auth"
	userinfoPath     = "/sns/userinfo"
)

func (s *Simulator) routes() *http.ServeMux {
	mux := http.NewServeMux()

	mux.Handle(authorizePath, s.wechat(s.authorize))
	mux.Handle(consentPath, s.wechat(s.consent))
	mux.Handle(qrConnectPath, s.wechat(s.qrConnect))
	mux.Handle(weComLoginPath, s.wechat(s.weComLogin))
	mux.HandleFunc(qrCodePath+"{uuid}", s.qrCode)
	mux.Handle(qrPollPath, s.wechat(s.qrPoll))
	mux.Handle(confirmPath, s.wechat(s.confirm))
	mux.Handle(accessTokenPath, s.wechat(s.getOnly(s.exchange)))
	mux.Handle(refreshTokenPath, s.wechat(s.getOnly(s.refresh)))
	mux.Handle(authPath, s.wechat(s.getOnly(s.auth)))
	mux.Handle(userinfoPath, s.wechat(s.getOnly(s.userinfo)))
	s.addServerCalls(mux)
	s.addMiniProgramCalls(mux)
	mux.Handle("/", s.wechat(s.unknownPath))

	mux.HandleFunc("GET "+avatarPath+"{person}/{size}", s.avatar)
	s.addOverview(mux)
	s.addControls(mux)
	return mux
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// Close cuts the connections of requests that hang or wait because of a fault, answers those that wait for calls, and
// gives up duplicate callbacks under way. The simulator goes on answering others. Call it before closing a server that
// waits for its requests, such as httptest.Server.
func (s *Simulator) Close() {
	s.cancelBase()
}

// wechat serves one of WeChat's own addresses: what it is asked goes into the journal, and a fault may replace the
// response. A call is recorded before it is answered, so whoever has a response finds the call in the journal.
func (s *Simulator) wechat(handle func(*http.Request) response) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault, ok := s.nextFault(r.URL.Path); ok {
			s.serveFault(w, r, fault, handle)
			return
		}
		a := handle(r)
		s.record(r.Method, r.URL.Path, a.outcome)
		a.write(w)
	})
}

// baseURL is where r reached the simulator, without a slash at the end.
func (s *Simulator) baseURL(r *http.Request) string {
	switch {
	case s.config.PublicURL != "":
		return s.config.PublicURL
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

func (s *Simulator) unknownPath(r *http.Request) response {
	return problemPage(r, problem{
		about:  "404",
		title:  "not_found",
		ours:   true,
		hint:   "not_found",
		values: []string{"{method}", r.Method, "{path}", r.URL.Path},
	}).withStatus(http.StatusNotFound)
}
