package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is how a simulator starts. The zero value is ready to use: the account [DemoAppID] and the built-in [Cast].
type Config struct {
	// Accounts are the official accounts that exist. Empty: one demo account, with DemoAppID, DemoSecret and DemoDomain,
	// both scopes, bound to DemoOpenPlatform.
	Accounts []OfficialAccount

	// People are those who may hold the phone; the first one does until someone else is chosen. Empty: Cast().
	People []Person

	// Choose shows the page of people also where WeChat is silent (snsapi_base). For demonstrations.
	Choose bool

	// AnyBrowser serves the authorize page to every browser. Otherwise, as in WeChat, only to a User-Agent that contains
	// MicroMessenger.
	AnyBrowser bool

	// DenyRedirects makes a refusal on the consent page lead back to redirect_uri, with state and without code, as the
	// third-party-platform documentation promises. Otherwise the page just closes and the app never hears of it, which
	// is what WeChat's staff say happens on phones.
	DenyRedirects bool

	// PublicURL is where apps and browsers reach the simulator, for URLs of avatars, such as "http://localhost:9002".
	// Empty: taken from the Host of each request, which is wrong only where servers and browsers use different names.
	PublicURL string

	// Quirks choose among the contradicting behaviours of the real platform.
	Quirks Quirks

	// Now is the clock by which codes and tokens expire. Nil: time.Now. Delays of faults take real time.
	Now func() time.Time
}

// Simulator answers as WeChat would. It is an http.Handler, safe for concurrent use; make it with New and Close it.
type Simulator struct {
	config   Config
	accounts map[string]OfficialAccount
	mux      *http.ServeMux

	closing sync.Once
	closed  chan struct{}

	mu            sync.Mutex // guards everything below
	holder        string
	codes         shelf[*code]
	accessTokens  shelf[*accessToken]
	refreshTokens shelf[*refreshToken]
	faults        []Fault
	journal       journal
}

// New makes a simulator. It fails if the configuration could not exist at WeChat: an app id or a secret of another
// shape, a domain with a scheme or port, an unknown scope, two accounts or people of the same id.
func New(config Config) (*Simulator, error) {
	if len(config.Accounts) == 0 {
		config.Accounts = []OfficialAccount{demoAccount()}
	}
	if len(config.People) == 0 {
		config.People = Cast()
	}
	config.Accounts = slices.Clone(config.Accounts)
	config.People = slices.Clone(config.People)
	if config.Now == nil {
		config.Now = time.Now
	}
	config.PublicURL = strings.TrimSuffix(config.PublicURL, "/")
	if config.PublicURL != "" && !isURL(config.PublicURL) {
		return nil, fmt.Errorf("public URL %q: it begins http:// or https://", config.PublicURL)
	}
	config.Quirks = config.Quirks.withDefaults()
	if err := config.Quirks.check(); err != nil {
		return nil, err
	}

	accounts := make(map[string]OfficialAccount)
	for i, account := range config.Accounts {
		account = account.withDefaults()
		if err := account.check(); err != nil {
			return nil, fmt.Errorf("official account %q: %w", account.AppID, err)
		}
		if _, taken := accounts[account.AppID]; taken {
			return nil, fmt.Errorf("official account %q: configured twice", account.AppID)
		}
		accounts[account.AppID] = account
		config.Accounts[i] = account
	}
	if err := checkPeople(config.People); err != nil {
		return nil, err
	}

	s := &Simulator{
		config:        config,
		accounts:      accounts,
		closed:        make(chan struct{}),
		holder:        config.People[0].ID,
		codes:         newShelf[*code](),
		accessTokens:  newShelf[*accessToken](),
		refreshTokens: newShelf[*refreshToken](),
		journal:       newJournal(),
	}
	s.mux = s.routes()
	return s, nil
}

// Paths of WeChat that the simulator answers.
const (
	authorizePath    = "/connect/oauth2/authorize"
	accessTokenPath  = "/sns/oauth2/access_token"
	refreshTokenPath = "/sns/oauth2/refresh_token"
	authPath         = "/sns/auth"
	userinfoPath     = "/sns/userinfo"
)

func (s *Simulator) routes() *http.ServeMux {
	mux := http.NewServeMux()

	mux.Handle(authorizePath, s.wechat(s.authorize))
	mux.Handle(consentPath, s.wechat(s.consent))
	mux.Handle(accessTokenPath, s.wechat(s.getOnly(s.exchange)))
	mux.Handle(refreshTokenPath, s.wechat(s.getOnly(s.refresh)))
	mux.Handle(authPath, s.wechat(s.getOnly(s.auth)))
	mux.Handle(userinfoPath, s.wechat(s.getOnly(s.userinfo)))
	mux.Handle("/", s.wechat(s.unknownPath))

	s.addControl(mux)
	mux.HandleFunc("GET "+avatarPath+"{person}/{size}", s.avatar)
	return mux
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// Close releases the requests that hang or wait because of a fault; their connections are cut. The simulator goes on
// answering others. Call it before closing a server that waits for its requests, such as httptest.Server.
func (s *Simulator) Close() {
	s.closing.Do(func() { close(s.closed) })
}

// wechat serves one of WeChat's own addresses: what it is asked goes into the journal, and a fault may take the place
// of the answer. A call is noted before it is answered, so whoever has an answer finds the call in the journal.
func (s *Simulator) wechat(handle func(*http.Request) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault, ok := s.nextFault(r.URL.Path); ok {
			s.misbehave(w, r, fault, handle)
			return
		}
		a := handle(r)
		s.note(r, a.outcome)
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

func (s *Simulator) unknownPath(r *http.Request) answer {
	root := strings.Repeat("../", strings.Count(r.URL.Path, "/")-1)
	return problemPage(root, problem{
		outcome: "404",
		Text:    "页面不存在",
		ZH:      "模拟器没有这个地址。它有什么，见 /simulator/ 页面。",
		EN:      "The simulator has nothing at " + r.Method + " " + r.URL.Path + ". The page /simulator/ tells what it has.",
	}).withStatus(http.StatusNotFound)
}
