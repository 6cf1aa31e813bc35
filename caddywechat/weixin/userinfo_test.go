package weixin

import (
	"io"
	"net/http"
	"testing"
)

func TestFollower_ReadsWhatWeChatSays(t *testing.T) {
	for body, want := range map[string]Follower{
		`{"subscribe":1,"openid":"oA","unionid":" oU"}`: {true, "oU"}, // as in WeChat's own example
		`{"subscribe":1,"openid":"oA"}`:                 {true, ""},
		`{"subscribe":0,"openid":"oA"}`:                 {false, ""},
		`{"subscribe":"1","openid":"oA","unionid":""}`:  {true, ""},
	} {
		var asked *http.Request
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			asked = r
			io.WriteString(w, body)
		})
		got, err := c.Follower(t.Context(), "token", "oA")
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if uri := asked.URL.RequestURI(); uri != "/cgi-bin/user/info?access_token=token&openid=oA&lang=zh_CN" {
			t.Errorf("asked %s", uri)
		}
	}
}

func TestFollower_RefusesWhatIsNoAnswer(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"subscribe":1,"openid":"oB","unionid":"oU"}`, `{"subscribe":1,"openid":"oA","unionid":"a b"}`,
		`{"errcode":40003,"errmsg":"invalid openid"}`, `<html>`, `{"subscribe":true,"openid":"oA"}`,
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		if got, err := c.Follower(t.Context(), "token", "oA"); err == nil || got.UnionID != "" {
			t.Errorf("%s: %+v", body, got)
		}
	}
}
