package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// startNginx runs nginx, with its own defaults, in front of the site until the test ends, and returns where it listens.
func startNginx(t *testing.T, s *site) string {
	t.Helper()
	port, dir := freeport.Get(t), t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	config := write(t, "nginx.conf", fmt.Sprintf(`%[1]sdaemon off;
master_process off;
pid %[2]s/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	server {
		listen 127.0.0.1:%[3]d;
		location / {
			proxy_pass http://127.0.0.1:%[4]d;
			proxy_set_header Host $http_host;
		}
	}
}
`, user, dir, port, s.port))
	p := startProgram(t, nginx(t), "-p", dir, "-e", "stderr", "-c", config)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p.eventually("nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return fmt.Sprintf("http://%s:%d", s.host, port)
}

// nginx returns nginx's path. Debian keeps it where only root looks for programs.
func nginx(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path := filepath.Join(dir, "nginx"); isFile(path) {
			return path
		}
	}
	return program(t, "nginx")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// TestLongAddresses_PassNginx has the addresses that made nginx, or Caddy itself, refuse a browser's requests.
func TestLongAddresses_PassNginx(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", directives)
	front := startNginx(t, s)
	letters := func(n int) string { return "/" + strings.Repeat("%E5%95%86", n) }
	long := func(bytes int) string { return "/p?" + strings.Repeat("q", bytes-3) }
	wantLogin := func(t *testing.T, v *visitor, page string) {
		t.Helper()
		chain := v.follow(front + page)
		last := chain[len(chain)-1]
		if last.StatusCode != http.StatusOK || !strings.HasPrefix(last.Text, "GET "+page+" HTTP/1.") ||
			!strings.Contains(last.Text, "X-Wechat-User: "+person) {
			t.Fatalf("%.40s (%d bytes): request %d, for %.60s, has status %d: %.200s",
				page, len(page), len(chain), last.Request.URL, last.StatusCode, last.Text)
		}
	}
	// abandon begins logins and comes back from none.
	abandon := func(t *testing.T, v *visitor, pages ...string) {
		t.Helper()
		for _, page := range pages {
			if a := v.open(front + page); a.StatusCode != http.StatusFound ||
				!strings.HasPrefix(a.Header.Get("Location"), s.simURL) {
				t.Fatalf("%.40s (%d bytes): status %d", page, len(page), a.StatusCode)
			}
		}
	}
	for name, page := range map[string]string{
		"127 letters": letters(127), "1,990 bytes": long(1990), "2,000 bytes": long(2000), "1,400 bytes": long(1400),
		"512 bytes to encode twice": "/?" + strings.Repeat("&", 510), "two slashes": "//" + long(1900)[1:],
	} {
		t.Run(name, func(t *testing.T) { wantLogin(t, s.visitor(), page) })
	}
	for name, page := range map[string]string{
		"127 letters": letters(127), "1,990 bytes": long(1990),
		"short": "/orders",
	} {
		t.Run("eight abandoned: "+name, func(t *testing.T) {
			v := s.visitor()
			abandon(t, v, page, page, page, page, page, page, page, page)
			wantLogin(t, v, page)
			wantLogin(t, v, "/else")
		})
	}
	t.Run("a foreign page opens eight logins", func(t *testing.T) {
		for _, isLoggedIn := range []bool{true, false} {
			v := s.visitor()
			if isLoggedIn {
				wantLogin(t, v, "/mine")
			}
			popup := "/_wechat/login?account=official_account&return_to=" + url.QueryEscape(long(1990))
			abandon(t, v, popup, popup, popup, popup, popup, popup, popup, popup)
			wantLogin(t, v, "/mine")
			wantLogin(t, v, long(1990))
		}
	})
}
