package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const wechatUserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) " +
	"AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"

const (
	desktopUserAgent = "Mozilla/5.0 Chrome/132.0.0.0"
	formType         = "application/x-www-form-urlencoded"
)

// escapedCallback is the redirect_uri of good requests, as it is in their query.
var escapedCallback = url.QueryEscape("http://localhost:8080/callback")

// harness is a simulator behind a server, a clock that stands still, and a phone.
type harness struct {
	*testing.T
	sim *Simulator
	url string

	mu  sync.Mutex
	now time.Time
}

func newHarness(t *testing.T, config Config) *harness {
	t.Helper()
	h := &harness{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config.Now = func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.now
	}
	sim, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	h.sim, h.url = sim, server.URL
	return h
}

func (h *harness) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request as a phone would and follows no redirect.
func (h *harness) send(method, path, body string, header ...string) reply {
	h.Helper()
	request, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	request.Header.Set("User-Agent", wechatUserAgent)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(content)}
}

func (h *harness) get(path string, header ...string) reply {
	h.Helper()
	return h.send("GET", path, "", header...)
}

func escaped(text string) string { return url.QueryEscape(text) }

func (h *harness) postForm(path, form string, header ...string) reply {
	h.Helper()
	return h.send("POST", path, form, append(header, "Content-Type", formType)...)
}

// consent posts the consent form.
func (h *harness) consent(query, answer, person string) reply {
	h.Helper()
	form := url.Values{"authorize": {query}, "answer": {answer}}
	if person != "" {
		form.Set("person", person)
	}
	return h.send("POST", consentPath, form.Encode(), "Content-Type", formType)
}

// authorizeQuery is a good authorize URL's query for the demo account.
func authorizeQuery(scope string) string {
	return "appid=" + DemoAppID + "&redirect_uri=" + escapedCallback +
		"&response_type=code&scope=" + scope + "&state=a1B2"
}

// queryTo is a good authorize URL's query with another redirect_uri.
func queryTo(redirectURI string) string {
	return strings.Replace(authorizeQuery(ScopeBase), escapedCallback, url.QueryEscape(redirectURI), 1)
}

// replacing returns a function that replaces a part of text, which has to be there.
func replacing(t *testing.T, text string) func(old, new string) string {
	return func(old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in %q", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
}

// lastOutcome is that of the last call in the journal.
func (h *harness) lastOutcome() string {
	h.Helper()
	calls := h.sim.Journal()
	if len(calls) == 0 {
		h.Fatal("no call is in the journal")
	}
	return calls[len(calls)-1].Outcome
}

// silentCode logs in with snsapi_base.
func (h *harness) silentCode() string {
	h.Helper()
	return h.codeIn(h.get(authorizePath + "?" + authorizeQuery(ScopeBase)))
}

// profileCode logs in with snsapi_userinfo.
func (h *harness) profileCode() string {
	h.Helper()
	return h.codeIn(h.consent(authorizeQuery(ScopeUserinfo), "allow", ""))
}

func (h *harness) codeIn(r reply) string {
	h.Helper()
	location, err := url.Parse(r.header.Get("Location"))
	if err != nil || location.Query().Get("code") == "" {
		h.Fatalf("no code in Location %q of %d %s", r.header.Get("Location"), r.status, r.body)
	}
	return location.Query().Get("code")
}

func exchangePath(code string) string {
	return exchangePathOf(DemoAppID, DemoSecret, code)
}

func exchangePathOf(appID, secret, code string) string {
	return accessTokenPath + "?appid=" + appID + "&secret=" + secret + "&code=" + code +
		"&grant_type=authorization_code"
}

func profilePath(token apiReply) string {
	return userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID
}

func refreshPath(token string) string {
	return refreshTokenPath + "?appid=" + DemoAppID + "&grant_type=refresh_token&refresh_token=" + token
}

type apiReply struct {
	Errcode      *int
	Errmsg       string
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	OpenID       string `json:"openid"`
	UnionID      *string
	Scope        string
	Nickname     string
	Headimgurl   string
	Snapshot     int `json:"is_snapshotuser"`
}

func (h *harness) api(path string) apiReply {
	h.Helper()
	r := h.get(path)
	var decoded apiReply
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil {
		h.Fatalf("%s: %v in %s", path, err, r.body)
	}
	return decoded
}

// wantErrcode calls the API and expects an error of it.
func (h *harness) wantErrcode(path string, want int) {
	h.Helper()
	got := h.api(path)
	if got.Errcode == nil || *got.Errcode != want {
		h.Errorf("%s: got %+v, want errcode %d", path, got, want)
	}
}
