package weixin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	corpID       = "ww0123456789abcdef"
	weComSecret  = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e7x"
	memberAnswer = `{"errcode":0,"errmsg":"ok","userid":"ZhangSan"}`
)

var corpApp = App{corpID, Secret(weComSecret)}

// weComSaying returns a client whose WeCom gives a token, and answers everything else with a body.
func weComSaying(t *testing.T, body string) (*Client, *ServerToken) {
	t.Helper()
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cgi-bin/gettoken" {
			io.WriteString(w, `{"errcode":0,"errmsg":"ok","access_token":"61_token_of_the_app","expires_in":7200}`)
			return
		}
		io.WriteString(w, body)
	})
	return c, c.WeComToken(nil, corpApp)
}

func TestWeComUser_TellsWhomACodeStandsFor(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want WeComUser
	}{
		"a member": {memberAnswer, WeComUser{UserID: "ZhangSan"}},
		"a member with a ticket": {
			`{"errcode":0,"userid":"a","user_ticket":"t"}`, WeComUser{UserID: "a", Ticket: "t"},
		},
		"errcode as a string": {`{"errcode":"0","userid":"a"}`, WeComUser{UserID: "a"}},
		"the former API": {
			`{"errcode":0,"UserId":"a","DeviceId":"d","user_ticket":"t","expires_in":"1800"}`,
			WeComUser{UserID: "a", Ticket: "t"},
		},
		"both":                  {`{"UserId":"former","userid":"a"}`, WeComUser{UserID: "a"}},
		"both, the other way":   {`{"userid":"a","UserId":"former"}`, WeComUser{UserID: "a"}},
		"the former API, empty": {`{"userid":"","UserId":"a"}`, WeComUser{UserID: "a"}},
		"somebody downstream":   {`{"userid":"ww1/ZhangSan"}`, WeComUser{UserID: "ww1/ZhangSan"}},
		"signs":                 {`{"userid":"a-b_c.d@e"}`, WeComUser{UserID: "a-b_c.d@e"}},
		"64 bytes": {
			`{"userid":"` + strings.Repeat("x", 64) + `"}`, WeComUser{UserID: strings.Repeat("x", 64)},
		},
		"a client": {
			`{"openid":"oX","external_userid":"wmX"}`, WeComUser{OpenID: "oX", ExternalUserID: "wmX"},
		},
		"a client without openid":  {`{"external_userid":"wmX"}`, WeComUser{ExternalUserID: "wmX"}},
		"a stranger":               {`{"openid":"oX"}`, WeComUser{OpenID: "oX"}},
		"a stranger, formerly":     {`{"OpenId":"oX","DeviceId":"d"}`, WeComUser{OpenID: "oX"}},
		"a member is nobody else":  {`{"userid":"a","openid":"oX","external_userid":"wmX"}`, WeComUser{UserID: "a"}},
		"a byte order mark":        {"\ufeff" + memberAnswer, WeComUser{UserID: "ZhangSan"}},
		"a control character":      {"{\"errmsg\":\"o\nk\",\"userid\":\"a\"}", WeComUser{UserID: "a"}},
		"a ticket for no member":   {`{"openid":"oX","user_ticket":"t"}`, WeComUser{OpenID: "oX"}},
		"fields that nobody knows": {`{"userid":"a","x":{"y":[1]}}`, WeComUser{UserID: "a"}},
	} {
		c, token := weComSaying(t, tt.body)
		if got, err := c.WeComUser(t.Context(), token, code); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, tt.want)
		}
	}
	for name, body := range map[string]string{
		"nobody":               `{"errcode":0,"errmsg":"ok"}`,
		"empty ids":            `{"userid":"","openid":"","external_userid":""}`,
		"65 bytes":             `{"userid":"` + strings.Repeat("x", 65) + `"}`,
		"a colon":              `{"userid":"external:wmX"}`,
		"a line break":         `{"userid":"a\nb"}`,
		"no ASCII":             `{"userid":"张三"}`,
		"two slashes":          `{"userid":"ww1/ww2/a"}`,
		"no userid in a corp":  `{"userid":"ww1/"}`,
		"no corp":              `{"userid":"/a"}`,
		"a bad openid":         `{"openid":"o X"}`,
		"a bad external id":    `{"openid":"oX","external_userid":"wm\u0000"}`,
		"a number":             `{"userid":7}`,
		"not a member, though": `{"userid":" ","openid":"oX"}`,
		"HTML":                 "<html>",
		"a list":               "[]",
	} {
		c, token := weComSaying(t, body)
		if got, err := c.WeComUser(t.Context(), token, code); !errors.Is(err, ErrAnswer) || got != (WeComUser{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestWeComMember_ReadsWhatWeComTells(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"as documented": {
			`{"errcode":0,"userid":"ZhangSan","name":"张三","department":[1,2],"avatar":"https:\/\/wework.qpic.cn\/x"}`,
			"张三 https://wework.qpic.cn/x [1 2]",
		},
		"numbers as strings": {`{"errcode":"0","userid":"zhangsan","name":"张三","department":["1","2"]}`, "张三  [1 2]"},
		"nothing":            {memberAnswer, "  []"},
		"control characters": {"{\"userid\":\"zhangsan\",\"name\":\"a\x01\nb\"}", "a  b  []"},
		"a byte order mark":  {"\ufeff" + memberAnswer, "  []"},
	} {
		c, token := weComSaying(t, tt.body)
		got, err := c.WeComMember(t.Context(), token, "zhangsan")
		if text := fmt.Sprint(got.Name, " ", got.Avatar, " ", got.Departments); err != nil || text != tt.want {
			t.Errorf("%s: got %q, %v, want %q", name, text, err, tt.want)
		}
	}
	for _, body := range []string{
		`{"userid":"lisi"}`, `{"name":"张三"}`, `{"userid":"ww1/lisi"}`, "[]", `{"userid":"zhangsan","department":"x"}`,
	} {
		c, token := weComSaying(t, body)
		if _, err := c.WeComMember(t.Context(), token, "zhangsan"); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: got %v", body, err)
		}
		_, err := c.WeComAvatar(t.Context(), token, WeComUser{UserID: "wang", Ticket: "t"})
		if !errors.Is(err, ErrAnswer) {
			t.Errorf("%s as details: got %v", body, err)
		}
	}
	c, token := weComSaying(t, `{"errcode":0,"userid":"ZHANGSAN","gender":"1","avatar":"https://x/0"}`)
	got, err := c.WeComAvatar(t.Context(), token, WeComUser{UserID: "ww1/zhangsan", Ticket: "t"})
	if err != nil || got != "https://x/0" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Whoever is sent to the callback chooses the code.
func TestWeComUser_SendsAnOddCodeAsACode(t *testing.T) {
	for _, odd := range []string{
		"a&access_token=b", "a#b", "a b+c", "%41", "a\r\nHost: evil.com", "张", "../user/get", strings.Repeat("x", 512),
	} {
		asked := make(chan *http.Request, 2)
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			asked <- r
			io.WriteString(w, `{"access_token":"61_token","expires_in":7200,"userid":"a"}`)
		})
		if _, err := c.WeComUser(t.Context(), c.WeComToken(nil, corpApp), odd); err != nil {
			t.Fatal(err)
		}
		<-asked
		r := <-asked
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil || r.Method != http.MethodGet || r.URL.Path != "/cgi-bin/auth/getuserinfo" || len(q) != 2 ||
			q.Get("code") != odd || q.Get("access_token") != "61_token" {
			t.Errorf("%q became %s %s", odd, r.Method, r.RequestURI)
		}
	}
}

