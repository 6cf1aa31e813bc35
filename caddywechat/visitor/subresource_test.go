package visitor

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestIsSubresource(t *testing.T) {
	for headers, want := range map[string]bool{
		"":                     false,
		"Accept: */*":          false,
		"Accept: text/html":    false,
		"Sec-Fetch-Mode: cors": true,
		"Sec-Fetch-Mode: no-cors, Sec-Fetch-Dest: image":       true,
		"Sec-Fetch-Mode: websocket, Sec-Fetch-Dest: websocket": true,
		"Sec-Fetch-Dest: image":                                true,
		"Sec-Fetch-Dest: empty":                                true,
		"Sec-Fetch-Dest: document":                             false,
		"Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: document":   false,
		"Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: iframe":     false,
		// By a service worker.
		"Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: empty":                                  false,
		"Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: document, Sec-Purpose: prefetch":        true,
		"Sec-Fetch-Mode: navigate, Sec-Fetch-Dest: document, Sec-Purpose: prefetch;x":      true,
		"Accept: text/html, X-Requested-With: xmlhttprequest":                              true,
		"Accept: text/html, X-Requested-With: com.tencent.mm":                              false,
		"Accept: text/html, X-Requested-With: XMLHttpRequest, Sec-Fetch-Mode: same-origin": true,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		for header := range strings.SplitSeq(headers, ", ") {
			if name, value, ok := strings.Cut(header, ": "); ok {
				r.Header.Set(name, value)
			}
		}
		if got := IsSubresource(r); got != want {
			t.Errorf("%s: %v", headers, got)
		}
		if want && IsNavigation(r) {
			t.Errorf("%s: both", headers)
		}
	}
}

func TestIsCrawler(t *testing.T) {
	for agent, want := range map[string]bool{
		"Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)": true,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":            true,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/132.0.0.0 Safari/537.36":   false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) MicroMessenger/8.0.59":      false,
		"": false,
	} {
		if got := IsCrawler(agent); got != want {
			t.Errorf("%s: %v", agent, got)
		}
	}
}
