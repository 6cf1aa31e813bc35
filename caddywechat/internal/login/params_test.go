package login_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const paramsPath = "/_wechat/login_params?return_to=%2Fpage"

// scanned serves all browsers by a QR code.
func scanned(name string) *sitetest.Account {
	a := everywhere(name)
	a.QRCode = func(visitor.Client) bool { return true }
	return a
}

func scanWorld(t *testing.T, accounts ...account.Account) *world {
	t.Helper()
	if len(accounts) == 0 {
		accounts = []account.Account{scanned("one")}
	}
	return newWorld(t, sitetest.Options{Accounts: accounts, UserID: account.Qualified})
}

// askParams asks as the site's own page does.
func (w *world) askParams(b *sitetest.Browser, more string) *sitetest.Answer {
	w.T.Helper()
	return b.Open(w.ServeParams, paramsPath+more, sitetest.Fetch, sitetest.SameSite)
}

// callbackOf returns where the account's page leads that is made of parameters.
func callbackOf(t *testing.T, a *sitetest.Answer, code string) string {
	t.Helper()
	params := a.Want(t, http.StatusOK).JSON(t)
	redirectURI, _ := params["redirect_uri"].(string)
	to, ok := strings.CutPrefix(redirectURI, "https://"+sitetest.Host)
	if !ok || !strings.Contains(to, "?") {
		t.Fatalf("redirect_uri is %q", redirectURI)
	}
	state, _ := params["state"].(string)
	return to + "&code=" + code + "&state=" + state
}

func TestParams_StartALoginAsARedirectDoes(t *testing.T) {
	w := scanWorld(t)
	b := w.Browser()
	a := w.askParams(b, "")
	params := a.Want(t, http.StatusOK).JSON(t)
	state, _ := params["state"].(string)
	const back = "https://" + sitetest.Host + "/_wechat/callback?to=%2Fpage"
	if params["appid"] != "wx-one" || params["redirect_uri"] != back || len(state) < 22 || len(params) != 3 {
		t.Errorf("got %v", params)
	}
	if h := a.Header; h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Cookie" ||
		h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers %v", h)
	}
	c := a.SetCookie("wechat_login_")
	redirected := w.Browser().Open(w.ServeLogin, "/_wechat/login?return_to=%2Fpage&account=one")
	want := redirected.Want(t, http.StatusFound).SetCookie("wechat_login_")
	if len(a.Set) != 1 || c == nil || c.Name[:len(c.Name)-1] != want.Name[:len(want.Name)-1] || c.Path != want.Path ||
		c.MaxAge != want.MaxAge || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode {
		t.Fatalf("set %v, want as %v", a.Set, want)
	}
	w.Browser().Open(w.Callback, callbackOf(t, a, "emma")).Want(t, http.StatusFound) // another browser: no session
	if n := one(w).Calls("Exchange"); n != 0 {
		t.Errorf("%d exchanges of another browser's login", n)
	}
	b.Open(w.Callback, callbackOf(t, a, "emma")).WantTo(t, "/page")
	if !b.HasSession() {
		t.Error("there is no session")
	}
	// Somebody who is logged in may switch.
	b.Open(w.Callback, callbackOf(t, w.askParams(b, ""), "afang")).WantTo(t, "/page")
	if got := b.Session().Identity.Get(identity.OpenID); got != "o-afang" {
		t.Errorf("after a switch: %s", got)
	}
}

// one returns the world's first account.
func one(w *world) *sitetest.Account { return w.Parts.Accounts.All()[0].(*sitetest.Account) }

func TestParams_AreForPagesOfThisSite(t *testing.T) {
	const site = "https://" + sitetest.Host
	for name, tt := range map[string]struct {
		lines []string
		want  int
	}{
		"the site's page":               {[]string{sitetest.SameSite}, 200},
		"typed by hand":                 {[]string{"Sec-Fetch-Site: none"}, 200},
		"another site's":                {[]string{sitetest.CrossSite}, 400},
		"a sibling's":                   {[]string{"Sec-Fetch-Site: same-site"}, 400},
		"another, by a lying Referer":   {[]string{sitetest.CrossSite, "Referer: " + site + "/login"}, 400},
		"another, by a lying Origin":    {[]string{sitetest.CrossSite, "Origin: " + site}, 400},
		"an old browser's Origin":       {[]string{"Origin: " + site}, 200},
		"an old browser's Referer":      {[]string{"Referer: " + site + "/login"}, 200},
		"an old browser, elsewhere":     {[]string{"Origin: https://evil.example", "Referer: " + site + "/"}, 400},
		"an old browser, a Referer":     {[]string{"Referer: https://evil.example/" + sitetest.Host}, 400},
		"an old browser, a longer host": {[]string{"Referer: " + site + ".evil.example/"}, 400},
		"an old browser, sandboxed":     {[]string{"Origin: null"}, 400},
		"nobody says anything":          {nil, 400},
	} {
		w := scanWorld(t)
		b := w.Browser()
		a := b.Open(w.ServeParams, paramsPath, append(tt.lines, sitetest.Fetch)...).Want(t, tt.want)
		if tt.want == 200 {
			continue
		}
		a.WantWord(t, 400, "bad_request")
		if len(a.Set) != 0 || strings.Contains(a.Body, "state") {
			t.Errorf("%s: set %v: %s", name, a.Set, a.Body)
		}
	}
}

