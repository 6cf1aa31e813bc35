package locale

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestOf_ReadsAcceptLanguageInTheVisitorsOrder(t *testing.T) {
	tests := map[string]string{
		"":                                    "zh-CN",
		"zh":                                  "zh-CN",
		"zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7": "zh-CN",
		"zh-Hans-CN":                          "zh-CN",
		"zh-Hans-HK":                          "zh-CN",
		"zh-SG":                               "zh-CN",
		"zh-TW":                               "zh-TW",
		"zh-tw":                               "zh-TW",
		"zh-HK,zh;q=0.9":                      "zh-TW",
		"zh-HK,zh-TW;q=0.9,zh;q=0.8,en":       "zh-TW",
		"zh-MO":                               "zh-TW",
		"zh-Hant":                             "zh-TW",
		"zh-Hant-HK":                          "zh-TW",
		"en":                                  "en",
		"en-GB,en;q=0.9,zh-CN;q=0.8":          "en",
		"en;q=0.5,zh-TW;q=0.9":                "zh-TW",
		"ja,en;q=0.8":                         "en",
		"fr":                                  "zh-CN",
		"ja":                                  "zh-CN",
		"*":                                   "zh-CN",
		"zh-CN;q=0,en":                        "en",
		";;;=,,":                              "zh-CN",
		"en-\x00":                             "zh-CN",
		strings.Repeat("en,", 85) + "en":      "zh-CN", // 257 bytes
		strings.Repeat("en,", 85):             "en",
	}
	for accept, want := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", accept)
		if got := Of(r); got != want {
			t.Errorf("%.40q: %s, want %s", accept, got, want)
		}
	}

	r := httptest.NewRequest("GET", "/", nil)
	if got := Of(r); got != "zh-CN" {
		t.Errorf("no header: %s", got)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("zh-CN,zh;q=0.9,en;q=0.8")
	f.Add("x-a-b,*;q=,i-klingon;q=1.0001")
	f.Fuzz(func(t *testing.T, accept string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", accept)
		if got := Of(r); !slices.Contains(Languages, got) {
			t.Errorf("%q: %q", accept, got)
		}
	})
}
