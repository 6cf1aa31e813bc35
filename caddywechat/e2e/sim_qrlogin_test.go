package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// shop is a small website with a login by QR code of its own.
type shop struct {
	wechat string
	self   string
}

func newShop(t *testing.T, wechat string) *shop {
	t.Helper()
	a := &shop{wechat: wechat}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.self = server.URL
	return a
}

func (a *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/login":
		http.Redirect(w, r, a.wechat+"/connect/qrconnect"+simQuery(simulator.DemoWebsiteAppID, "snsapi_login",
			a.self+"/callback?to=%2Fcart")+"#wechat_redirect", http.StatusFound)
	case query.Get("code") == "":
		a.say(w, r, "nobody")
	default:
		nickname, err := a.nicknameFor(query.Get("code"))
		if err != nil {
			nickname = err.Error()
		}
		a.say(w, r, nickname)
	}
}

func (a *shop) say(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<link rel=icon href=data:,><p id=name>%s</p><p id=state>%s</p><p id=to>%s</p>",
		html.EscapeString(name), html.EscapeString(r.FormValue("state")), html.EscapeString(r.FormValue("to")))
}

func (a *shop) nicknameFor(code string) (string, error) {
	var token, profile struct {
		AccessToken     string `json:"access_token"`
		OpenID, Errmsg  string
		Scope, Nickname string
	}
	exchange := url.Values{
		"appid": {simulator.DemoWebsiteAppID}, "secret": {simulator.DemoWebsiteSecret},
		"code": {code}, "grant_type": {"authorization_code"},
	}
	if err := getJSON(a.wechat+"/sns/oauth2/access_token?"+exchange.Encode(), &token); err != nil ||
		token.Scope != "snsapi_login" {
		return "", fmt.Errorf("token: %+v, %w", token, err)
	}
	err := getJSON(a.wechat+"/sns/userinfo?access_token="+token.AccessToken+"&openid="+token.OpenID, &profile)
	return profile.Nickname, err
}

func getJSON(address string, into any) error {
	response, err := http.Get(address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// scan follows the link that stands for scanning the QR code, and returns the tab that it opens: the phone's.
func (b *tab) scan() *tab {
	b.t.Helper()
	computer := chromedp.FromContext(b.ctx).Target.TargetID
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool {
		return info.OpenerID == computer && info.URL != "" // tests that run at the same time open tabs, too
	})
	b.click("#scan")
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(<-opened))
	b.t.Cleanup(cancel)
	phone := &tab{t: b.t, ctx: ctx}
	if err := chromedp.Listen(ctx, phone.listen); err != nil {
		b.t.Fatal(err)
	}
	phone.see(`button[value="allow"]`)
	return phone
}

func TestSimulator_LogsInByQRCode(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	_, address := newSimulator(t, simulator.Config{})
	site := newShop(t, address)

	b.open(site.self + "/login")
	b.see(".when-408")
	phone := b.scan()
	b.see(".when-404")
	phone.click(`input[value="afang"]`)
	phone.click(`button[value="allow"]`)
	phone.see(".sign.good")
	if got := b.text("#name"); got != "阿芳" {
		t.Errorf("the shop greets %s", got)
	}
	if state, to := b.text("#state"), b.text("#to"); state != "a1B2" || to != "/cart" {
		t.Errorf("the shop got the state %q and the page %q", state, to)
	}

	b.open(site.self + "/login")
	b.see(".when-408")
	phone = b.scan()
	phone.click(`button[value="deny"]`)
	phone.see(".sign.calm")
	if got := b.text("#name"); got != "nobody" {
		t.Errorf("after a refusal the shop greets %s", got)
	}
	if at, want := b.address(), site.self+"/callback?to=%2Fcart&state=a1B2"; at != want {
		t.Errorf("after a refusal at %s, want %s", at, want)
	}
	b.wantNoConsoleErrors()
	phone.wantNoConsoleErrors()
}

// A code of WeCom's is long, and comes back whole.
func TestSimulator_LogsInByWeCom(t *testing.T) {
	t.Parallel()
	b := newTab(t)
	_, address := newSimulator(t, simulator.Config{})
	codes := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<link rel=icon href=data:,><p id=there>there</p>")
		codes <- r.URL.Query().Get("code")
	}))
	t.Cleanup(site.Close)

	b.open(address + "/wwlogin/sso/login?login_type=CorpApp&appid=" + simulator.DemoCorpID +
		"&agentid=1000002&redirect_uri=" +
		url.QueryEscape(site.URL+"/callback") + "&state=a1B2")
	b.see(".when-408")
	phone := b.scan()
	phone.click(`input[value="afang"]`)
	phone.click(`button[value="allow"]`)
	phone.see(".sign.good")
	b.see("#there")

	var token struct {
		AccessToken string `json:"access_token"`
	}
	query := url.Values{"corpid": {simulator.DemoCorpID}, "corpsecret": {simulator.DemoWeComSecret}}
	if err := getJSON(address+"/cgi-bin/gettoken?"+query.Encode(), &token); err != nil {
		t.Fatal(err)
	}
	var who struct {
		UserID string `json:"userid"`
	}
	query = url.Values{"access_token": {token.AccessToken}, "code": {<-codes}}
	if err := getJSON(address+"/cgi-bin/auth/getuserinfo?"+query.Encode(), &who); err != nil || who.UserID != "AFang" {
		t.Errorf("%q came, %v", who.UserID, err)
	}
	b.wantNoConsoleErrors()
	phone.wantNoConsoleErrors()
}
