package caddywechat

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSnapshot_SilentLoginGetsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.callbackFor("/page")
	u, _ := url.Parse(callback)
	// The simulator gives a snapshot's code only with the scope of the profile, so the code is of another request.
	snapshot := strings.ReplaceAll(b.open("/page").location(), "snsapi_base", "snsapi_userinfo")
	snapshot = strings.Replace(snapshot, "#", "&forceSnapShot=true#", 1)
	code := b.open(snapshot)
	bought, err := url.Parse(code.location())
	if err != nil || bought.Query().Get("code") == "" {
		t.Fatalf("the simulator did not hand out a snapshot's code: %d %s", code.StatusCode, code.location())
	}
	q := u.Query()
	q.Set("code", bought.Query().Get("code"))
	u.RawQuery = q.Encode()
	b.open(u.String()).wantStatus(t, http.StatusForbidden)
	if slices.Contains(b.cookieNames(), "wechat_session") {
		t.Error("a snapshot's visitor got a session")
	}
}

func TestSnapshot_RejectOrAllow(t *testing.T) {
	t.Parallel()
	t.Run("reject", func(t *testing.T) {
		w := newProfileWorld(t, "", "userinfo /profile/*")
		b := w.browser(inWeChat)
		a := b.open(b.consent(consentPage(t, b.open("/profile/me")), "snapshot"))
		a.wantStatus(t, http.StatusForbidden)
		if !strings.Contains(a.body, "使用完整服务") || b.cookie("wechat_session") != "" {
			t.Errorf("body: %s", a.body)
		}
		if got := w.sim.Calls(profilePath); got != 0 {
			t.Errorf("%d calls for the profile of nobody", got)
		}
	})
	t.Run("allow", func(t *testing.T) {
		w := newProfileWorld(t, "snapshot allow", "userinfo /profile/*")
		b := w.browser(inWeChat)
		b.open(b.consent(consentPage(t, b.open("/profile/me")), "snapshot")).wantRedirect(t, "/profile/me")
		b.open("/page").wantStatus(t, http.StatusOK)
		if h := w.received().Header; h.Get("X-Wechat-Snapshot") != "1" || h.Get("X-Wechat-User") == person {
			t.Errorf("the app got %v", h)
		}
		consentPage(t, b.open("/profile/me")) // never satisfies userinfo
		w.advance(time.Hour + time.Second)
		b.open("/page").wantStatus(t, http.StatusFound)
	})
	t.Run("an older session is subject to the present configuration", func(t *testing.T) {
		w := newProfileWorld(t, "snapshot allow", "userinfo /profile/*")
		b := w.browser(inWeChat)
		b.open(b.consent(consentPage(t, b.open("/profile/me")), "snapshot"))
		w.provisionAccount("snapshot reject", "")
		b.open("/page").wantStatus(t, http.StatusFound)
	})
}
