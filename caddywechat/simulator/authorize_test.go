package simulator

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestAuthorize_RefusesWhatWeChatRefuses(t *testing.T) {
	t.Parallel()
	textScope := words["zh-CN"]["titles"]["scope"]
	pathAccount := OfficialAccount{AppID: "wx0000000000000001", Secret: DemoSecret, Domain: "wx.example.com/mp"}
	poorAccount := OfficialAccount{
		AppID: "wx0000000000000002", Secret: DemoSecret, Domain: "localhost", Scopes: []string{ScopeBase},
	}
	config := Config{Accounts: []OfficialAccount{demoAccount(), pathAccount, poorAccount}}
	strict := newHarness(t, config)
	config.Quirks = Quirks{AnyOrder: true, StateOptional: true}
	lenient := newHarness(t, config)
	config.AnyBrowser = true
	anyBrowser := newHarness(t, config)

	good := authorizeQuery(ScopeBase)
	with := replacing(t, good)
	redirectTo := func(uri string) string {
		return with(escapedCallback, url.QueryEscape(uri))
	}
	forPath := func(uri string) string {
		return strings.Replace(redirectTo(uri), DemoAppID, pathAccount.AppID, 1)
	}

	const ok = ""
	tests := []struct {
		name, query string
		want        string // text on the page; ok: a redirect
	}{
		{"good", good, ok},
		{"no query", "", "appid不能为空"},
		{"appid missing", with("appid="+DemoAppID+"&", ""), "错误码：10012"},
		{"appid empty", with(DemoAppID, ""), "错误码：10012"},
		{"appid in another case", with("appid", "appId"), "错误码：10012"},
		{"appid unknown", with(DemoAppID, "wxffffffffffffffff"), "AppID 参数错误"},
		{"appid of a website", with(DemoAppID, DemoWebsiteAppID), "错误码：10016"},
		{"redirect_uri empty", with(escapedCallback, ""), "错误码：10011"},
		{"scope empty", with(ScopeBase, ""), "错误码：10010"},
		{"state empty", with("a1B2", ""), "错误码：10013"},
		{"state missing", with("&state=a1B2", ""), "错误码：10013"},
		{"response_type missing", with("&response_type=code", ""), textScope},
		{"response_type token", with("=code", "=token"), "response_type 参数错误"},
		{
			"scope before response_type",
			with("response_type=code&scope=snsapi_base", "scope=snsapi_base&response_type=code"), textScope,
		},
		{"appid last", with("appid="+DemoAppID+"&", "") + "&appid=" + DemoAppID, textScope},
		{"forcePopup first", "forcePopup=true&" + good, textScope},
		{"options in order", good + "&forcePopup=true&forceSnapShot=true", ok},
		{"options in disorder", good + "&forceSnapShot=true&forcePopup=true", textScope},
		{"state twice", good + "&state=a", textScope},
		{"what an SDK adds", good + "&connect_redirect=1", ok},
		{
			"redirect_uri not encoded",
			with(escapedCallback, "http://localhost:8080/callback?a=1&b=2"),
			textScope,
		},
		{"scope of websites", with(ScopeBase, "snsapi_login"), textScope},
		{"two scopes", with(ScopeBase, "snsapi_base,snsapi_userinfo"), textScope},
		{
			"scope not granted", strings.Replace(authorizeQuery(ScopeUserinfo), DemoAppID, poorAccount.AppID, 1),
			"错误码：10005",
		},
		{"scope granted", with(DemoAppID, poorAccount.AppID), ok},
		{"state of 128", with("a1B2", strings.Repeat("x", 128)), ok},
		{"state of 129", with("a1B2", strings.Repeat("x", 129)), "state 参数过长"},
		{"state with a dash", with("a1B2", "a-b"), "state 参数过长"},
		{"state with a line break", with("a1B2", "a%0A"), "state 参数过长"},
		{"fragment encoded into state", good + "%23wechat_redirect", "state 参数过长"},

		{"any port", redirectTo("http://localhost:1/x"), ok},
		{"https", redirectTo("https://localhost/"), ok},
		{"this machine by address", redirectTo("http://127.0.0.1:8080/"), ok},
		{"this machine by IPv6", redirectTo("http://[::1]:8080/"), ok},
		{"another case", redirectTo("http://LocalHost/"), ok},
		{"another host", redirectTo("http://example.com/"), "错误码：10003"},
		{"a subdomain", redirectTo("http://h5.localhost/"), "错误码：10003"},
		{"the domain as user name", redirectTo("http://localhost@example.com/"), "错误码：10003"},
		{"a user name", redirectTo("http://me@localhost/"), "错误码：10003"},
		{"a backslash", redirectTo(`http://example.com\@localhost/`), "错误码：10003"},
		{"another scheme", redirectTo("javascript://localhost/%0aalert(1)"), "错误码：10003"},
		{"only a path", redirectTo("/callback"), "错误码：10003"},
		{"encoded twice", redirectTo(url.QueryEscape("http://localhost/")), "编码了两次"},
		{"encoded badly", with(escapedCallback, "%zz"), "错误码：10003"},
		{"domain with a path", forPath("https://wx.example.com/mp/callback"), ok},
		{"domain with a path, itself", forPath("https://wx.example.com/mp"), ok},
		{"beside the path", forPath("https://wx.example.com/mpx"), "错误码：10003"},
		{"above the path", forPath("https://wx.example.com/"), "错误码：10003"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := strict.get(authorizePath + "?" + test.query)
			if r.header.Get("Cache-Control") != "no-store" {
				t.Error("may be cached")
			}
			if test.want == ok {
				if r.status != http.StatusFound {
					t.Errorf("got %d %s", r.status, r.body)
				}
				return
			}
			if r.status != http.StatusOK || r.header.Get("Location") != "" {
				t.Errorf("got status %d, Location %q", r.status, r.header.Get("Location"))
			}
			if !strings.Contains(r.body, test.want) || !strings.Contains(r.body, "模拟器的说明") {
				t.Errorf("%q is not on the page: %s", test.want, r.body)
			}
		})
	}

	t.Run("the fragment of a redirect", func(t *testing.T) {
		if r := strict.get(authorizePath + "?" + good + "#wechat_redirect"); r.status != http.StatusFound {
			t.Errorf("got %d", r.status)
		}
	})
	t.Run("another browser", func(t *testing.T) {
		for h, want := range map[*harness]int{strict: http.StatusOK, anyBrowser: http.StatusFound} {
			r := h.get(authorizePath+"?"+good, "User-Agent", desktopUserAgent)
			if r.status != want || want == http.StatusOK && !strings.Contains(r.body, "请在微信客户端打开链接") {
				t.Errorf("got %d %s, want %d", r.status, r.body, want)
			}
		}
	})
	t.Run("lenient", func(t *testing.T) {
		for _, query := range []string{with("&state=a1B2", ""), "forcePopup=true&" + good} {
			if r := lenient.get(authorizePath + "?" + query); r.status != http.StatusFound {
				t.Errorf("got %d %s", r.status, r.body)
			}
		}
	})
	t.Run("POST", func(t *testing.T) {
		if r := strict.send("POST", authorizePath+"?"+good, ""); r.status != http.StatusMethodNotAllowed {
			t.Errorf("got %d", r.status)
		}
	})
}

func TestAuthorize_AppendsCodeAndStateToTheRedirectURI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for redirectURI, want := range map[string]string{
		"http://localhost/cb":               "http://localhost/cb?code=CODE&state=a1B2",
		"http://localhost":                  "http://localhost?code=CODE&state=a1B2",
		"http://localhost/cb?to=%2Fa%3Fb":   "http://localhost/cb?to=%2Fa%3Fb&code=CODE&state=a1B2",
		"http://localhost/cb#/page?x=1":     "http://localhost/cb?code=CODE&state=a1B2#/page?x=1",
		"http://localhost/cb?a=1#frag":      "http://localhost/cb?a=1&code=CODE&state=a1B2#frag",
		"http://localhost/%E4%BD%A0/../a?+": "http://localhost/%E4%BD%A0/../a?+&code=CODE&state=a1B2",
	} {
		got := h.get(authorizePath + "?" + queryTo(redirectURI)).header.Get("Location")
		got = regexp.MustCompile(`code=0[0-9A-Za-z]{31}&`).ReplaceAllString(got, "code=CODE&")
		if got != want {
			t.Errorf("%s: got %s, want %s", redirectURI, got, want)
		}
	}
}
