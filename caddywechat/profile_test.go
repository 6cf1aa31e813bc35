package caddywechat

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newProfileWorld makes a world whose account has the given options, with the given lines in the wechat_auth block.
func newProfileWorld(t *testing.T, accountOptions, options string) *world {
	t.Helper()
	w := newWorld(t, "")
	w.provisionAccount(accountOptions, options)
	return w
}

func (w *world) provisionAccount(accountOptions, options string) {
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s {\n%s\n}\nplatform %s\n%s\n}",
		simulator.DemoAppID, simulator.DemoSecret, accountOptions, w.simURL, options))
}

var buttonLink = regexp.MustCompile(`href="(http[^"]*/connect/oauth2/authorize[^"]*)"`)

// consentPage returns where the one button of the consent page leads.
func consentPage(t *testing.T, a answer) string {
	t.Helper()
	a.wantStatus(t, http.StatusOK)
	match := buttonLink.FindStringSubmatch(a.body)
	if match == nil {
		t.Fatalf("no button to WeChat: %s", a.body)
	}
	return strings.ReplaceAll(match[1], "&amp;", "&")
}

// agree goes through WeChat's consent page and returns the callback's address.
func (b *browser) agree(authorize, answer string) string {
	b.t.Helper()
	b.open(authorize).wantStatus(b.t, http.StatusOK)
	u, err := url.Parse(authorize)
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{"authorize": {u.RawQuery}, "answer": {answer}}
	req, err := http.NewRequest("POST", b.simURL+"/simulator/consent", strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", b.agent)
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("consent: status %d", res.StatusCode)
	}
	return res.Header.Get("Location")
}

func TestUserinfoRule(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.login("/")
	t.Run("a fetch with a silent session is told so", func(t *testing.T) {
		m := b.send("GET", "/profile/api").wantJSON(t, http.StatusUnauthorized, "profile_required")
		if m["login_url"] != "/_wechat/login?return_to=%2Fprofile%2Fapi&profile=1" {
			t.Errorf("login_url %s", m["login_url"])
		}
	})
	authorize := consentPage(t, b.open("/profile/me?x=1"))
	if !strings.Contains(authorize, "&scope=snsapi_userinfo&state=") || !strings.HasSuffix(authorize, "#wechat_redirect") {
		t.Errorf("authorize: %s", authorize)
	}
	b.open(b.agree(authorize, "allow")).wantRedirect(t, "/profile/me?x=1")
	w.received()
	b.open("/profile/me?x=1").wantStatus(t, http.StatusOK)
	h := w.received().Header
	if h.Get("X-Wechat-User") != person || h.Get("X-Wechat-Nickname") != "%E5%B0%8F%E6%98%8E" || h.Get("X-Wechat-Avatar") == "" ||
		h.Get("X-Wechat-Scope") != "snsapi_userinfo" || h.Get("X-Wechat-Unionid") != simulator.UnionID("x", "xiaoming") {
		t.Errorf("the app got %v", h)
	}
	// One session is enough for everything from now on.
	b.open("/").wantStatus(t, http.StatusOK)
	b.send("GET", "/profile/api").wantStatus(t, http.StatusOK)
	if got := w.sim.Calls("/sns/userinfo"); got != 1 {
		t.Errorf("%d calls for the profile", got)
	}
}

func TestUserinfoRuleWithoutASession(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.send("GET", "/profile/api").wantJSON(t, http.StatusUnauthorized, "login_required")
	authorize := consentPage(t, b.open("/profile/me"))
	b.open(b.agree(authorize, "allow")).wantRedirect(t, "/profile/me")
	b.open("/profile/me").wantStatus(t, http.StatusOK)
	if got := w.exchanges(); got != 1 {
		t.Errorf("%d exchanges", got)
	}
}

func TestConsentDirect(t *testing.T) {
	b := newProfileWorld(t, "consent direct", "userinfo /profile/*").browser(inWeChat)
	a := b.open("/profile/me")
	a.wantStatus(t, http.StatusFound)
	if !strings.Contains(a.Header.Get("Location"), "scope=snsapi_userinfo") {
		t.Errorf("Location: %s", a.Header.Get("Location"))
	}
}

