package caddywechat

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// All other sessions of the person end. The browser stays logged in, with a new session, since the old one may be the
// stolen one.
func TestLogoutOthers_EndsAllButOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "user_id unionid")
	w.provisionAccount("", "")
	here := w.handler
	w.provisionAccount("", "")
	elsewhere := w.otherInstance(w.handler, 0)
	w.swap(here)
	w.hold("afang")
	other := w.browser(inWeChat)
	other.login("/")
	w.hold("xiaoming")
	b, second := w.browser(inWeChat), w.browser(inWeChat)
	b.login("/")
	second.login("/")
	expires := b.send("GET", "/_wechat/me").json(t)["expires_at"]
	w.advance(time.Hour)

	for range 2 { // in one second
		stolen := b.cookie("wechat_session")
		a := b.send("POST", "/_wechat/logout?others=1&return_to=/settings?x=1", fromThisSite)
		if a.StatusCode != http.StatusSeeOther || a.location() != "/settings?x=1" {
			t.Fatalf("status %d to %q: %s", a.StatusCode, a.location(), a.body)
		}
		elsewhere.sync(t)
		for _, h := range []*Handler{here, elsewhere} {
			w.swap(h)
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			other.send("GET", "/").wantStatus(t, http.StatusOK)
			second.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
			w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+stolen).
				wantStatus(t, http.StatusUnauthorized)
		}
		w.swap(here)
	}
	me := b.send("GET", "/_wechat/me").json(t)
	if me["expires_at"] != expires || me["openid"] != person {
		t.Errorf("now %v, before until %s", me, expires)
	}
	second.login("/")
	b.send("GET", "/").wantStatus(t, http.StatusOK)
}

func TestLogoutOthers_ByAProgram(t *testing.T) {
	t.Parallel()
	_, b := newKioskSite(t, "")
	mine, second, other := b.token("7"), b.token("7"), b.token("8")
	// A mini-program on a computer sends Sec-Fetch-Site: cross-site.
	a := b.send("POST", "/_wechat/logout?others=1", "Authorization: Bearer "+mine, "Sec-Fetch-Site: cross-site")
	fresh := strings.TrimSpace(a.wantStatus(t, http.StatusOK).body)
	_, fresh, _ = strings.Cut(fresh, `"token":"`)
	fresh, _, _ = strings.Cut(fresh, `"`)
	if !strings.HasPrefix(fresh, "wx1.") || !strings.Contains(a.body, `"user":"mall:7"`) ||
		a.Header.Get("Set-Cookie") != "" {
		t.Fatalf("got %s", a.body)
	}
	for token, want := range map[string]int{
		mine: http.StatusUnauthorized, second: http.StatusUnauthorized,
		other: http.StatusOK, fresh: http.StatusOK,
	} {
		b.send("GET", "/", "Authorization: Bearer "+token).wantStatus(t, want)
	}
}

func TestLogoutOthers_OnlyFromThisSiteWithOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b, second := w.browser(inWeChat), w.browser(inWeChat)
	b.login("/")
	second.login("/")
	kept := b.cookie("wechat_session")

	a := b.send("GET", "/_wechat/logout?others=1", fromThisSite).wantStatus(t, http.StatusMethodNotAllowed)
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	for _, line := range []string{
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
		"Origin: https://evil.example", "Origin: null",
	} {
		a := b.send("POST", "/_wechat/logout?others=1&return_to=/x", line).wantStatus(t, http.StatusOK)
		if !strings.Contains(a.body, `action="/_wechat/logout?others=1&amp;return_to=%2Fx"`) ||
			a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s", line, a.body)
		}
	}
	// Without a session, or with two, nothing changes.
	stranger := w.browser(inWeChat)
	stranger.send("POST", "/_wechat/logout?others=1", fromThisSite).
		wantJSON(t, http.StatusUnauthorized, "login_required")
	a = stranger.send("POST", "/_wechat/logout?others=1&return_to=//evil.example", fromThisSite, "Accept: text/html")
	if a.StatusCode != http.StatusSeeOther || a.location() != "/" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("status %d to %q, %q", a.StatusCode, a.location(), a.Header.Get("Set-Cookie"))
	}
	both := "Cookie: wechat_session=" + kept + "; wechat_session=" + second.cookie("wechat_session")
	stranger.send("POST", "/_wechat/logout?others=1", fromThisSite, both).wantStatus(t, http.StatusUnauthorized)
	for _, one := range []*browser{b, second} {
		one.send("GET", "/").wantStatus(t, http.StatusOK)
	}
	if b.cookie("wechat_session") != kept {
		t.Error("the session was exchanged")
	}
}
