package simulator

import (
	"net/http/httptest"
	"testing"
)

func TestLanguageOf_LetsTheAppChooseOnQRPages(t *testing.T) {
	for _, test := range []struct{ path, accept, want string }{
		{"/", "zh-TW", "zh-TW"},
		{"/?lang=en", "zh-TW", "zh-TW"},
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
