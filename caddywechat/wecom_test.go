package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const inWeCom = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.36 MicroMessenger/7.0.1 Language/zh ColorScheme/Light"

// newWeComWorld makes a world whose one account is a WeCom app.
func newWeComWorld(t *testing.T, options string) *world {
	t.Helper()
	w := newWorldWith(t, simulator.Config{WeCom: []simulator.WeComApp{{
		CorpID: simulator.DemoCorpID, AgentID: simulator.DemoAgentID, Secret: simulator.DemoWeComSecret, Domain: host,
	}}})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nwecom %s %s {\nagent_id %d\n}\nplatform %s\n%s\n}",
		simulator.DemoCorpID, simulator.DemoWeComSecret, simulator.DemoAgentID, w.simURL, options))
	if calls := w.sim.Journal(); len(calls) > 0 {
		t.Fatalf("loading the configuration called WeCom: %v", calls)
	}
	return w
}

func TestAMemberLogsInInsideWeCom(t *testing.T) {
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

func TestAMemberIsAskedForMoreOnce(t *testing.T) {
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

func TestOtherBrowsersGoToWeComsQRCode(t *testing.T) {
	w := newWeComWorld(t, "")
	location := w.browser(onDesktop).open("/page").Header.Get("Location")
	if !strings.HasPrefix(location, w.simURL+"/wwlogin/sso/login?login_type=CorpApp&") {
		t.Errorf("sent to %s", location)
	}
}

func TestNamesOfACompanyAreNotMixedWithOpenIDs(t *testing.T) {
	ctx, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	load := func(userID string) error {
		_, err := ctx.LoadModuleByID("http.handlers.wechat_auth", json.RawMessage(fmt.Sprintf(
			`{"accounts":[{"kind":"official_account","app_id":"wx0123456789abcdef","app_secret":"0123456789abcdef0123456789abcdef"},`+
				`{"kind":"wecom","corp_id":"ww0123456789abcdef","secret":"0123456789abcdef0123456789abcdef0123456789a","agent_id":"1"}],"user_id":%q}`, userID)))
		return err
	}
	if err := load("openid"); err == nil || !strings.Contains(err.Error(), "user_id unionid or user_id qualified") {
		t.Errorf("openid: got %v", err)
	}
	for _, userID := range []string{"unionid", "qualified"} {
		if err := load(userID); err != nil {
			t.Errorf("%s: %v", userID, err)
		}
	}
}