func TestScopeUserinfoAsksEveryLogin(t *testing.T) {
	w := newProfileWorld(t, "scope snsapi_userinfo", "userinfo /profile/*")
	b := w.browser(inWeChat)
	authorize := consentPage(t, b.open("/page"))
	b.open(b.agree(authorize, "allow")).wantRedirect(t, "/page")
	b.open("/profile/me").wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-Nickname"); got == "" {
		t.Error("no nickname")
	}
}

func TestDecliningTheProfileKeepsTheSession(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.login("/")
	callback := b.agree(consentPage(t, b.open("/profile/me")), "deny")
	if strings.Contains(callback, "code=") {
		t.Fatalf("callback %s", callback)
	}
	b.open(callback) // a live session that lacks what was asked for does not land there
	b.open("/").wantStatus(t, http.StatusOK)
	consentPage(t, b.open("/profile/me"))
}

func TestProfilesOfAllKinds(t *testing.T) {
	people := []simulator.Person{
		{ID: "emoji", Nickname: "Emma 🐳", Avatar: "E"},
		{ID: "lines", Nickname: "a\r\nX-Evil: 1\n\"b\" 'c' \\ %41", Avatar: ""},
		{ID: "placeholder", Nickname: "{env.PATH}{http.request.host}"},
		{ID: "long", Nickname: strings.Repeat("长", 512), Avatar: "https://thirdwx.qlogo.cn/" + strings.Repeat("x", 2000)},
		{ID: "empty"},
	}
	for _, p := range people {
		t.Run(p.ID, func(t *testing.T) {
			w := newWorldWith(t, simulator.Config{People: []simulator.Person{p}})
			w.provisionAccount("scope snsapi_userinfo\nconsent direct", "")
			b := w.browser(inWeChat)
			a := b.open(b.agree(b.open("/page").Header.Get("Location"), "allow"))
			a.wantRedirect(t, "/page")
			for _, line := range a.Header["Set-Cookie"] {
				if len(line) > 4096 {
					t.Errorf("a cookie of %d bytes", len(line))
				}
			}
			b.open("/page").wantStatus(t, http.StatusOK)
			h := w.received().Header
			nickname, err := url.PathUnescape(h.Get("X-Wechat-Nickname"))
			if err != nil || !strings.HasPrefix(p.Nickname, nickname) || len(nickname) < min(len(p.Nickname), 300) {
				t.Errorf("nickname %q, %v", nickname, err)
			}
			if p.Nickname == "" && h["X-Wechat-Nickname"] != nil || p.Avatar == "" && h["X-Wechat-Avatar"] != nil {
				t.Errorf("empty fields became headers: %v", h)
			}
			for name, values := range h {
				for _, v := range values {
					if strings.ContainsAny(v, "\r\n\x00") {
						t.Errorf("%s: %q", name, v)
					}
				}
			}
			b.send("GET", "/_wechat/me").wantStatus(t, http.StatusOK)
		})
	}
}

func TestSnapshotVisitors(t *testing.T) {
	t.Run("reject", func(t *testing.T) {
		w := newProfileWorld(t, "", "userinfo /profile/*")
		b := w.browser(inWeChat)
		a := b.open(b.agree(consentPage(t, b.open("/profile/me")), "snapshot"))
		a.wantStatus(t, http.StatusForbidden)
		if !strings.Contains(a.body, "使用完整服务") || b.cookie("wechat_session") != "" {
			t.Errorf("body: %s", a.body)
		}
		if got := w.sim.Calls("/sns/userinfo"); got != 0 {
			t.Errorf("%d calls for the profile of nobody", got)
		}
	})
	t.Run("allow", func(t *testing.T) {
		w := newProfileWorld(t, "snapshot allow", "userinfo /profile/*")
		b := w.browser(inWeChat)
		b.open(b.agree(consentPage(t, b.open("/profile/me")), "snapshot")).wantRedirect(t, "/profile/me")
		b.open("/page").wantStatus(t, http.StatusOK)
		if h := w.received().Header; h.Get("X-Wechat-Snapshot") != "1" || h.Get("X-Wechat-User") == person {
			t.Errorf("the app got %v", h)
		}
		consentPage(t, b.open("/profile/me")) // never satisfies userinfo
		w.pass(time.Hour + time.Second)
		b.open("/page").wantStatus(t, http.StatusFound)
	})
	t.Run("a session from before is judged by the configuration of today", func(t *testing.T) {
		w := newProfileWorld(t, "snapshot allow", "userinfo /profile/*")
		b := w.browser(inWeChat)
		b.open(b.agree(consentPage(t, b.open("/profile/me")), "snapshot"))
		w.provisionAccount("snapshot reject", "")
		b.open("/page").wantStatus(t, http.StatusFound)
	})
}

