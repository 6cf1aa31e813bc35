package identity

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

var defaults, _ = NewHeaders(nil, nil)

func TestHeaderName_IsOfThePresetDefault(t *testing.T) {
	names := map[string]string{
		ID:             "X-Wechat-User",
		Account:        "X-Wechat-Account",
		AppID:          "X-Wechat-Appid",
		OpenID:         "X-Wechat-Openid",
		UnionID:        "X-Wechat-Unionid",
		Scope:          "X-Wechat-Scope",
		Nickname:       "X-Wechat-Nickname",
		Avatar:         "X-Wechat-Avatar",
		Snapshot:       "X-Wechat-Snapshot",
		UserID:         "X-Wecom-Userid",
		ExternalUserID: "X-Wecom-External-Userid",
		Departments:    "X-Wecom-Departments",
	}
	for _, field := range Names {
		if got := HeaderName(field); got != names[field] {
			t.Errorf("HeaderName(%q) = %q, want %q", field, got, names[field])
		}
	}
	if len(names) != len(Names) {
		t.Errorf("there are %d names, and %d are in this table", len(Names), len(names))
	}
}

func TestHeaderName_FollowsFromAnotherKindsField(t *testing.T) {
	for field, want := range map[string]string{
		"badge":       "X-Wechat-Badge",
		"employee_no": "X-Wechat-Employee-No",
		"level2":      "X-Wechat-Level2",
		"a_b_c":       "X-Wechat-A-B-C",
	} {
		got := HeaderName(field)
		if got != want {
			t.Errorf("HeaderName(%q) = %q, want %q", field, got, want)
		}
		if canonical := http.CanonicalHeaderKey(got); got != canonical {
			t.Errorf("HeaderName(%q) = %q is not canonical: Header.Get would not find it", field, got)
		}
		if !NewReserved().Has(got) {
			t.Errorf("a client could forge %s", got)
		}
	}
}

func TestReserved_HasEveryHeaderThatTheGateSets(t *testing.T) {
	for _, field := range Names {
		if name := HeaderName(field); !NewReserved().Has(name) {
			t.Errorf("a client could forge %s", name)
		}
	}
}

func TestSetHeaders_PercentEncodesNicknames(t *testing.T) {
	for nickname, want := range map[string]string{
		"Anna":            "Anna",
		"a-b.c_d~9":       "a-b.c_d~9",
		"张三":              "%E5%BC%A0%E4%B8%89",
		"😀":               "%F0%9F%98%80",
		"Anna Li":         "Anna%20Li",
		"{env.PATH}":      "%7Benv.PATH%7D",
		"{file./etc/x}":   "%7Bfile.%2Fetc%2Fx%7D",
		"a\r\nX-Admin: 1": "a%0D%0AX-Admin%3A%201",
		"a\x00b\tc\x7f":   "a%00b%09c%7F",
		"100%":            "100%25",
		"%E5":             "%25E5",
		"a+b":             "a%2Bb",
		"</script>\"',;":  "%3C%2Fscript%3E%22%27%2C%3B",
		"\xff\xfe":        "%FF%FE",
		"%n%s":            "%25n%25s",
	} {
		got := HeaderValue(Nickname, nickname)
		if got != want {
			t.Errorf("HeaderValue of nickname %q = %q, want %q", nickname, got, want)
		}
		if decoded, err := url.PathUnescape(got); err != nil || decoded != nickname {
			t.Errorf("%q decodes to %q, %v, want %q", got, decoded, err, nickname)
		}
	}
}

func TestSetHeaders_EncodesOtherValuesOnlyIfItMust(t *testing.T) {
	for value, want := range map[string]string{
		"oABC-def_0123456789abcdefghij":          "oABC-def_0123456789abcdefghij",
		"snsapi_base,snsapi_userinfo":            "snsapi_base,snsapi_userinfo",
		"https://thirdwx.qlogo.cn/m/vi_32/a/132": "https://thirdwx.qlogo.cn/m/vi_32/a/132",
		"external:wmAAA":                         "external:wmAAA",
		"ww1:zhang.san@corp":                     "ww1:zhang.san@corp",
		"1,2":                                    "1,2",
		"张三":                                     "%E5%BC%A0%E4%B8%89",
		"a b":                                    "a%20b",
		"a\r\nX-Admin: 1":                        "a%0D%0AX-Admin%3A%201",
		"a\x7f":                                  "a%7F",
		"{env.PATH}":                             "{env.PATH}",
		"https://thirdwx.qlogo.cn/a?b=%E5&c=\"d'": "https://thirdwx.qlogo.cn/a?b=%E5&c=\"d'",
	} {
		for _, field := range []string{ID, OpenID, Avatar, Departments, "badge"} {
			want := want
			if field == Avatar {
				want = strings.ReplaceAll(want, "%3A", ":") // of an URL only what is not visible ASCII
			}
			if got := HeaderValue(field, value); got != want {
				t.Errorf("HeaderValue(%q, %q) = %q, want %q", field, value, got, want)
			}
		}
	}
}

