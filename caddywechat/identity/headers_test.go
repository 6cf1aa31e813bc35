package identity

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
)

func TestHeaderNamesOfThePresetDefault(t *testing.T) {
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

func TestHeaderNamesOfAnotherKindsFieldsFollowFromTheFields(t *testing.T) {
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

func TestEveryHeaderThatTheGateSetsIsReserved(t *testing.T) {
	for _, field := range Names {
		if name := HeaderName(field); !NewReserved().Has(name) {
			t.Errorf("a client could forge %s", name)
		}
	}
}

func TestNicknameIsPercentEncoded(t *testing.T) {
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

func TestOtherValuesStayAsTheyAreUnlessAHeaderCannotCarryThem(t *testing.T) {
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
			if got := HeaderValue(field, value); got != want {
				t.Errorf("HeaderValue(%q, %q) = %q, want %q", field, value, got, want)
			}
		}
	}
}

func TestSetHeadersSetsWhatIsKnownAndNothingElse(t *testing.T) {
	h := http.Header{"Accept": {"*/*"}, "X-Wechat-Openid": {"forged", "twice"}}
	SetHeaders(h, Identity{}.
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

func TestSetHeadersOfNobodySetsNothing(t *testing.T) {
	h := http.Header{}
	SetHeaders(h, nil)
	if len(h) != 0 {
		t.Errorf("got %v", h)
	}
}
