package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestAccountChoice_IsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "badge\nfob\nuser_id qualified")
	b := w.browser(onDesktop)
	a := b.open("/page?x=1", "Accept-Language: en")
	a.wantStatus(t, http.StatusOK)
	for _, part := range []string{
		"How would you like to log in?", ">badge</a>", ">Fob in en</a>",
		"/_wechat/login?return_to=%2Fpage%3Fx%3D1&amp;account=fob",
	} {
		if !strings.Contains(a.body, part) {
			t.Errorf("%s is not in %s", part, a.body)
		}
	}
	if names := b.cookieNames(); len(names) != 0 {
		t.Errorf("cookies: %v", names)
	}
	a = b.open("/_wechat/login?return_to=%2Fpage%3Fx%3D1&account=fob")
	if !strings.HasPrefix(a.location(), "https://fob.example/") || b.cookie("wechat_account") != "" {
		t.Errorf("redirected to %s, remembers %q before the login", a.location(), b.cookie("wechat_account"))
	}
	b.open(badgeCallback(t, a.location(), "7")).wantRedirect(t, "/page?x=1")
	b.open("/_wechat/login?return_to=/page").wantRedirect(t, "/page") // the session suffices
	b.deleteCookie("wechat_session")
	if a := b.open("/_wechat/login?return_to=/page"); !strings.HasPrefix(a.location(), "https://fob.example/") {
		t.Errorf("the next time: %d %s", a.StatusCode, a.location())
	}
	b.open(badgeCallback(t, b.open("/_wechat/login?account=fob").location(), "7")).wantRedirect(t, "/")
	b.logout("")
	if a := b.open("/page"); a.StatusCode != http.StatusOK || b.cookie("wechat_account") != "" {
		t.Errorf("after a logout: %d, remembers %q", a.StatusCode, b.cookie("wechat_account"))
	}
	if a := b.open("/_wechat/login?account=nobody"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", a.StatusCode)
	}
	// Inside WeChat there is no choice, and another browser's choice does not count.
	if a := w.browser(inWeChat).open("/page"); !strings.HasPrefix(a.location(), w.simURL) {
		t.Errorf("inside WeChat: %s", a.location())
	}
}

func TestAccountChoice_PhoneIsOfferedWeChatFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "fob\nuser_id qualified")
	b := w.browser(onPhone)
	a := b.open("/page", "Accept-Language: en")
	a.wantStatus(t, http.StatusForbidden)
	const scan = "/_wechat/login?return_to=%2Fpage&amp;scan=1"
	if !strings.Contains(a.body, "Open this page in WeChat") || !strings.Contains(a.body, scan) {
		t.Errorf("got %s", a.body)
	}
	a = b.open("/_wechat/login?return_to=%2Fpage&scan=1")
	if !strings.HasPrefix(a.location(), "https://fob.example/") {
		t.Errorf("%d %s", a.StatusCode, a.location())
	}
	if a := w.browser(onDesktop).open("/page"); !strings.HasPrefix(a.location(), "https://fob.example/") {
		t.Errorf("a desktop: %d %s", a.StatusCode, a.location())
	}
}
