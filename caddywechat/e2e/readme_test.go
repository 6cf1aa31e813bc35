package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newReadmeSite starts the site of the README's example that holds a text, with a simulated WeChat and one app.
func newReadmeSite(t *testing.T, text string) *site {
	t.Helper()
	for name, example := range caddyfiles(t) {
		if !strings.HasPrefix(name, root+"README.md") || !strings.Contains(example, text) {
			continue
		}
		example = strings.TrimSuffix(strings.TrimPrefix(example, host+" {\n"), "}\n")
		example = regexp.MustCompile(`official_account .*`).ReplaceAllLiteralString(example, "{account}")
		return newSite(t, "http", regexp.MustCompile(`localhost:\d+`).ReplaceAllLiteralString(example, "{app}"))
	}
	t.Fatalf("README.md has no example with %s", text)
	return nil
}

func TestReadme_GateForAFolderWorks(t *testing.T) {
	t.Parallel()
	s := newReadmeSite(t, "handle /app/*")
	v := s.visitor()
	chain := v.follow("/app/orders?id=7")
	last := chain[len(chain)-1]
	if last.StatusCode != http.StatusOK || !strings.Contains(last.Text, "X-Wechat-User: "+person) {
		t.Errorf("status %d: %s", last.StatusCode, last.Text)
	}
	for _, path := range []string{"/", "/other", "/app"} {
		a := v.open(path, "X-Wechat-User: "+evil)
		if a.StatusCode != http.StatusOK || strings.Contains(a.Text, "X-Wechat-") {
			t.Errorf("%s: status %d, the app got %s", path, a.StatusCode, a.Text)
		}
	}
	if a := s.visitor().request("GET", "/app/orders", "", "Accept: */*"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger's fetch: status %d", a.StatusCode)
	}
}

func TestReadme_KeepsPersonalPagesOutOfCaches(t *testing.T) {
	t.Parallel()
	s := newReadmeSite(t, "?Cache-Control")
	v := s.visitor()
	if a := v.open("/orders"); a.StatusCode != http.StatusFound || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the way to WeChat: status %d, Cache-Control %q", a.StatusCode, a.Header.Values("Cache-Control"))
	}
	v.login("/orders")
	for path, want := range map[string]string{
		"/orders": "private, no-cache", "/assets/app.js": "", "/_wechat/me": "no-store",
	} {
		a := v.open(path)
		if got := a.Header.Get("Cache-Control"); a.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: status %d, Cache-Control %q, want %q", path, a.StatusCode, got, want)
		}
	}
}

// TestReload_WithForceReadsASecretAgain: only with --force, where nothing else changed.
func TestReload_WithForceReadsASecretAgain(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(strings.Repeat("0f", 16))
	s := newSite(t, "http", "wechat_auth {\n\t\t{account}\n\t}\n\treverse_proxy {app}")
	text := strings.ReplaceAll(read(t, s.config), "{env.WECHAT_APP_SECRET}", "{file."+secret+"}")
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.restart()
	status := func() int {
		chain := s.visitor().follow("/orders")
		return chain[len(chain)-1].StatusCode
	}
	reload := func(flags ...string) {
		t.Helper()
		arguments := append([]string{"reload", "--config", s.config, "--adapter", "caddyfile"}, flags...)
		if out, err := run(t, s.env, arguments...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if got := status(); got == http.StatusOK {
		t.Fatal("WeChat takes a wrong secret")
	}
	put(simulator.DemoSecret)
	reload()
	if got := status(); got == http.StatusOK {
		t.Error("a reload without --force reads the file again: the README says that it does not")
	}
	reload("--force")
	if got := status(); got != http.StatusOK {
		t.Errorf("after a reload with --force: status %d", got)
	}
}
