package weixin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAuthorizeURL_IsWrittenAsWeChatWantsIt(t *testing.T) {
	got := WeChatHosts().AuthorizeURL(Authorization{
		AppID: appID, RedirectURI: "https://h5.example.com/_wechat/callback?to=%2Fa%3Fb%3D1%26c%3D2",
		Scope: "snsapi_base", State: "0123abcd",
	})
	const want = "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123456789abcdef" +
		"&redirect_uri=https%3A%2F%2Fh5.example.com%2F_wechat%2Fcallback%3Fto%3D%252Fa%253Fb%253D1%2526c%253D2" +
		"&response_type=code&scope=snsapi_base&state=0123abcd#wechat_redirect"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAuthorizeURL_EscapesEveryValue(t *testing.T) {
	odd := "&state=x#y?z=%41 +/\\张\r\n\"<'"
	ask := Authorization{AppID: odd, RedirectURI: odd, Scope: odd, State: odd}
	got := HostsAt("http://127.0.0.1:8900/", "").AuthorizeURL(ask)
	if strings.ContainsAny(got, " \r\n\"<'\\") || strings.Count(got, "#") != 1 ||
		!strings.HasSuffix(got, "#wechat_redirect") {
		t.Errorf("got %s", got)
	}
	u, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if u.Host != "127.0.0.1:8900" || u.Path != "/connect/oauth2/authorize" {
		t.Errorf("got %s", got)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"appid": odd, "redirect_uri": odd, "response_type": "code", "scope": odd, "state": odd,
	} {
		if len(q[name]) != 1 || q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q[name], want)
		}
	}
	if len(q) != 5 {
		t.Errorf("got %v", q)
	}
}

func TestHostsAt_TakesASlashAtTheEnd(t *testing.T) {
	if a, b := HostsAt("http://127.0.0.1:8900/", ""), HostsAt("http://127.0.0.1:8900", ""); a != b {
		t.Errorf("%v and %v", a, b)
	}
}

func TestExchangeCode_AsksAsWeChatWantsIt(t *testing.T) {
	asked := make(chan *http.Request, 1)
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		io.WriteString(w, success)
	})
	if _, err := exchange(t, c); err != nil {
		t.Fatal(err)
	}
	r := <-asked
	const want = "/sns/oauth2/access_token?appid=" + appID + "&secret=" + secret + "&code=" + code +
		"&grant_type=authorization_code"
	if r.Method != http.MethodGet || r.RequestURI != want {
		t.Errorf("%s %s, want GET %s", r.Method, r.RequestURI, want)
	}
	if r.ContentLength > 0 || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" {
		t.Errorf("it carries more than it needs: %v", r.Header)
	}
}

// Whoever is sent to the callback chooses the code.
func TestExchangeCode_SendsAnOddCodeAsACode(t *testing.T) {
	for _, odd := range []string{
		"a&secret=b", "a#b", "a b+c", "%41", "?x", "a\r\nHost: evil.com", "a\x00b", "张", "=", "../../cgi-bin/token",
		`a\b`, ";",
	} {
		asked := make(chan *http.Request, 1)
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			asked <- r
			io.WriteString(w, success)
		})
		if _, err := c.ExchangeCode(t.Context(), official, odd); err != nil {
			t.Fatalf("%q: %v", odd, err)
		}
		r := <-asked
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil || len(q) != 4 || len(q["code"]) != 1 || q.Get("code") != odd || q.Get("secret") != secret {
			t.Errorf("%q became %s", odd, r.RequestURI)
		}
		if r.URL.Path != "/sns/oauth2/access_token" {
			t.Errorf("%q went to %s", odd, r.URL.Path)
		}
	}
}

func TestExchangeCode_SendsNothingThatIsNoCode(t *testing.T) {
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("WeChat was asked for %s", r.URL.Path) })
	for _, odd := range []string{"", strings.Repeat("x", maxCode+1), strings.Repeat("x", 1<<20)} {
		_, web := c.ExchangeCode(t.Context(), official, odd)
		_, mini := c.ExchangeMiniProgramCode(t.Context(), official, odd)
		_, phone := c.PhoneNumber(t.Context(), "61_token", odd)
		for _, err := range []error{web, mini, phone} {
			if !errors.Is(err, ErrNoCode) || !RefusesCode(err) {
				t.Errorf("%d bytes: got %v", len(odd), err)
			}
		}
	}
}

func TestHasScope_KnowsWholeScopesOnly(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "snsapi_base": false, "snsapi_userinfo": true, "snsapi_base,snsapi_userinfo": true,
		"snsapi_userinfo,snsapi_login": true, "snsapi_userinfo_x": false, "x_snsapi_userinfo": false,
	} {
		if got := HasScope(list, ScopeUserinfo); got != want {
			t.Errorf("%q: got %v", list, got)
		}
	}
}

func TestUserInfo_ReadsAnswersOfWeChat(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want Person
	}{
		"as documented": {
			`{"openid":"` + openID + `","nickname":"小明","sex":0,` +
				`"headimgurl":"https:\/\/thirdwx.qlogo.cn\/x\/132","privilege":[],"unionid":"oUnion"}`,
			Person{"oUnion", "小明", "https://thirdwx.qlogo.cn/x/132"},
		},
		"numbers as strings": {
			`{"openid":"` + openID + `","nickname":"a","sex":"1","headimgurl":""}`, Person{Nickname: "a"},
		},
		"empty":                  {`{"openid":"` + openID + `","nickname":"","headimgurl":""}`, Person{}},
		"raw control characters": {`{"openid":"` + openID + "\",\"nickname\":\"a\x01\nb\"}", Person{Nickname: "a  b"}},
		"an empty unionid":       {`{"openid":"` + openID + `","nickname":"a","unionid":""}`, Person{Nickname: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := saying(t, 200, "text/plain", tt.body)
			got, err := c.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"})
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	t.Run("somebody else's", func(t *testing.T) {
		c := saying(t, 200, "text/plain", `{"openid":"oOther","nickname":"a"}`)
		if _, err := c.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"}); !errors.Is(err, ErrAnswer) {
			t.Errorf("got %v, want %v", err, ErrAnswer)
		}
	})
	t.Run("an error that repeats the token", func(t *testing.T) {
		c := saying(t, 200, "application/json", `{"errcode":40001,"errmsg":"invalid credential 61_token"}`)
		_, err := c.UserInfo(t.Context(), Token{OpenID: openID, access: "61_token"})
		if err == nil || strings.Contains(err.Error(), "61_token") {
			t.Errorf("got %v", err)
		}
	})
}

func TestQRConnectURL_HasTheSameOrder(t *testing.T) {
	ask := Authorization{
		AppID: appID, RedirectURI: "https://h5.example.com/cb?a=1&b=2", Scope: "snsapi_login", State: "abc",
	}
	got := WeChatHosts().QRConnectURL(ask)
	want := strings.Replace(WeChatHosts().AuthorizeURL(ask), "/connect/oauth2/authorize?", "/connect/qrconnect?", 1)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
