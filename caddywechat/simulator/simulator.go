package simulator

import (
	"context"
	"net/http"
	"sync"
)

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
