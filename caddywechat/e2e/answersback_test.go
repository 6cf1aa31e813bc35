package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an app says to the gate passes through a rewrite, FastCGI and encode, and none of it gets out.
func TestAppAnswersBack_ThroughWhatStandsBetween(t *testing.T) {
	t.Parallel()
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-App", "1")
		if r.Header.Get("X-Wechat-User") == "" {
			w.Header().Set("X-Wechat-Login", "required")
		}
		if r.URL.Path == "/app/bye" {
			w.Header().Set("X-Wechat-Logout", "1")
		}
		fmt.Fprint(w, "app ", r.Header.Get("X-Wechat-User"), strings.Repeat(" long", 1000))
	}))
	t.Cleanup(proxied.Close)
	php := t.TempDir()
	script := `<?php header('X-App: 1');
		if (empty($_SERVER['HTTP_X_WECHAT_USER'])) header('X-Wechat-Login: required');
		if ($_SERVER['REQUEST_URI'] == '/bye') header('X-Wechat-Logout: 1');
		echo 'app ', $_SERVER['HTTP_X_WECHAT_USER'] ?? '', str_repeat(' long', 1000);`
	if err := os.WriteFile(filepath.Join(php, "index.php"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	const gate = "header X-Site 1\nencode gzip\nwechat_auth {\n{account}\noptional *\n}\n"
	for name, app := range map[string]string{
		"a proxy":  "rewrite * /app{uri}\nreverse_proxy " + proxied.Listener.Addr().String(),
		"php":      "root * " + php + "\nphp_fastcgi " + startPHP(t),
		"a stream": "reverse_proxy " + proxied.Listener.Addr().String() + " {\nflush_interval -1\n}",
	} {
		s := newSite(t, "https", gate+app)
		v := s.visitor()
		a := v.open("/orders?id=7", "Accept-Encoding: gzip")
		if a.StatusCode != http.StatusFound || a.Header.Get("X-App") != "" || a.Header.Get("Content-Encoding") != "" ||
			!strings.HasPrefix(a.Header.Get("Location"), s.simURL) || a.Header.Get("X-Site") != "1" {
			t.Errorf("%s: status %d, %v", name, a.StatusCode, a.Header)
		}
		chain := v.follow("/orders?id=7")
		last := chain[len(chain)-1]
		if last.Request.URL.String() != s.url("/orders?id=7") || !strings.HasPrefix(last.Text, "app "+person) {
			t.Errorf("%s: ended at %s with %.100s", name, last.Request.URL, last.Text)
		}
		a = v.open("/bye")
		for _, header := range []string{"X-Wechat-Login", "X-Wechat-Logout"} {
			if a.Header.Get(header) != "" {
				t.Errorf("%s: %s gets out", name, header)
			}
		}
		if name == "a stream" { // which knows no /app
			continue
		}
		if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: a logout has status %d, %v", name, a.StatusCode, a.Header)
		}
		if a := v.request("GET", "/_wechat/me", ""); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: after the logout me has status %d", name, a.StatusCode)
		}
	}
}
