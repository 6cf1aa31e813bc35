package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func TestUserInfo_TellsOfFollowers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	token := h.stable(false).AccessToken
	ask := func(openID string) string {
		return h.get(userInfoPath + "?lang=zh_CN&access_token=" + token + "&openid=" + openID).body
	}
	openID := OpenID(DemoAppID, "emma")
	if got := ask(openID); got != `{"subscribe":0,"openid":"`+openID+`"}` {
		t.Errorf("of a stranger: %s", got)
	}
	path := "/simulator/followers/" + DemoAppID + "/emma"
	if r := h.send("PUT", path, ""); r.status != http.StatusNoContent {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	got := ask(openID)
	if !strings.HasPrefix(got, `{"subscribe":1,"openid":"`+openID+`","nickname":""`) ||
		!strings.Contains(got, `"unionid":"`+UnionID(DemoOpenPlatform, "emma")+`"`) {
		t.Errorf("of a follower: %s", got)
	}
	if r := h.send("DELETE", path, ""); r.status != http.StatusNoContent {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	if got := ask(openID); !strings.HasPrefix(got, `{"subscribe":0`) {
		t.Errorf("of somebody who left: %s", got)
	}
	if got := ask("o-nobody"); !strings.HasPrefix(got, `{"errcode":40003`) {
		t.Errorf("of nobody: %s", got)
	}
	got = h.get(userInfoPath + "?access_token=x&openid=" + openID).body
	if !strings.HasPrefix(got, `{"errcode":40001`) {
		t.Errorf("by another token: %s", got)
	}
	for _, wrong := range []string{"/simulator/followers/" + DemoAppID + "/nobody", "/simulator/followers/wx0/emma"} {
		if r := h.send("PUT", wrong, ""); r.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", wrong, r.status)
		}
	}
}
