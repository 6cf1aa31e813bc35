package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestObserve_LetsGoOnWhatRulesWouldStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "observe\nuserinfo /profile\nlogin *")
	if w.logs.FilterMessageSnippet("observe is set").Len() != 1 {
		t.Errorf("nobody is warned: %v", w.logs.All())
	}
	// as returns as whom the app sees a request, and whether it came to the app at all.
	as := func(b *browser, method, path string, headers ...string) (user string, arrived bool) {
		w.received()
		b.send(method, path, headers...)
		r := w.received()
		if r == nil {
			return "", false
		}
		return r.Header.Get("X-Wechat-User"), true
	}
	stranger, desktop, member := w.browser(inWeChat), w.browser(onDesktop), w.browser(inWeChat)
	member.login("/_wechat/login?return_to=/page")
	for name, tt := range map[string]struct {
		by           *browser
		method, path string
		user         bool
	}{
		"a page":               {stranger, "GET", "/page", false},
		"in another browser":   {desktop, "GET", "/page", false},
		"a form":               {stranger, "POST", "/page", false},
		"a session":            {member, "GET", "/page", true},
		"a session not enough": {member, "GET", "/profile", false},
	} {
		user, arrived := as(tt.by, tt.method, tt.path, "Accept: text/html", "X-Wechat-User: forged")
		if !arrived || (user != "") != tt.user || user == "forged" {
			t.Errorf("%s: arrived %t, as %q", name, arrived, user)
		}
	}
	if _, arrived := as(stranger, "GET", "/page", "Authorization: Bearer wx1.nothing"); !arrived {
		t.Error("a token that does not open is stopped")
	}
	lines := w.logs.FilterMessage("a rule would stop this request").All()
	if len(lines) != 3 { // GET and POST /page, GET /profile
		t.Errorf("%d lines: %v", len(lines), lines)
	}
	for _, line := range lines {
		if reason := line.ContextMap()["reason"].(string); !strings.Contains(reason, "rule") {
			t.Errorf("the reason is %q", reason)
		}
	}
	stranger.send("GET", "/_wechat/me").wantStatus(t, http.StatusUnauthorized)
	stranger.login("/_wechat/login?return_to=/page")
}
