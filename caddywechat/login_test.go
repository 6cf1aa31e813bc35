package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

var person = simulator.OpenID(simulator.DemoAppID, "xiaoming")

// oldAttempt is an attempt as the version before wrote it.
type oldAttempt login.Attempt

func (a oldAttempt) MarshalBinary() ([]byte, error) {
	b := seal.AppendText([]byte{2}, a.State)
	b = seal.AppendText(b, a.Kind)
	b = seal.AppendFlag(b, a.Profile)
	b = seal.AppendText(b, a.Target)
	return seal.AppendNumber(b, uint64(a.Created.Unix())), nil
}

func TestLogin_ReturnsToTheRequestedPage(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"/", "/orders?id=5&b=%20x", "/a%20b/c+d?x=1&x=2&&", "/%E5%95%86%E5%93%81?q=%E4%B8%AD", "//evil.example/x",
		"/a?redirect=//evil.example",
		"/?state=1&code=2", "/%2525", "/x?" + strings.Repeat("y", 1900), "/\xe5\x95\x86",
	} {
		t.Run(fmt.Sprintf("%.30q", page), func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			callback := b.callbackFor(page)
			want := page
			if strings.HasPrefix(page, "//") {
				want = w.site(page)
			}
			b.open(callback).wantRedirect(t, want)
			b.open(page).wantStatus(t, http.StatusOK)
			if got := w.received(); got.Header.Get("X-Wechat-User") != person || got.RequestURI != page {
				t.Errorf("the app got %s for %s", got.RequestURI, got.Header.Get("X-Wechat-User"))
			}
			if got := w.exchanges(); got != 1 {
				t.Errorf("%d exchanges", got)
			}
		})
	}
}

func TestLogin_AuthorizeURL(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https", "", "")
	a := w.browser(inWeChat).open("/orders?id=5")
	a.wantStatus(t, http.StatusFound)
	pattern := "^" + regexp.QuoteMeta(w.simURL) + `/connect/oauth2/authorize\?appid=` + simulator.DemoAppID +
		`&redirect_uri=https%3A%2F%2Fh5\.example\.com%2F_wechat%2Fcallback%3Fto%3D%252Forders%253Fid%253D5` +
		`&response_type=code&scope=snsapi_base&state=[A-Za-z0-9]{32,128}#wechat_redirect$`
	if location := a.location(); !regexp.MustCompile(pattern).MatchString(location) {
		t.Errorf("Location: %s", location)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
	cookie := `^__Host-wechat_login_[0-7]=[A-Za-z0-9_=-]+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`
	if got := a.Header.Get("Set-Cookie"); !regexp.MustCompile(cookie).MatchString(got) {
		t.Errorf("Set-Cookie: %s", got)
	}
}

func TestLogin_InTwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	first, second := b.callbackFor("/first"), b.callbackFor("/second")
	b.open(first).wantRedirect(t, "/first")
	b.open(second).wantRedirect(t, "/second")
	b.open("/").wantStatus(t, http.StatusOK)
}

func TestLogin_AtMostEightAttempts(t *testing.T) {
	t.Parallel()
	b := newWorld(t, "").browser(inWeChat)
	var last string
	for i := range 12 {
		last = b.callbackFor(fmt.Sprintf("/%d", i))
	}
	if names := b.cookieNames(); len(names) != 8 {
		t.Errorf("cookies: %v", names)
	}
	b.open(last).wantRedirect(t, "/11")
}

func TestLogin_RestartsAfterARefusedCode(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40029, 40163, 42003} {
		w := newWorld(t, "")
		w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultErrcode, Errcode: code, Times: 1})
		b := w.browser(inWeChat)
		b.login("/page")
		if got := w.exchanges(); got != 2 {
			t.Errorf("%d: %d exchanges", code, got)
		}
		if names := b.cookieNames(); len(names) != 2 {
			t.Errorf("%d: cookies %v", code, names)
		}
	}
}

func TestLogin_IssuesANewSession(t *testing.T) {
	t.Parallel()
	b := newWorld(t, "").browser(inWeChat)
	b.login("/")
	before := b.cookie("wechat_session")
	b.login("/_wechat/login?account=official_account&return_to=/again")
	if b.cookie("wechat_session") == before {
		t.Error("the old session is still there")
	}
}

func TestLogin_Declined(t *testing.T) {
	t.Parallel()
	b := newWorld(t, "").browser(inWeChat)
	callback, err := url.Parse(b.callbackFor("/page"))
	if err != nil {
		t.Fatal(err)
	}
	q := callback.Query()
	q.Del("code")
	callback.RawQuery = q.Encode()
	a := b.open(callback.String())
	a.wantStatus(t, http.StatusForbidden)
	if !strings.Contains(a.body, "/_wechat/login?return_to=%2Fpage") {
		t.Errorf("no way to try again: %s", a.body)
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
	b.login("/_wechat/login?return_to=/page")
}

func TestKeepFragment_ReturnsWithTheFragment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "keep_fragment")
	b := w.browser(inWeChat)
	a := b.open("/app?x=1&y=2")
	a.wantStatus(t, http.StatusOK)
	if !strings.Contains(a.body, `href="/_wechat/login?return_to=%2Fapp%3Fx%3D1%26y%3D2"`) ||
		a.Header.Get("Set-Cookie") != "" {
		t.Fatalf("body: %s", a.body)
	}
	// What the page's script does.
	b.open(b.callbackFor("/_wechat/login?return_to=%2Fapp%3Fx%3D1%26y%3D2"+url.QueryEscape("#/order/9?b=2"))).
		wantRedirect(t, "/app?x=1&y=2#/order/9?b=2")
	for fragment, want := range map[string]string{
		"#/search?q=100%": "#/search?q=100%25", `#/a\b`: `#/a\b`, "#/a%zz": "#/a%25zz", "#%%%": "#%25%25%25",
		"#%%41": "#%25%41", "#%4": "#%254", "#%E4%B8%AD%": "#%E4%B8%AD%25", "#a#b": "#a#b", "#": "#",
		"#\t//x": "#%09//x", "#中": "#%E4%B8%AD",
	} {
		b := w.browser(inWeChat)
		b.open(b.callbackFor("/_wechat/login?return_to=%2Fapp"+url.QueryEscape(fragment))).wantRedirect(t, "/app"+want)
	}
	w.browser(inWeChat).open("//evil.example/x").wantStatus(t, http.StatusFound)
	w.browser(inWeChat).send("GET", "/app").wantStatus(t, http.StatusUnauthorized)
}

// The attempt of a login that started before an upgrade names the kind of account only.
func TestLogin_OfTheVersionBeforeContinues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	u, _ := url.Parse(callback)
	keys, err := w.handler.lease.keyring.Keyset(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.changeCookies(func(c *http.Cookie) {
		old := oldAttempt(login.NewAttempt(u.Query().Get("state"), "official_account", "", false, "/page", w.now()))
		c.Value, err = keys.Sealer("login attempt").
			Seal(w.handler.site.Scope(visitor.Origin{Scheme: "http", Host: host}), old)
		if err != nil {
			t.Fatal(err)
		}
	})
	b.open(callback).wantRedirect(t, "/page")
	if n := w.exchanges(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}
