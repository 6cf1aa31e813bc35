package simulator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestUserinfo_GivesTheProfileInWeChatsForm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: []Person{{ID: "aqi", Nickname: "\"阿七\"\n<i>'seven'</i> & co"}}})
	token := h.api(exchangePath(h.profileCode()))
	path := profilePath(token) + "&lang=zh_CN"
	want := `{"openid":"` + token.OpenID +
		`","nickname":"\"阿七\"\n<i>'seven'<\/i> & co","sex":0,"language":"","city":"",` +
		`"province":"","country":"","headimgurl":"","privilege":[],"unionid":"` +
		UnionID(DemoOpenPlatform, "aqi") + `"}`
	r := h.get(path)
	if r.body != want || r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %s\nwant %s", r.body, want)
	}

	h.wantErrcode(strings.Replace(path, "access_token="+token.AccessToken, "", 1), 41001)
	h.wantErrcode(strings.Replace(path, "openid="+token.OpenID, "", 1), 41009)
	h.wantErrcode(strings.Replace(path, token.AccessToken, "61_x", 1), 40014)
	h.wantErrcode(strings.Replace(path, token.OpenID, OpenID(DemoAppID, "emma"), 1), 40003)
	h.wantErrcode(authPath+"?access_token="+token.AccessToken+"&openid=o", 40003)

	silent := h.api(exchangePath(h.silentCode()))
	h.wantErrcode(userinfoPath+"?access_token="+silent.AccessToken+"&openid="+silent.OpenID, 48001)

	h.advance(2 * time.Hour)
	h.wantErrcode(path, 42001)
}

func TestUserinfo_FollowsTheQuirks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{
		People: []Person{{ID: "wild", Nickname: "a\\n\nb\"/"}},
		Quirks: Quirks{SexString: true, RawControls: true, JSONSuccess: true},
	})
	token := h.api(exchangePath(h.profileCode()))
	r := h.get(profilePath(token))
	if !strings.Contains(r.body, `"nickname":"a\\n`+"\n"+`b\"\/","sex":"0"`) || json.Valid([]byte(r.body)) {
		t.Errorf("got %s", r.body)
	}
	if r.header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("got %v", r.header)
	}
}