func TestParams_AreThoseOfTheAccountThatShowsAQRCode(t *testing.T) {
	in := func(serves func(visitor.Client) bool, a *sitetest.Account) *sitetest.Account {
		a.ServesClient = serves
		return a
	}
	outside := func(c visitor.Client) bool { return !c.WeChat }
	inside := func(c visitor.Client) bool { return c.WeChat }
	last := scanned("last")
	last.Fallback = func(visitor.Client) bool { return true }
	insideToo := scanned("both")
	insideToo.QRCode = outside
	plain := struct{ account.Redirector }{everywhere("plain")}
	all := func(accounts ...account.Account) []account.Account { return accounts }
	for name, tt := range map[string]struct {
		accounts []account.Account
		query    string
		agent    string
		want     string // the app id, or what the refusal says
	}{
		"the only one":           {all(scanned("one")), "", "", "wx-one"},
		"by kind":                {all(scanned("one"), scanned("two")), "two", "", "wx-two"},
		"by app id":              {all(scanned("one"), scanned("two")), "wx-one", "", "wx-one"},
		"of two":                 {all(scanned("one"), scanned("two")), "", "", "account=one or account=two"},
		"beside one without":     {all(everywhere("one"), scanned("two"), plain), "", "", "wx-two"},
		"beside a fallback":      {all(last, scanned("two")), "", "", "wx-two"},
		"a fallback by name":     {all(last, scanned("two")), "last", "", "wx-last"},
		"one in another browser": {all(in(inside, scanned("one"))), "", "", "/_wechat/login?"},
		"that one by name":       {all(in(inside, scanned("one"))), "one", "", "none of this host's"},
		"none in this browser": {
			all(in(outside, scanned("one"))),
			"", sitetest.InWeChat,
			"no account of this host shows a QR code to this browser",
		},
		"another page here":       {all(insideToo), "", sitetest.InWeChat, "no account of this host"},
		"that one's page":         {all(insideToo), "both", sitetest.InWeChat, "none of this host's"},
		"one without, by name":    {all(plain, scanned("two")), "plain", "", "none of this host's"},
		"one that is not there":   {all(scanned("one")), "wx-gone", "", "none of this host's"},
		"one for programs":        {all(new(sitetest.Program), scanned("one")), "program", "", "none of"},
		"no account for browsers": {all(new(sitetest.Program)), "", "", "no account of this host"},
	} {
		w := scanWorld(t, tt.accounts...)
		b := w.Browser()
		if b.Agent = sitetest.OnDesktop; tt.agent != "" {
			b.Agent = tt.agent
		}
		b.Cookies["wechat_account"] = "two" // which a page that asks for one kind's parameters does not know of
		if tt.query != "" {
			tt.query = "&account=" + tt.query
		}
		a := w.askParams(b, tt.query)
		if strings.HasPrefix(tt.want, "wx-") {
			if got := a.Want(t, 200).JSON(t)["appid"]; got != tt.want {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		message, _ := a.WantWord(t, 400, "bad_request")["message"].(string)
		if !strings.Contains(message, tt.want) || len(a.Set) != 0 {
			t.Errorf("%s: %s; set %v", name, message, a.Set)
		}
	}
}

func TestParams_OfALoginThatCannotStartAreNone(t *testing.T) {
	never := neverProfile()
	never.QRCode = func(visitor.Client) bool { return true }
	w := scanWorld(t, never)
	a := w.askParams(w.Browser(), "&profile=1")
	if a.WantWord(t, http.StatusForbidden, "profile_unavailable"); len(a.Set) != 0 {
		t.Errorf("set %v", a.Set)
	}
	w = newWorld(t, sitetest.Options{Accounts: []account.Account{scanned("one")}, MadeKey: true})
	w.Store.Fail()
	w.askParams(w.Browser(), "").WantWord(t, http.StatusServiceUnavailable, "store_unavailable")
	w = newWorld(t, sitetest.Options{Accounts: []account.Account{scanned("one")}, Domain: "example.com"})
	b := w.Browser()
	b.Host = "h5.example.net"
	w.askParams(b, "").WantWord(t, http.StatusBadRequest, "bad_request")
}

func TestParams_AreNotForAHostThatTheLoginLeaves(t *testing.T) {
	w := newWorld(t, sitetest.Options{
		Accounts: []account.Account{scanned("one")}, Public: &visitor.Origin{Scheme: "https", Host: "www.example.com"},
	})
	b := w.Browser()
	a := w.askParams(b, "")
	message, _ := a.WantWord(t, http.StatusBadRequest, "bad_request")["message"].(string)
	if !strings.Contains(message, "https://www.example.com (public_url)") || len(a.Set) != 0 {
		t.Errorf("%s; set %v", message, a.Set)
	}
	// Behind a proxy that changes the Host the browser is where it should be, and says so.
	a = b.Open(w.ServeParams, paramsPath, sitetest.Fetch, sitetest.SameSite, "Referer: https://www.example.com/login")
	if got := a.Want(t, 200).JSON(t)["redirect_uri"]; got != "https://www.example.com/_wechat/callback?to=%2Fpage" {
		t.Errorf("redirect_uri is %v", got)
	}
	b.Host = "www.example.com"
	w.askParams(b, "").Want(t, 200)
}

func TestParams_AskForTheProfileAndReturnWhereALoginMay(t *testing.T) {
	w := scanWorld(t)
	b := w.Browser()
	a := w.askParams(b, "&profile=1")
	if got := a.Want(t, 200).JSON(t)["scope"]; got != "profile" {
		t.Errorf("scope is %v", got)
	}
	b.Open(w.Callback, callbackOf(t, a, "emma")).WantTo(t, "/page")
	if got := b.Session().Identity.Get(identity.Nickname); got != "Emma" {
		t.Errorf("nickname %q", got)
	}
	for target, want := range map[string]string{
		"%2F%2Fevil.example": "/", "https:%2F%2Fevil.example": "/", "%2F_wechat%2Flogout": "/", "": "/",
		"%2Forders%3Fid%3D1%23tab": "/orders?id=1#tab",
	} {
		a := b.Open(w.ServeParams, "/_wechat/login_params?return_to="+target, sitetest.Fetch, sitetest.SameSite)
		b.Open(w.Callback, callbackOf(t, a, "emma")).WantTo(t, want)
	}
}

func TestParams_KeepWithinTheLimitsOfAttempts(t *testing.T) {
	w := scanWorld(t)
	b := w.Browser()
	for range 20 {
		w.askParams(b, "").Want(t, 200)
		w.Clock.Pass(time.Second)
	}
	if n := b.Count("wechat_login_"); n > 8 {
		t.Errorf("%d attempts", n)
	}
	size := 0
	for name, value := range b.Cookies {
		size += len(name) + len("=; ") + len(value)
	}
	if size > 4096 {
		t.Errorf("they take %d bytes", size)
	}
	// A target that is too long for a cookie waits in the store, as ever.
	long := "/page?" + strings.Repeat("x", 1900)
	a := b.Open(w.ServeParams, "/_wechat/login_params?return_to="+strings.ReplaceAll(long, "/", "%2F"), sitetest.Fetch,
		sitetest.SameSite)
	params := a.Want(t, 200).JSON(t)
	if got := params["redirect_uri"]; got != "https://"+sitetest.Host+"/_wechat/callback" {
		t.Errorf("redirect_uri is %v", got)
	}
	b.Open(w.Callback, "/_wechat/callback?code=emma&state="+params["state"].(string)).WantTo(t, long)
}

func TestParams_StopInALoop(t *testing.T) {
	w := scanWorld(t)
	b := w.Browser()
	for range 3 {
		b.Open(w.Callback, callbackOf(t, w.askParams(b, ""), "emma")).WantTo(t, "/page")
		b.Forget("wechat_session")
	}
	a := w.wantStopped(w.askParams(b, ""), "the browser does not keep the cookies")
	a.WantWord(t, http.StatusTooManyRequests, "too_many")
	w.askParams(b, "").Want(t, 200) // the retry starts anew
}

func TestParams_CountAsLoginsThatBegin(t *testing.T) {
	const message = "logins begin and none comes back"
	w := scanWorld(t)
	ask := func(times int, agent string) {
		for range times {
			b := w.Browser()
			b.Agent += agent
			w.askParams(b, "").Want(t, 200)
			w.Clock.Pass(4 * time.Second)
		}
	}
	ask(30, " Bytespider")
	ask(18, "")
	w.WantLines(message, 0)
	b := w.Browser()
	b.Open(w.Callback, callbackOf(t, w.askParams(b, ""), "emma"))
	ask(19, "")
	w.WantLines(message, 0)
	ask(1, "")
	w.WantLines(message, 1)
}