func TestWeComAvatar_PostsTheTicket(t *testing.T) {
	posted := make(chan string, 1)
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			posted <- r.RequestURI + " " + r.Header.Get("Content-Type") + " " + string(body)
		}
		io.WriteString(w, `{"access_token":"61_token","expires_in":7200,"userid":"a"}`)
	})
	_, err := c.WeComAvatar(t.Context(), c.WeComToken(nil, corpApp), WeComUser{UserID: "a", Ticket: `t"`})
	if err != nil {
		t.Fatal(err)
	}
	const want = `/cgi-bin/auth/getuserdetail?access_token=61_token application/json {"user_ticket":"t\""}`
	if got := <-posted; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWeCom_HasNoSecretInErrors(t *testing.T) {
	const ticket = "the-members-ticket"
	c, token := weComSaying(t, `{"errcode":40058,"errmsg":"bad 61_token_of_the_app `+code+` `+ticket+`"}`)
	_, userErr := c.WeComUser(t.Context(), token, code)
	_, memberErr := c.WeComMember(t.Context(), token, "zhangsan")
	_, avatarErr := c.WeComAvatar(t.Context(), token, WeComUser{UserID: "a", Ticket: ticket})
	for name, tt := range map[string]struct {
		err     error
		secrets []string
	}{
		"user":   {userErr, []string{"61_token_of_the_app", code}},
		"member": {memberErr, []string{"61_token_of_the_app"}},
		"avatar": {avatarErr, []string{"61_token_of_the_app", ticket}},
	} {
		apiErr, ok := errors.AsType[*Error](tt.err)
		if !ok || !apiErr.WeCom || !strings.Contains(tt.err.Error(), "WeCom answered errcode 40058") {
			t.Errorf("%s: got %v", name, tt.err)
		}
		for _, secret := range tt.secrets {
			if strings.Contains(tt.err.Error(), secret) {
				t.Errorf("%s: %v", name, tt.err)
			}
		}
	}
}

