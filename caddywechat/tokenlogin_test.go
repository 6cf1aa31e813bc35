package caddywechat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// kiosk is a kind of account of somebody else's: programs log in with a code, and may ask it for more.
type kiosk struct{}

func init() { caddy.RegisterModule(kiosk{}) }

func (kiosk) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.kiosk", New: func() caddy.Module { return new(kiosk) }}
}
func (*kiosk) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (kiosk) Kind() string                                 { return "kiosk" }
func (kiosk) AppID() string                                { return "mall" }
func (kiosk) Person(id identity.Identity) string           { return id.Get("kiosk_no") }
func (kiosk) PersonEverywhere(id identity.Identity) string { return "mall:" + id.Get("kiosk_no") }
func (kiosk) Admits(id identity.Identity) bool             { return id.Get("kiosk_no") != "closed" }

func (kiosk) Login(_ context.Context, code string) (account.Grant, error) {
	switch code {
	case "stale":
		return account.Grant{}, account.ErrCodeRefused
	case "blocked":
		return account.Grant{}, &account.Problem{Status: http.StatusForbidden, Word: "declined", Message: "blocked"}
	case "down":
		return account.Grant{}, weixin.ErrTimeout
	case "busy":
		return account.Grant{}, &weixin.Error{Code: 45011}
	}
	return account.Grant{Identity: identity.Identity{}.With("kiosk_no", code), SessionSecret: "secret of " + code}, nil
}

func (kiosk) Endpoints() []account.Endpoint {
	return []account.Endpoint{{Name: "echo", Serve: func(_ context.Context, c account.Call) (any, error) {
		if string(c.Body) == "null" {
			return nil, &account.Problem{Status: http.StatusConflict, Word: "session_key_expired", Message: "log in again"}
		}
		return map[string]string{"body": string(c.Body), "secret": c.SessionSecret, "no": c.Identity.Get("kiosk_no")}, nil
	}}}
}

// fob is a second kind that logs in browsers outside WeChat, by a code to scan.
type fob struct{ badge }

func init() { caddy.RegisterModule(fob{}) }

func (fob) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.fob", New: func() caddy.Module { return new(fob) }}
}
func (fob) Kind() string                    { return "fob" }
func (fob) AppID() string                   { return "tower" }
func (fob) ShowsQRCode(visitor.Client) bool { return true }
func (fob) Label(language string) string    { return "Fob in " + language }
func (fob) AuthorizeURL(client visitor.Client, redirectURI, state string, profile bool) string {
	return strings.Replace(badge{}.AuthorizeURL(client, redirectURI, state, profile), "login.example", "fob.example", 1)
}

// post sends a program's JSON.
func (b *browser) post(path, body string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequest("POST", b.site(path), strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(text)}
}

