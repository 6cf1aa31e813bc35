package session

import (
	"slices"
	"testing"
)

func TestOwnCookies(t *testing.T) {
	before := slices.Clone(ownCookies)
	defer func() { ownCookies = before }()
	if got := OwnCookie("wechat_test"); got != "wechat_test" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]bool{
		"wechat_test": true, "__Host-wechat_test": true,
		"": false, "wechat_tes": false, "wechat_test2": false, "Wechat_Test": false, "__Host-": false,
		"__Host-__Host-wechat_test": false,
	} {
		if got := IsOwnCookie(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}
