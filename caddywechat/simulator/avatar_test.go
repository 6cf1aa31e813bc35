package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func TestAvatar_IsDrawnOrLinked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: []Person{
		{ID: "drawn", Nickname: "A", Avatar: `<&`},
		{ID: "linked", Nickname: "B", Avatar: "https://example.com/b.png"},
	}})
	avatarOf := func(person string) string {
		token := h.api(exchangePath(h.codeIn(h.consent(authorizeQuery(ScopeUserinfo), "allow", person))))
		return h.api(profilePath(token)).Headimgurl
	}
	drawn := avatarOf("drawn")
	if drawn != h.url+"/simulator/avatar/drawn/132" {
		t.Fatalf("got %q", drawn)
	}
	r := h.get(strings.TrimPrefix(drawn, h.url))
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(r.body, "&lt;&amp;</text>") {
		t.Errorf("got %d %v %s", r.status, r.header, r.body)
	}
	if got := avatarOf("linked"); got != "https://example.com/b.png" {
		t.Errorf("got %q", got)
	}
	for _, path := range []string{"drawn/7", "nobody/132", "linked/132"} {
		if r := h.get(avatarPath + path); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d", path, r.status)
		}
	}
}

func TestPublicURL_IsWhereAvatarsAre(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{PublicURL: "https://wechat.test/base/"})
	token := h.api(exchangePath(h.profileCode()))
	profile := h.api(profilePath(token))
	if profile.Headimgurl != "https://wechat.test/base/simulator/avatar/xiaoming/132" {
		t.Errorf("got %q", profile.Headimgurl)
	}
}