// token logs a program in.
func (b *browser) token(code string) string {
	b.t.Helper()
	a := b.post("/_wechat/kiosk/login", `{"code":"`+code+`"}`).wantStatus(b.t, http.StatusOK)
	var got struct {
		Token     string
		User      string
		ExpiresIn int64 `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		b.t.Fatal(err)
	}
	if !strings.HasPrefix(got.Token, "wx1.") || got.ExpiresIn != 604800 || got.User != "mall:"+code {
		b.t.Errorf("got %+v", got)
	}
	return got.Token
}

func newKiosk(t *testing.T, options string) (*world, *browser) {
	w := newWorld(t, "kiosk\nuser_id qualified\n"+options)
	return w, w.browser("a program")
}

func TestATokenOpensTheSameGate(t *testing.T) {
	w, b := newKiosk(t, "optional /open\npublic /public\nuserinfo /profile")
	token := b.token("7")
	for _, header := range []string{"Authorization: Bearer " + token, "Authorization: bearer  " + token, "X-Wechat-Token: " + token} {
		b.send("GET", "/page", header).wantStatus(t, http.StatusOK)
		r := w.received()
		if r.Header.Get("X-Wechat-User") != "mall:7" || r.Header.Get("X-Wechat-Kiosk-No") != "7" || r.Header.Get("X-Wechat-Account") != "kiosk" {
			t.Errorf("the app got %v", r.Header)
		}
		if strings.Contains(fmt.Sprint(r.Header), "wx1.") {
			t.Errorf("the token went to the app: %v", r.Header)
		}
		if got := b.send("GET", "/_wechat/me", header).json(t); got["kiosk_no"] != "7" {
			t.Errorf("me: %v", got)
		}
	}
	b.send("GET", "/profile", "Authorization: Bearer "+token).wantJSON(t, http.StatusForbidden, "profile_unavailable")
	b.send("GET", "/public", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("X-Wechat-User") != "" || r.Header.Get("Authorization") != "" {
		t.Errorf("on a public path the app got %v", r.Header)
	}
	b.send("GET", "/public", "Authorization: Bearer the-apps-own").wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("Authorization") != "Bearer the-apps-own" {
		t.Errorf("the app's own token: %v", r.Header)
	}
}

func TestATokenThatDoesNotOpenIsNoFallback(t *testing.T) {
	w, b := newKiosk(t, "optional /open")
	token := b.token("7")
	inside := w.browser(inWeChat)
	inside.follow("/")
	bad := token[:len(token)-4] + "AAAA"
	for _, path := range []string{"/page", "/open", "/_wechat/me"} {
		for name, headers := range map[string][]string{
			"altered":           {"Authorization: Bearer " + bad},
			"empty":             {"X-Wechat-Token: wx1."},
			"two that differ":   {"Authorization: Bearer " + token, "X-Wechat-Token: " + bad},
			"after a tab":       {"Authorization: Bearer\t" + bad},
			"in a list":         {"Authorization: Bearer x, Bearer " + bad},
			"bare":              {"Authorization: " + bad},
			"joined by a proxy": {"Authorization: Bearer " + token + ", Bearer " + bad},
			"a cookie's":        {"Authorization: Bearer wx1." + inside.cookie("wechat_session")},
		} {
			a := inside.send("GET", path, append(headers, "Accept: text/html")...)
			if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "login_required") {
				t.Errorf("%s, %s: status %d", path, name, a.StatusCode)
			}
		}
	}
	inside.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-User"); got != "mall:7" {
		t.Errorf("beside a cookie the token stands for %s", got)
	}
	// And a token is no cookie.
	b.send("GET", "/page", "Cookie: wechat_session="+strings.TrimPrefix(token, "wx1.")).wantStatus(t, http.StatusUnauthorized)
}

func TestATokenEnds(t *testing.T) {
	w, b := newKiosk(t, "session {\nkey "+sessionKey+"\nlifetime 7d\nidle 1h\n}")
	token := b.token("7")
	w.pass(6 * 24 * time.Hour) // never idle
	a := b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a cookie for a program: %s", a.Header.Get("Set-Cookie"))
	}
	if end := b.send("GET", "/_wechat/me", "Authorization: Bearer "+token).json(t)["expires_at"]; end != "2026-11-27T09:00:00Z" {
		t.Errorf("it says that it ends at %s", end)
	}
	w.pass(24 * time.Hour)
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)

	token = b.token("7")
	b.send("POST", "/_wechat/logout", "Authorization: Bearer "+token, "Origin: https://servicewechat.com").wantStatus(t, http.StatusOK)
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)
	token = b.token("8")
	if status, text := order(t, "POST", `{"user":"mall:8"}`); status != http.StatusOK {
		t.Fatal(text)
	}
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)
}

func TestRefusedTokens(t *testing.T) {
	_, b := newKiosk(t, "")
	for body, want := range map[string]struct {
		status int
		word   string
	}{
		`{"code":"stale"}`:   {409, "code_used"},
		`{"code":"blocked"}`: {403, "declined"},
		`{"code":"closed"}`:  {403, "not_a_member"},
		`{"code":"down"}`:    {504, "wechat_timeout"},
		`{"code":"busy"}`:    {503, "wechat_busy"},
		`{"code":""}`:        {400, "bad_request"},
		`{"code":7}`:         {400, "bad_request"},
		`code=7`:             {400, "bad_request"},
		`{"code":"` + strings.Repeat("x", 64<<10) + `"}`: {413, "too_large"},
	} {
		b.post("/_wechat/kiosk/login", body).wantJSON(t, want.status, want.word)
	}
	b.send("GET", "/_wechat/kiosk/login").wantJSON(t, http.StatusMethodNotAllowed, "method_not_allowed")
	b.post("/_wechat/kiosk/nothing", "{}").wantJSON(t, http.StatusNotFound, "not_found")
}

func TestWhoTriesCodesIsSlow(t *testing.T) {
	w, b := newKiosk(t, "")
	for range maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`).wantJSON(t, http.StatusConflict, "code_used")
	}
	if a := b.post("/_wechat/kiosk/login", `{"code":"7"}`); a.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	} else {
		a.wantJSON(t, http.StatusTooManyRequests, "too_many")
	}
	w.pass(time.Minute)
	b.token("7")
}

func TestWhatAnAccountOffersPrograms(t *testing.T) {
	w, b := newKiosk(t, "")
	token := b.token("7")
	bearer := "Authorization: Bearer " + token
	if got := b.post("/_wechat/kiosk/echo", `{"a":1}`, bearer).wantStatus(t, http.StatusOK).json(t); got["body"] != `{"a":1}` ||
		got["secret"] != "secret of 7" || got["no"] != "7" {
		t.Errorf("got %v", got)
	}
	if found := w.inStorage("secret of 7"); found != "" {
		t.Errorf("a secret lies open in %s", found)
	}
	b.post("/_wechat/kiosk/echo", "null", bearer).wantJSON(t, http.StatusConflict, "session_key_expired")
	b.post("/_wechat/kiosk/echo", "{}").wantJSON(t, http.StatusUnauthorized, "login_required")
	b.post("/_wechat/kiosk/echo", strings.Repeat("x", 64<<10+1), bearer).wantJSON(t, http.StatusRequestEntityTooLarge, "too_large")
	inside := w.browser(inWeChat)
	inside.follow("/")
	inside.post("/_wechat/kiosk/echo", "{}").wantJSON(t, http.StatusUnauthorized, "login_required")

	b.send("POST", "/_wechat/logout", bearer)
	another := "Authorization: Bearer " + b.token("8")
	if got := b.post("/_wechat/kiosk/echo", "{}", another).json(t); got["secret"] != "secret of 8" {
		t.Errorf("got %v", got)
	}
}

