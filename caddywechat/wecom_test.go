package caddywechat

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestWeCom_MemberLogsIn(t *testing.T) {
	t.Parallel()
	w := newWeComWorld(t, "")
	w.hold("afang")
	b := w.browser(inWeCom)
	b.follow("/page?x=1")
	w.received()
	b.open("/page?x=1").wantStatus(t, http.StatusOK)
	r := w.received()
	for name, want := range map[string]string{
		"X-Wechat-User": "afang", "X-Wechat-Account": "wecom", "X-Wechat-Appid": simulator.DemoCorpID,
		"X-Wecom-Userid":      "AFang",
		"X-Wecom-Departments": "2,7", "X-Wechat-Nickname": url.PathEscape("阿芳"), "X-Wechat-Openid": "",
		"X-Wechat-Scope": "snsapi_base",
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
	t.Parallel()
	w := newWeComWorld(t, "userinfo /profile")
	b := w.browser(inWeCom)
	b.follow("/page")
	authorize := b.open("/profile").location()
	if !strings.Contains(authorize, "scope=snsapi_privateinfo") {
		t.Fatalf("sent to %s", authorize)
	}
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/profile")
	w.received()
	b.open("/profile").wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("X-Wechat-Avatar") == "" ||
		r.Header.Get("X-Wechat-Scope") != "snsapi_privateinfo" {
		t.Errorf("got %v", r.Header)
	}
}

func TestWeCom_OtherBrowsersGetItsQRCode(t *testing.T) {
	t.Parallel()
	w := newWeComWorld(t, "")
	location := w.browser(onDesktop).open("/page").location()
	if !strings.HasPrefix(location, w.simURL+"/wwlogin/sso/login?login_type=CorpApp&") {
		t.Errorf("sent to %s", location)
	}
}

// Customers of a company have WeChat, and no WeCom.
func TestWeCom_PeopleLogInInsideWeChat(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	openID := simulator.OpenID(simulator.DemoCorpID, "laowang")
	external := simulator.ExternalUserID(simulator.DemoCorpID, "laowang")
	for _, tt := range []struct {
		account, person, user string // user "": not admitted
		fields                map[string]string
	}{
		{
			weComAccount, "afang", "afang",
			map[string]string{"X-Wecom-Userid": "AFang", "X-Wechat-Account": "wecom", "X-Wecom-Departments": "2,7"},
		},
		{weComAccount, "laowang", "", nil},
		{weComAccount, "emma", "", nil},
		{weComForAll, "afang", "afang", nil},
		{weComForAll, "laowang", "external:" + external, map[string]string{
			"X-Wecom-External-Userid": external, "X-Wechat-Openid": openID, "X-Wecom-Userid": "",
			"X-Wechat-Account": "wecom",
		}},
		{
			weComForAll, "emma", "openid:" + simulator.OpenID(simulator.DemoCorpID, "emma"),
			map[string]string{"X-Wecom-External-Userid": ""},
		},
	} {
		w.swap(w.newHandler(tt.account))
		w.hold(tt.person)
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
	t.Parallel()
	w := newWeComWorld(t, "userinfo /profile")
	b := w.browser(inWeChat)
	b.follow("/page")
	authorize := b.open("/profile").location()
	if u, err := url.Parse(authorize); err != nil || u.Query().Get("scope") != "snsapi_privateinfo" {
		t.Fatalf("sent to %s", authorize)
	}
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/profile")
	b.open("/profile").wantStatus(t, http.StatusOK)
}