func TestSetHeaders_SetsWhatIsKnownAndNothingElse(t *testing.T) {
	h := http.Header{"Accept": {"*/*"}, "X-Wechat-Openid": {"forged", "twice"}}
	defaults.Set(h, Identity{}.
		With(Account, "official_account").
		With(AppID, "wx0123456789abcdef").
		With(OpenID, "o1").
		With(Nickname, "张").
		With("employee_no", "7").
		With(ID, "o1"))
	want := http.Header{
		"Accept":               {"*/*"},
		"X-Wechat-Account":     {"official_account"},
		"X-Wechat-Appid":       {"wx0123456789abcdef"},
		"X-Wechat-Openid":      {"o1"},
		"X-Wechat-Nickname":    {"%E5%BC%A0"},
		"X-Wechat-Employee-No": {"7"},
		"X-Wechat-User":        {"o1"},
	}
	if !maps.EqualFunc(h, want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
		t.Errorf("got %v, want %v", h, want)
	}
}

func TestSetHeaders_SetsNothingForNobody(t *testing.T) {
	h := http.Header{}
	defaults.Set(h, nil)
	if len(h) != 0 {
		t.Errorf("got %v", h)
	}
}

func TestNewHeaders_KnowsThePresets(t *testing.T) {
	id := Identity{}.With(ID, "u").With(Account, "official_account").With(AppID, "wx1").With(OpenID, "o1").
		With(UnionID, "n1").With(Nickname, "小 a")
	for name, tt := range map[string]struct {
		presets []string
		named   []Header
		want    map[string]string
	}{
		"none": {[]string{"none"}, nil, nil},
		"remote_user": {[]string{"remote_user"}, nil, map[string]string{
			"Remote-User": "u", "Remote-Name": "%E5%B0%8F%20a",
		}},
		"wxcloud": {[]string{"wxcloud"}, nil, map[string]string{
			"X-Wx-Openid": "o1", "X-Wx-Unionid": "n1", "X-Wx-Appid": "wx1", "X-Wx-Source": "wx_client",
		}},
		"named": {
			[]string{"none"},
			[]Header{{OpenID, "x-my-openid"}, {Avatar, "X-My-Avatar"}, {OpenID, "X_Again"}},
			map[string]string{"X-My-Openid": "o1", "X_again": "o1"},
		},
		"several": {[]string{"default", "remote_user"}, []Header{{OpenID, "X-Openid"}}, map[string]string{
			"X-Wechat-User": "u", "X-Wechat-Account": "official_account", "X-Wechat-Appid": "wx1",
			"X-Wechat-Openid": "o1", "X-Wechat-Unionid": "n1", "X-Wechat-Nickname": "%E5%B0%8F%20a",
			"Remote-User": "u", "Remote-Name": "%E5%B0%8F%20a", "X-Openid": "o1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			headers, err := NewHeaders(tt.presets, tt.named)
			if err != nil {
				t.Fatal(err)
			}
			got := http.Header{}
			headers.Set(got, id)
			want := http.Header{}
			for name, value := range tt.want {
				want[name] = []string{value}
			}
			if !maps.EqualFunc(got, want, func(a, b []string) bool { return a[0] == b[0] }) {
				t.Errorf("got %v, want %v", got, want)
			}
			nobody := http.Header{}
			headers.Set(nobody, nil)
			if len(nobody) != 0 {
				t.Errorf("for nobody: %v", nobody)
			}
			reserved := headers.Reserved()
			for name := range got {
				if !reserved.Has(name) {
					t.Errorf("a client could forge %s", name)
				}
			}
		})
	}
}

func TestNewHeaders_RefusesHeadersThatCannotBe(t *testing.T) {
	for name, tt := range map[string]struct {
		presets []string
		named   []Header
	}{
		"unknown preset":          {[]string{"nginx"}, nil},
		"preset twice":            {[]string{"default", "default"}, nil},
		"none and another":        {[]string{"none", "default"}, nil},
		"unknown field":           {[]string{"none"}, []Header{{"phone", "X-Phone"}}},
		"HTTP's own":              {[]string{"none"}, []Header{{OpenID, "Host"}}},
		"HTTP's own, folded":      {[]string{"none"}, []Header{{OpenID, "content_length"}}},
		"an answer's":             {[]string{"none"}, []Header{{OpenID, "Location"}}},
		"of tracing":              {[]string{"none"}, []Header{{OpenID, "traceparent"}}},
		"of a range's request":    {[]string{"none"}, []Header{{OpenID, "If_Range"}}},
		"a proxy's":               {[]string{"none"}, []Header{{OpenID, "X-Forwarded-User"}}},
		"no name":                 {[]string{"none"}, []Header{{OpenID, "X Y"}}},
		"empty name":              {[]string{"none"}, []Header{{OpenID, ""}}},
		"two that fold together":  {[]string{"none"}, []Header{{OpenID, "X-Me"}, {ID, "x_me"}}},
		"folds to a preset's":     {[]string{"remote_user"}, []Header{{OpenID, "REMOTE_USER"}}},
		"in the default's domain": {nil, []Header{{OpenID, "X-Wechat-Me"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewHeaders(tt.presets, tt.named); err == nil {
				t.Error("it was accepted")
			} else {
				t.Log(err)
			}
		})
	}
}
