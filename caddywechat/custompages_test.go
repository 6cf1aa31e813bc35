package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestCustomPages_ReplaceOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "pages testdata/pages")
	a := w.browser(onDesktop).open("/orders?id=5&x=<b>")
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "<h1>Shop</h1>") ||
		!strings.Contains(a.body, "http://"+host+"/orders?id=5&amp;x=&lt;b&gt;") || !strings.Contains(a.body, "<svg") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	policy := a.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; img-src 'self' data:;") {
		t.Errorf("policy %s", policy)
	}
	if id := a.body[strings.Index(a.body, "id=")+3:]; len(id) < 36 {
		t.Errorf("no request id: %s", a.body)
	}
	b := w.browser(inWeChat)
	b.login("/")
	if a := b.logout(""); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "已退出登录") {
		t.Errorf("a page that is not replaced: status %d: %s", a.StatusCode, a.body)
	}
}
