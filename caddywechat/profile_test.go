package caddywechat

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestProfile_RequiredByARule(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.login("/")
	t.Run("a fetch with a silent session gets profile_required", func(t *testing.T) {
		m := b.send("GET", "/profile/api").wantJSON(t, http.StatusUnauthorized, "profile_required")
		if m["login_url"] != "/_wechat/login?return_to=%2Fprofile%2Fapi&profile=1" {
			t.Errorf("login_url %s", m["login_url"])
		}
	})
	authorize := consentPage(t, b.open("/profile/me?x=1"))
	if !strings.Contains(authorize, "&scope=snsapi_userinfo&state=") ||
		!strings.HasSuffix(authorize, "#wechat_redirect") {
		t.Errorf("authorize: %s", authorize)
	}
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/profile/me?x=1")
	w.received()
	b.open("/profile/me?x=1").wantStatus(t, http.StatusOK)
	h := w.received().Header
	if h.Get("X-Wechat-User") != person || h.Get("X-Wechat-Nickname") != "%E5%B0%8F%E6%98%8E" ||
		h.Get("X-Wechat-Avatar") == "" ||
		h.Get("X-Wechat-Scope") != "snsapi_userinfo" || h.Get("X-Wechat-Unionid") != simulator.UnionID("x",
		"xiaoming") {
		t.Errorf("the app got %v", h)
	}
	// One session is enough for everything from now on.
	b.open("/").wantStatus(t, http.StatusOK)
	b.send("GET", "/profile/api").wantStatus(t, http.StatusOK)
	if got := w.sim.Calls(profilePath); got != 1 {
		t.Errorf("%d calls for the profile", got)
	}
}

func TestProfile_RequiredWithoutASession(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.send("GET", "/profile/api").wantJSON(t, http.StatusUnauthorized, "login_required")
	authorize := consentPage(t, b.open("/profile/me"))
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/profile/me")
	b.open("/profile/me").wantStatus(t, http.StatusOK)
	if got := w.exchanges(); got != 1 {
		t.Errorf("%d exchanges", got)
	}
}

func TestProfile_ConsentDirect(t *testing.T) {
	t.Parallel()
	b := newProfileWorld(t, "consent direct", "userinfo /profile/*").browser(inWeChat)
	a := b.open("/profile/me")
	a.wantStatus(t, http.StatusFound)
	if !strings.Contains(a.location(), "scope=snsapi_userinfo") {
		t.Errorf("Location: %s", a.location())
	}
}

func TestProfile_ScopeUserinfoAsksAtEveryLogin(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "scope snsapi_userinfo", "userinfo /profile/*")
	b := w.browser(inWeChat)
	authorize := consentPage(t, b.open("/page"))
	b.open(b.consent(authorize, "allow")).wantRedirect(t, "/page")
	b.open("/profile/me").wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-Nickname"); got == "" {
		t.Error("no nickname")
	}
}

func TestProfile_DecliningKeepsTheSession(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.login("/")
	callback := b.consent(consentPage(t, b.open("/profile/me")), "deny")
	if strings.Contains(callback, "code=") {
		t.Fatalf("callback %s", callback)
	}
	b.open(callback) // the session lacks the profile, so this does not return to the page
	b.open("/").wantStatus(t, http.StatusOK)
	consentPage(t, b.open("/profile/me"))
}

func TestProfile_UnusualNamesAndAvatars(t *testing.T) {
	t.Parallel()
	people := []simulator.Person{
		{ID: "emoji", Nickname: "Emma 🐳", Avatar: "E"},
		{ID: "lines", Nickname: "a\r\nX-Evil: 1\n\"b\" 'c' \\ %41", Avatar: ""},
		{ID: "placeholder", Nickname: "{env.PATH}{http.request.host}"},
		{
			ID: "long", Nickname: strings.Repeat("长", 512),
			Avatar: "https://thirdwx.qlogo.cn/" + strings.Repeat("x", 2000),
		},
		{ID: "empty"},
	}
	for _, p := range people {
		t.Run(p.ID, func(t *testing.T) {
			w := newWorldWith(t, simulator.Config{People: []simulator.Person{p}})
			w.provisionAccount(directProfile, "")
			b := w.browser(inWeChat)
			a := b.open(b.consent(b.open("/page").location(), "allow"))
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

func TestProfile_RefusedByWeChat(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, directProfile, "")
	w.fault(simulator.Fault{Path: profilePath, Kind: simulator.FaultErrcode, Errcode: 48001, Times: 1})
	b := w.browser(inWeChat)
	callback := b.consent(b.open("/page").location(), "allow")
	b.open(callback).wantStatus(t, http.StatusBadGateway)
	if b.cookie("wechat_session") != "" {
		t.Error("a session without the profile")
	}
	b.open(callback).wantStatus(t, http.StatusFound) // a reload restarts the login
}

func TestProfile_ReplacedTokenRestartsTheLogin(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, directProfile, "")
	w.fault(simulator.Fault{Path: profilePath, Kind: simulator.FaultErrcode, Errcode: 40001, Times: 1})
	b := w.browser(inWeChat)
	again := b.open(b.consent(b.open("/page").location(), "allow"))
	b.open(b.consent(again.location(), "allow")).wantRedirect(t, "/page")
}

func TestProfile_OfAnotherPersonTakesNothingOver(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile")
	b := w.browser(inWeChat)
	b.login("/")
	w.hold("emma")
	b.open(b.consent(consentPage(t, b.open("/profile")), "allow"))
	w.received()
	b.open("/profile").wantStatus(t, http.StatusOK)
	emma := simulator.OpenID(simulator.DemoAppID, "emma")
	if h := w.received().Header; h.Get("X-Wechat-User") != emma ||
		h.Get("X-Wechat-Unionid") != simulator.UnionID("x", "emma") {
		t.Errorf("the app got %v", h)
	}
}
