package simulator

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLanguageOf(t *testing.T) {
	for _, test := range []struct{ path, accept, want string }{
		{"/", "", "zh-CN"},
		{"/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"/", "zh-Hans-HK", "zh-CN"},
		{"/", "zh-TW", "zh-TW"},
		{"/", "zh-HK,zh;q=0.9", "zh-TW"},
		{"/", "zh-Hant", "zh-TW"},
		{"/", "en-GB,en;q=0.9,zh-CN;q=0.8", "en"},
		{"/", "ja,en;q=0.8", "en"},
		{"/", "fr", "zh-CN"},
		{"/", ";;;=,,", "zh-CN"},
		{"/", strings.Repeat("en,", 85) + "en", "zh-CN"}, // 257 bytes
		{qrConnectPath + "?lang=en", "zh-TW", "en"},
		{qrConnectPath + "?lang=cn", "en", "zh-CN"},
		{qrConnectPath + "?lang=fr", "zh-TW", "zh-TW"},
		{authorizePath + "?lang=en", "zh-TW", "zh-TW"},
	} {
		r := httptest.NewRequest("GET", test.path, nil)
		r.Header.Set("Accept-Language", test.accept)
		if got := languageOf(r); got != test.want {
			t.Errorf("%s, %.40q: %s, want %s", test.path, test.accept, got, test.want)
		}
	}
}
