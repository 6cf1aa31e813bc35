package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestAStoreThatDoesNotAnswerIsLoggedAfterLoading(t *testing.T) {
	t.Parallel()
	directives := fmt.Sprintf(`wechat_auth {
		{account}
		session {
			key Qm9TqBvR6vXc0mJt5LzWkY2sHnA8eUfP
		}
		store redis redis://127.0.0.1:%d
	}
	reverse_proxy {app}`, freePort(t))
	s := newSite(t, "http", directives)
	s.caddy.waitFor(`"error".*the store cannot be read`) // nobody has come yet

	file := write(t, "Caddyfile", s.caddyfile(directives))
	out, err := run(t, s.env, "validate", "--config", file, "--adapter", "caddyfile")
	if err != nil || strings.Contains(out, "the store") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestGatesThatCanNeverWorkAreRefused(t *testing.T) {
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
	if out, err := run(t, s.env, "reload", "--config", file, "--adapter", "caddyfile", "--address", fmt.Sprintf("127.0.0.1:%d", s.admin)); err == nil {
		t.Errorf("it was loaded: %s", out)
	}
	if a := v.open("/page"); a.StatusCode != 200 {
		t.Errorf("afterwards: status %d", a.StatusCode)
	}
}
