package e2e

import (
	"strings"
	"testing"
)

func TestGate_ThatCanNeverWorkIsRefused(t *testing.T) {
	t.Parallel()
	const inFolder = "handle /app/* {\nwechat_auth {\n{account}\n}\nreverse_proxy {app}\n}\nhandle {\nrespond 404\n}"
	s := newSite(t, "http", "wechat_auth {\n{account}\n}\nreverse_proxy {app}")
	v := s.visitor()
	v.login("/page")

	file := write(t, "Caddyfile", s.caddyfile(inFolder))
	for _, command := range [][]string{
		{"validate", "--config", file, "--adapter", "caddyfile"},
		{"adapt", "--validate", "--config", file, "--adapter", "caddyfile"},
		{"run", "--config", file, "--adapter", "caddyfile"},
	} {
		out, err := run(t, s.env, command...)
		for _, part := range []string{"handle /app/*", "/_wechat/callback", "prefix /app/_wechat"} {
			if err == nil || !strings.Contains(out, part) {
				t.Errorf("%s: %v: %q is not in %s", command[0], err, part, out)
			}
		}
	}
	// A running instance goes on with what it has.
	out, err := run(t, s.env, "reload", "--config", file, "--adapter", "caddyfile", "--address", s.adminAddress())
	if err == nil {
		t.Errorf("it was loaded: %s", out)
	}
	if a := v.open("/page"); a.StatusCode != 200 {
		t.Errorf("afterwards: status %d", a.StatusCode)
	}
}