func TestError_TellsWhichHideAMember(t *testing.T) {
	for code, want := range map[int]bool{
		48002: true, 60011: true, 60111: true, 40001: false, 60020: false, -1: false, 50001: false,
	} {
		if got := (&Error{Code: code, WeCom: true}).HidesMember(); got != want {
			t.Errorf("errcode %d: %v", code, got)
		}
		if (&Error{Code: code}).HidesMember() {
			t.Errorf("errcode %d of WeChat hides a member of a company", code)
		}
	}
}

// An instance that was told why by another one tells the same cure.
func TestRefusal_KeepsWhoseItIs(t *testing.T) {
	err := newRefusal(&Error{Code: 40013, Message: "invalid corpid", WeCom: true}, 1, time.Second).error()
	if !strings.Contains(Cure(err), "corp id") {
		t.Errorf("the cure of %v is %q", err, Cure(err))
	}
}

func FuzzWeCom(f *testing.F) {
	for _, body := range []string{
		memberAnswer, `{"UserId":"a","OpenId":"o"}`, `{"openid":"oX","external_userid":"wmX"}`, `{"errcode":"60011"}`,
		`{"userid":"a","name":"x","department":["1",2]}`, "\ufeff{}", "{\"userid\":\"\x01\"}", "null", "[]", "<html>",
		`{"department":[1e9,-1]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &Client{Hosts: HostsAt("http://api.test", "")}
		token := c.WeComToken(nil, corpApp)
		c.Transport = roundTripper(func(r *http.Request) *http.Response {
			answer := bytes.Clone(body)
			if r.URL.Path == "/cgi-bin/gettoken" {
				answer = []byte(`{"access_token":"61_token","expires_in":7200}`)
			}
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(answer))}
		})
		user, err := c.WeComUser(t.Context(), token, code)
		if err == nil && (user.UserID == "") == (user.OpenID+user.ExternalUserID == "") {
			t.Errorf("a code of nobody, or of two: %+v", user)
		}
		if err == nil && user.UserID != "" && !isUserID(user.UserID) {
			t.Errorf("no userid: %+v", user)
		}
		member, err := c.WeComMember(t.Context(), token, "a")
		if err == nil {
			for _, id := range member.Departments {
				if strings.Trim(id, "-0123456789") != "" {
					t.Errorf("no department: %q", id)
				}
			}
		}
		_, _ = c.WeComAvatar(t.Context(), token, WeComUser{UserID: "a", Ticket: "t"})
	})
}