func TestAnAccountMayLetNobodyInAnyMore(t *testing.T) {
	w, b := newKiosk(t, "")
	a := w.handler.login.Accounts.All()[len(w.handler.login.Accounts.All())-1]
	if account.Admits(a, identity.Identity{}.With("kiosk_no", "closed")) || !account.Admits(a, identity.Identity{}.With("kiosk_no", "7")) {
		t.Error("the account is not asked")
	}
	b.token("7")
}

func TestVisitorsChooseAmongAccounts(t *testing.T) {
	w := newWorld(t, "badge\nfob\nuser_id qualified")
	b := w.browser(onDesktop)
	a := b.open("/page?x=1", "Accept-Language: en")
	a.wantStatus(t, http.StatusOK)
	for _, part := range []string{
		"How would you like to log in?", ">badge</a>", ">Fob in en</a>", "/_wechat/login?return_to=%2Fpage%3Fx%3D1&amp;account=fob",
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("%s is not in %s", part, a.body)
		}
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
	a = b.open("/_wechat/login?return_to=%2Fpage%3Fx%3D1&account=fob")
	if !strings.HasPrefix(a.Header.Get("Location"), "https://fob.example/") || b.cookie("wechat_account") != "" {
		t.Errorf("led to %s, remembers %q before the login", a.Header.Get("Location"), b.cookie("wechat_account"))
	}
	location, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(location.Query().Get("back")+"&code=7&state="+location.Query().Get("state")).wantRedirect(t, "/page?x=1")
	b.open("/_wechat/login?return_to=/page").wantRedirect(t, "/page") // the session is what is asked for
	b.forget("wechat_session")
	if a := b.open("/_wechat/login?return_to=/page"); !strings.HasPrefix(a.Header.Get("Location"), "https://fob.example/") {
		t.Errorf("the next time: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	location, err = url.Parse(b.open("/_wechat/login?account=fob").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(location.Query().Get("back")+"&code=7&state="+location.Query().Get("state")).wantRedirect(t, "/")
	b.logout("")
	if a := b.open("/page"); a.StatusCode != http.StatusOK || b.cookie("wechat_account") != "" {
		t.Errorf("after a logout: %d, remembers %q", a.StatusCode, b.cookie("wechat_account"))
	}
	if a := b.open("/_wechat/login?account=nobody"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", a.StatusCode)
	}
	// WeChat's visitors have no choice, and their browser's choice is none of another's.
	if a := w.browser(inWeChat).open("/page"); !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
		t.Errorf("inside WeChat: %s", a.Header.Get("Location"))
	}
}

func TestAPhoneIsShownTheWayIntoWeChatFirst(t *testing.T) {
	w := newWorld(t, "fob\nuser_id qualified")
	b := w.browser(onPhone)
	a := b.open("/page", "Accept-Language: en")
	a.wantStatus(t, http.StatusForbidden)
	const scan = "/_wechat/login?return_to=%2Fpage&amp;scan=1"
	if !strings.Contains(a.body, "Open this page in WeChat") || !strings.Contains(a.body, scan) {
		t.Errorf("got %s", a.body)
	}
	if a := b.open("/_wechat/login?return_to=%2Fpage&scan=1"); !strings.HasPrefix(a.Header.Get("Location"), "https://fob.example/") {
		t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if a := w.browser(onDesktop).open("/page"); !strings.HasPrefix(a.Header.Get("Location"), "https://fob.example/") {
		t.Errorf("a desktop: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
}

func TestWhatAnotherSiteMakesABrowserPostCountsForNobody(t *testing.T) {
	_, b := newKiosk(t, "")
	for range 2 * maxRefused {
		b.post("/_wechat/kiosk/login", `{"code":"stale"}`, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain").wantJSON(t, http.StatusBadRequest, "bad_request")
	}
	b.token("7")
	// A mini-program on a computer calls itself another site, and sends JSON.
	b.post("/_wechat/kiosk/login", `{"code":"8"}`, "Sec-Fetch-Site: cross-site").wantStatus(t, http.StatusOK)
}

func TestATokenThatNobodyCanOpenNowIsNoFallback(t *testing.T) {
	w, b := newKiosk(t, "optional /open\nstore caddy")
	token := b.token("7")
	w.handler = w.apart(w.handler, 0) // which does not have the key that is kept in the store
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b.send("GET", "/open", "Authorization: Bearer "+token).wantJSON(t, http.StatusServiceUnavailable, "store_unavailable")
	b.send("GET", "/open").wantStatus(t, http.StatusOK)
}