func TestProfileThatNeverComesIsNoEndlessLoop(t *testing.T) {
	w := newProfileWorld(t, "consent direct\nsnapshot allow", "userinfo /profile/*")
	b := w.browser(inWeChat)
	for range 3 {
		a := b.open("/profile/me")
		a.wantStatus(t, http.StatusFound)
		b.open(b.agree(a.Header.Get("Location"), "snapshot")).wantRedirect(t, "/profile/me")
	}
	b.open("/profile/me").wantStatus(t, http.StatusTooManyRequests)
}

func TestWeChatFailsToGiveTheProfile(t *testing.T) {
	w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", "")
	if err := w.sim.Fault(simulator.Fault{Path: "/sns/userinfo", Kind: simulator.FaultErrcode, Errcode: 48001, Times: 1}); err != nil {
		t.Fatal(err)
	}
	b := w.browser(inWeChat)
	callback := b.agree(b.open("/page").Header.Get("Location"), "allow")
	b.open(callback).wantStatus(t, http.StatusBadGateway)
	if b.cookie("wechat_session") != "" {
		t.Error("a session without the profile")
	}
	b.open(callback).wantStatus(t, http.StatusFound) // Reload begins afresh
}

func TestTokenThatAnotherLoginReplacedBeginsAfresh(t *testing.T) {
	w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", "")
	if err := w.sim.Fault(simulator.Fault{Path: "/sns/userinfo", Kind: simulator.FaultErrcode, Errcode: 40001, Times: 1}); err != nil {
		t.Fatal(err)
	}
	b := w.browser(inWeChat)
	again := b.open(b.agree(b.open("/page").Header.Get("Location"), "allow"))
	b.open(b.agree(again.Header.Get("Location"), "allow")).wantRedirect(t, "/page")
}

func TestProfileRenewedManyTimesIsNoLoop(t *testing.T) {
	b := newProfileWorld(t, "consent direct", "").browser(inWeChat)
	for range 6 {
		b.open(b.agree(b.open("/_wechat/login?account=official_account&profile=1").Header.Get("Location"), "allow")).wantRedirect(t, "/")
	}
}

func TestSilentLoginInASlowerTabKeepsTheProfile(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile")
	b := w.browser(inWeChat)
	slow := b.toCallback("/slow")
	b.open(b.agree(consentPage(t, b.open("/profile")), "allow")).wantRedirect(t, "/profile")
	b.open(slow).wantRedirect(t, "/slow")
	b.open("/profile").wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-Nickname"); got == "" {
		t.Error("the nickname is gone")
	}
}

func TestConsentByAnotherPersonTakesNothingOver(t *testing.T) {
	w := newProfileWorld(t, "", "userinfo /profile")
	b := w.browser(inWeChat)
	b.login("/")
	if err := w.sim.Hold("emma"); err != nil {
		t.Fatal(err)
	}
	b.open(b.agree(consentPage(t, b.open("/profile")), "allow"))
	w.received()
	b.open("/profile").wantStatus(t, http.StatusOK)
	emma := simulator.OpenID(simulator.DemoAppID, "emma")
	if h := w.received().Header; h.Get("X-Wechat-User") != emma || h.Get("X-Wechat-Unionid") != simulator.UnionID("x", "emma") {
		t.Errorf("the app got %v", h)
	}
}
