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

const wechatUserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Mobile/15E148 MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN"

// bench is a simulator behind a server, a clock that stands still, and a phone.
type bench struct {
	*testing.T
	sim *Simulator
	url string

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, config Config) *bench {
	t.Helper()
	b := &bench{T: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config.Now = func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.now
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
	b.sim, b.url = sim, server.URL
	return b
}

func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request as a phone would and follows no redirect.
func (b *bench) send(method, path, body string, header ...string) reply {
	b.Helper()
	request, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("User-Agent", wechatUserAgent)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(content)}
}

func (b *bench) get(path string, header ...string) reply {
	b.Helper()
	return b.send("GET", path, "", header...)
}

// answer posts the consent form.
func (b *bench) answer(query, answer, person string) reply {
	b.Helper()
	form := url.Values{"authorize": {query}, "answer": {answer}}
	if person != "" {
		form.Set("person", person)
	}
	return b.send("POST", consentPath, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// authorizeQuery is a good authorize URL's query for the demo account.
func authorizeQuery(scope string) string {
	return "appid=" + DemoAppID + "&redirect_uri=" + url.QueryEscape("http://localhost:8080/callback") +
		"&response_type=code&scope=" + scope + "&state=a1B2"
}

// silentCode logs in with snsapi_base.
func (b *bench) silentCode() string {
	b.Helper()
	return b.codeIn(b.get(authorizePath + "?" + authorizeQuery(ScopeBase)))
}

// profileCode logs in with snsapi_userinfo.
func (b *bench) profileCode() string {
	b.Helper()
	return b.codeIn(b.answer(authorizeQuery(ScopeUserinfo), "allow", ""))
}

func (b *bench) codeIn(r reply) string {
	b.Helper()
	location, err := url.Parse(r.header.Get("Location"))
	if err != nil || location.Query().Get("code") == "" {
		b.Fatalf("no code in Location %q of %d %s", r.header.Get("Location"), r.status, r.body)
	}
	return location.Query().Get("code")
}

func exchangePath(code string) string {
	return accessTokenPath + "?appid=" + DemoAppID + "&secret=" + DemoSecret + "&code=" + code + "&grant_type=authorization_code"
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

func (b *bench) api(path string) apiReply {
	b.Helper()
	r := b.get(path)
	var decoded apiReply
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil {
		b.Fatalf("%s: %v in %s", path, err, r.body)
	}
	return decoded
}

// wantErrcode calls the API and expects an error of it.
func (b *bench) wantErrcode(path string, want int) {
	b.Helper()
	got := b.api(path)
	if got.Errcode == nil || *got.Errcode != want {
		b.Errorf("%s: got %+v, want errcode %d", path, got, want)
	}
}

func TestNewRefusesWhatCouldNotExist(t *testing.T) {
	account := func(change func(*OfficialAccount)) Config {
		a := demoAccount()
		change(&a)
		return Config{Accounts: []OfficialAccount{a}}
	}
	for name, config := range map[string]Config{
		"app id":        account(func(a *OfficialAccount) { a.AppID = "demo" }),
		"secret":        account(func(a *OfficialAccount) { a.Secret = "secret" }),
		"scope":         account(func(a *OfficialAccount) { a.Scopes = []string{"snsapi_login"} }),
		"no domain":     account(func(a *OfficialAccount) { a.Domain = "" }),
		"scheme":        account(func(a *OfficialAccount) { a.Domain = "https://h5.example.com" }),
		"port":          account(func(a *OfficialAccount) { a.Domain = "localhost:8080" }),
		"twice":         {Accounts: []OfficialAccount{demoAccount(), demoAccount()}},
		"mini-program":  {MiniPrograms: []MiniProgram{{AppID: DemoMiniProgramAppID, Secret: "secret"}}},
		"mobile app":    {MobileApps: []MobileApp{{AppID: "demo", Secret: DemoSecret}}},
		"two kinds":     {MobileApps: []MobileApp{{AppID: DemoAppID, Secret: DemoSecret}}},
		"public URL":    {PublicURL: "localhost:9002"},
		"errmsg":        {Quirks: Quirks{Errmsg: "none"}},
		"unionid":       {Quirks: Quirks{UnionID: "sometimes"}},
		"code life":     {Quirks: Quirks{CodeLife: -1}},
		"person":        {People: []Person{{ID: "小明"}}},
		"person twice":  {People: []Person{{ID: "a"}, {ID: "a"}}},
		"person no id ": {People: []Person{{Nickname: "小明"}}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnknownPath(t *testing.T) {
	b := newBench(t, Config{})
	if r := b.get("/cgi-bin/nothing"); r.status != http.StatusNotFound {
		t.Errorf("got %d", r.status)
	}
}
