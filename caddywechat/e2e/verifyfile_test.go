package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A verification file is asked for by somebody who is not logged in: none of these may show a page that needs a login.
func TestVerifyFile_OpensNothingElse(t *testing.T) {
	t.Parallel()
	dir := phpApp(t)
	file := filepath.Join(dir, "MP_verify_iwu2jY0FNdXA7RGa.txt")
	if err := os.WriteFile(file, []byte("iwu2jY0FNdXA7RGa"), 0o600); err != nil {
		t.Fatal(err)
	}
	php := startPHP(t)
	for name, directives := range map[string]string{
		"php_fastcgi":   "root * " + dir + "\nwechat_auth {\n{account}\n}\nphp_fastcgi " + php + "\nfile_server",
		"try_files":     "root * " + dir + "\nwechat_auth {\n{account}\n}\ntry_files {path} /index.php\nfile_server",
		"rewrite":       "wechat_auth {\n{account}\n}\nrewrite * /orders\nreverse_proxy {app}",
		"reverse_proxy": "wechat_auth {\n{account}\n}\nreverse_proxy {app}",
		"a root that a placeholder names": "map {path} {folder} {\ndefault " + dir + "\n}\nroot * {folder}\n" +
			"wechat_auth {\n{account}\n}\nfile_server",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "http", directives)
			for _, path := range []string{
				"/MP_verify_0123456789abcdef.txt", "/orders/MP_verify_0123456789abcdef.txt",
				"/WW_verify_0123456789abcdef.txt", "/index.php/MP_verify_0123456789abcdef.txt",
			} {
				for what, lines := range map[string][]string{
					"as it is": nil,
					"with a WebSocket": {
						"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
						"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
					},
				} {
					a := s.send(head(append([]string{"GET " + path + " HTTP/1.1", "Host: {host}"}, lines...)...))
					if a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusUnauthorized ||
						a.Header.Get("X-App") != "" || strings.Contains(a.Text, "HTTP/1.1") {
						t.Errorf("%s %s: status %d from %q: %.200s", path, what, a.StatusCode, a.Header.Get("X-App"),
							a.Text)
					}
				}
			}
			if strings.Contains(directives, "root") {
				a := s.send(head("GET /MP_verify_iwu2jY0FNdXA7RGa.txt HTTP/1.1", "Host: {host}"))
				if a.StatusCode != http.StatusOK || a.Text != "iwu2jY0FNdXA7RGa" {
					t.Errorf("the file that is there: status %d: %.100s", a.StatusCode, a.Text)
				}
			}
		})
	}
}
