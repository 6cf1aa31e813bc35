package accounttest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Simulated is WeChat as the simulator has it, with a clock that stands still until the test moves it. It is closed at
// the end of the test.
type Simulated struct {
	*simulator.Simulator
	Client *weixin.Client // for which the simulator is WeChat, and the clock its own

	t   testing.TB
	mu  sync.Mutex
	now time.Time
}

// Simulate returns a simulated WeChat. The configuration's clock is its own.
func Simulate(t testing.TB, config simulator.Config) *Simulated {
	t.Helper()
	s := &Simulated{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config.Now = s.Now
	sim, err := simulator.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	s.Simulator = sim
	s.Client = &weixin.Client{Hosts: weixin.HostsAt(server.URL, ""), Transport: server.Client().Transport, Now: s.Now}
	return s
}

// Connect gives an account the client, and checks that it asks nothing before a visitor comes.
func (s *Simulated) Connect(a account.WeChatCaller) {
	s.t.Helper()
	before := len(s.Journal())
	a.UseWeChat(s.Client, nil)
	if calls := s.Journal(); len(calls) > before {
		s.t.Fatalf("WeChat was called before a visitor came: %v", calls[before:])
	}
}

// Now returns what the clock shows.
func (s *Simulated) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Advance moves the clock.
func (s *Simulated) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// Fail makes the next calls of a path fail with an errcode, so many times, 0 for all.
func (s *Simulated) Fail(path string, errcode, times int) {
	s.t.Helper()
	s.Inject(simulator.Fault{Path: path, Kind: simulator.FaultErrcode, Errcode: errcode, Times: times})
}

// Inject makes the simulator misbehave.
func (s *Simulated) Inject(f simulator.Fault) {
	s.t.Helper()
	if err := s.Fault(f); err != nil {
		s.t.Fatal(err)
	}
}

// User-Agents of browsers that show the pages which ask the visitor themselves.
const (
	InWeChat = "Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.47"
	InWeCom  = "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.38 MicroMessenger/7.0.1"
)

// Authorize opens an authorization page in the browser of a person, who allows whatever it asks. It returns the address
// that the browser is sent back to, with the code.
func (s *Simulated) Authorize(page, userAgent, person string) *url.URL {
	s.t.Helper()
	if err := s.Hold(person); err != nil {
		s.t.Fatal(err)
	}
	u, err := url.Parse(page)
	if err != nil {
		s.t.Fatal(err)
	}
	back := s.locationOf(http.MethodGet, page, userAgent, "")
	if back == "" { // the page asks
		form := url.Values{"authorize": {u.RawQuery}, "answer": {"allow"}}.Encode()
		back = s.locationOf(http.MethodPost, s.Client.Hosts.Open+"/simulator/consent", userAgent, form)
	}
	to, err := url.Parse(back)
	if err != nil || to.Query().Get("code") == "" {
		s.t.Fatalf("the browser was sent back to %q, without a code", back)
	}
	return to
}

// locationOf returns where a browser is sent, "" for nowhere.
func (s *Simulated) locationOf(method, address, userAgent, form string) string {
	s.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("User-Agent", userAgent)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	return res.Header.Get("Location")
}

var qrCode = regexp.MustCompile(`connect/qrcode/([0-9A-Za-z]{16})"`)

// Scan opens a page with a QR code, which a person scans and answers by allow or deny. It returns the code, "" for
// none.
func (s *Simulated) Scan(page, person, answer string) string {
	s.t.Helper()
	found := qrCode.FindStringSubmatch(s.read(http.Get(page)))
	if found == nil {
		s.t.Fatalf("there is no QR code at %s", page)
	}
	host := s.Client.Hosts.Open
	answers := url.Values{"uuid": {found[1]}, "answer": {answer}, "person": {person}}
	s.read(http.PostForm(host+"/connect/confirm", answers))
	_, code, _ := strings.Cut(s.read(http.Get(host+"/connect/l/qrconnect?uuid="+found[1])), "wx_code='")
	code, _, _ = strings.Cut(code, "'")
	return code
}

func (s *Simulated) read(res *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}
