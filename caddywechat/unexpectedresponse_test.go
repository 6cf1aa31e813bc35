package caddywechat

import (
	"net/http"
	"strings"
	"testing"
)

// The page says neither that WeChat is busy nor that a retry helps, and no other person's profile is used.
func TestUnexpectedResponse_IsReportedAsSuch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ path, body, cause string }{
		"a unionid with a blank": {
			profilePath, `{"openid":"OPENID","nickname":"a","unionid":"o 1"}`,
			`a profile with a unionid that is none: "o 1"`,
		},
		"no openid":         {profilePath, `{"nickname":"a"}`, "a profile without an openid"},
		"somebody else's":   {profilePath, `{"openid":"oOther","nickname":"a"}`, "a profile of somebody else"},
		"a nickname of two": {profilePath, `{"openid":"OPENID","nickname":["a","b"]}`, "a list where a text should be"},
		"an openid that is none": {
			exchangePath, `{"openid":"o 1","access_token":"61_x"}`, `a token with an openid that is none: "o 1"`,
		},
		"a token without anything": {exchangePath, `{}`, "a token without an openid"},
	} {
		w := newProfileWorld(t, directProfile, "")
		w.stubWeChat(tt.path, tt.body)
		b := w.browser(inWeChat)
		a := b.followAllowing("/page")
		if a.StatusCode != http.StatusBadGateway || heading(a) != "看不懂微信的答复" {
			t.Errorf("%s: %d %s", name, a.StatusCode, heading(a))
		}
		lines := w.logs.FilterMessage("callback").All()
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		line := lines[0].ContextMap()
		if cause, _ := line["error"].(string); !strings.Contains(cause, tt.cause) || line["cure"] == nil {
			t.Errorf("%s: the log says %v, cure %v", name, line["error"], line["cure"])
		}
		if names := b.cookieNames(); len(names) != 0 {
			t.Errorf("%s: left cookies %v", name, names)
		}
	}
	// Unusual values that can be read are used.
	w := newProfileWorld(t, directProfile, "")
	w.stubWeChat(profilePath, `{"openid":"OPENID","nickname":7,"headimgurl":null,"sex":"1"}`)
	a := w.browser(inWeChat).followAllowing("/page")
	if a.StatusCode != http.StatusOK || w.received().Header.Get("X-Wechat-Nickname") != "7" {
		t.Errorf("a number for a nickname: %d %.200s", a.StatusCode, a.body)
	}
}
