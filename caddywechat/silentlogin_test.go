package caddywechat

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestSilentLogin_KeepsTheProfileOfTheSamePersonOnly(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile/*")
	b := w.browser(inWeChat)
	b.open(b.consent(consentPage(t, b.open("/profile/me")), "allow")).wantRedirect(t, "/profile/me")
	first := b.send("GET", "/_wechat/me").json(t)

	again := b.loginSilentlyAs("xiaoming")
	for _, field := range []string{"openid", "unionid", "nickname", "avatar", "scope"} {
		if first[field] == "" || again[field] != first[field] {
			t.Errorf("the same person's %s: %q, then %q", field, first[field], again[field])
		}
	}
	b.open("/profile/me").wantStatus(t, http.StatusOK)

	other := b.loginSilentlyAs("afang")
	if other["openid"] == first["openid"] {
		t.Fatal("it is the same person")
	}
	for _, field := range []string{"unionid", "nickname", "avatar"} {
		if other[field] != "" {
			t.Errorf("another person gets the %s %q", field, other[field])
		}
	}
	if other["scope"] != "snsapi_base" {
		t.Errorf("scope %q", other["scope"])
	}
	consentPage(t, b.open("/profile/me"))
}

func TestSilentLogin_TheAccountSaysWhoIsTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.newHandler("locker")
	b := w.browser(onDesktop)
	login := func(code string) map[string]string {
		t.Helper()
		back := b.open("/_wechat/login?account=locker&return_to=/page").location()
		b.open(back+"&code="+url.QueryEscape(code)).wantRedirect(t, "/page")
		return b.send("GET", "/_wechat/me").wantStatus(t, http.StatusOK).json(t)
	}
	login("7-Anna")
	if got := login("7"); got["nickname"] != "Anna" {
		t.Errorf("the same person: %v", got)
	}
	if got := login("8"); got["nickname"] != "" || got["id"] != "8" {
		t.Errorf("another person: %v", got)
	}
}

func TestSilentLogin_OneOpenIDInTwoAccountsIsNotOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "locker\nuser_id qualified")
	b := w.browser(inWeChat)
	back := b.open("/_wechat/login?account=locker&return_to=/page").location()
	b.open(back+"&code="+person+url.QueryEscape("-Anna")).wantRedirect(t, "/page")
	if got := b.loginSilentlyAs("xiaoming"); got["openid"] != person || got["unionid"]+got["nickname"] != "" {
		t.Errorf("got %v", got)
	}
}

func TestSilentLogin_InASlowerTabKeepsTheProfile(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "userinfo /profile")
	b := w.browser(inWeChat)
	slow := b.callbackFor("/slow")
	b.open(b.consent(consentPage(t, b.open("/profile")), "allow")).wantRedirect(t, "/profile")
	b.open(slow).wantRedirect(t, "/slow")
	b.open("/profile").wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-Nickname"); got == "" {
		t.Error("the nickname is missing")
	}
}
