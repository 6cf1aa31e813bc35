package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const inWeCom = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.36 MicroMessenger/7.0.1 Language/zh ColorScheme/Light"

func TestWeCom_MemberLogsIn(t *testing.T) {
	w := newWeComWorld(t, "")
	if err := w.sim.Hold("afang"); err != nil {
		t.Fatal(err)
	}
	b := w.browser(inWeCom)
	b.follow("/page?x=1")
	w.received()
	b.open("/page?x=1").wantStatus(t, http.StatusOK)
	r := w.received()
	for name, want := range map[string]string{
		"X-Wechat-User": "afang", "X-Wechat-Account": "wecom", "X-Wechat-Appid": simulator.DemoCorpID, "X-Wecom-Userid": "AFang",
		"X-Wecom-Departments": "2,7", "X-Wechat-Nickname": url.PathEscape("阿芳"), "X-Wechat-Openid": "", "X-Wechat-Scope": "snsapi_base",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if n := w.sim.Calls("/cgi-bin/gettoken"); n != 1 {
		t.Errorf("%d server tokens", n)
	}
}

func TestWeCom_ProfileNeedsConsentOnce(t *testing.T) {
	w := newWeComWorld(t, "userinfo /profile")
	b := w.browser(inWeCom)
	b.follow("/page")
	authorize := b.open("/profile").Header.Get("Location")
	if !strings.Contains(authorize, "scope=snsapi_privateinfo") {
		t.Fatalf("sent to %s", authorize)
	}
	u, err := url.Parse(authorize)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"authorize": {u.RawQuery}, "answer": {"allow"}}.Encode()
	req, err := http.NewRequest("POST", w.simURL+"/simulator/consent", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", inWeCom)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	b.open(res.Header.Get("Location")).wantRedirect(t, "/profile")
	w.received()
	b.open("/profile").wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("X-Wechat-Avatar") == "" || r.Header.Get("X-Wechat-Scope") != "snsapi_privateinfo" {
		t.Errorf("got %v", r.Header)
	}
}

func TestWeCom_OtherBrowsersGetItsQRCode(t *testing.T) {
	w := newWeComWorld(t, "")
	location := w.browser(onDesktop).open("/page").Header.Get("Location")
	if !strings.HasPrefix(location, w.simURL+"/wwlogin/sso/login?login_type=CorpApp&") {
		t.Errorf("sent to %s", location)
	}
}

// A company's customers have WeChat, and no WeCom.
func TestWeCom_PeopleLogInInsideWeChat(t *testing.T) {
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	openID := simulator.OpenID(simulator.DemoCorpID, "laowang")
	external := simulator.ExternalUserID(simulator.DemoCorpID, "laowang")
	for _, tt := range []struct {
		account, person, user string // user "": turned away
		fields                map[string]string
	}{
		{weComLine, "afang", "afang", map[string]string{"X-Wecom-Userid": "AFang", "X-Wechat-Account": "wecom", "X-Wecom-Departments": "2,7"}},
		{weComLine, "laowang", "", nil},
		{weComLine, "emma", "", nil},
		{weComForAll, "afang", "afang", nil},
		{weComForAll, "laowang", "external:" + external, map[string]string{
			"X-Wecom-External-Userid": external, "X-Wechat-Openid": openID, "X-Wecom-Userid": "", "X-Wechat-Account": "wecom",
		}},
		{weComForAll, "emma", "openid:" + simulator.OpenID(simulator.DemoCorpID, "emma"), map[string]string{"X-Wecom-External-Userid": ""}},
	} {
		w.swap(w.provision(fmt.Sprintf("wechat_auth {\n%s\nplatform %s\n}", tt.account, w.simURL)))
		if err := w.sim.Hold(tt.person); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		a := b.follow("/page?x=1")
		if tt.user == "" {
			if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "暂时不能进入") {
				t.Errorf("%s: status %d: %s", tt.person, a.StatusCode, a.body)
			}
			continue
		}
		w.received()
		b.open("/page?x=1").wantStatus(t, http.StatusOK)
		h := w.received().Header
		if got := h.Get("X-Wechat-User"); got != tt.user {
			t.Errorf("%s: user %q, want %q", tt.person, got, tt.user)
		}
		for name, want := range tt.fields {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", tt.person, name, got, want)
			}
		}
	}
}

func TestWeCom_ProfileNeedsConsentInsideWeChat(t *testing.T) {
	w := newWeComWorld(t, "userinfo /profile")
	b := w.browser(inWeChat)
	b.follow("/page")
	authorize := b.open("/profile").Header.Get("Location")
	if u, err := url.Parse(authorize); err != nil || u.Query().Get("scope") != "snsapi_privateinfo" {
		t.Fatalf("sent to %s", authorize)
	}
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/profile")
	b.open("/profile").wantStatus(t, http.StatusOK)
}
