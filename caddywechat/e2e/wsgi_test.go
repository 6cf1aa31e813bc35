package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
)

// wsgiApp tells what a WSGI application knows of a request.
const wsgiApp = `
import json, sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json"), ("X-App", "wsgi")])
    request = {k: v for k, v in environ.items()
               if isinstance(v, str) and (k.startswith(("HTTP_", "REMOTE_")) or k == "PATH_INFO")}
    return [json.dumps(request).encode()]

make_server("127.0.0.1", int(sys.argv[1]), app, handler_class=Quiet).serve_forever()
`

// startWSGI runs the application until the test ends and returns its address.
func startWSGI(t *testing.T) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freeport.Get(t))
	p := startProgram(t, program(t, "python3"), write(t, "app.py", wsgiApp), address[len("127.0.0.1:"):])
	p.answers("http://" + address + "/")
	return address
}

func TestWSGI_NeverSeesForgedHeaders(t *testing.T) {
	t.Parallel()
	address := startWSGI(t)
	directives := `@site not path /outside/*
	wechat_auth @site {
		{account}
		headers default remote_user
		public /public/*
		optional /optional/*
	}
	reverse_proxy ` + address
	s := newSite(t, "http", directives)
	v := s.visitor()
	v.follow("/page")
	known := identityInCGI()
	known["HTTP_REMOTE_USER"] = person
	nobody := map[string]any{}
	identityOf := func(a response) map[string]any {
		vars := cgiOf(t, a)
		// The process may stand in an environment with a REMOTE_USER or REMOTE_HOST of its own.
		delete(vars, "REMOTE_USER")
		return vars.identity()
	}
	check := func(t *testing.T) {
		for _, tc := range []struct {
			path     string
			v        *visitor
			identity map[string]any
		}{
			{"/page", v, known},
			{"/optional/x", v, known},
			{"/optional/x", s.visitor(), nobody},
			{"/public/x", v, nobody},
			{"/public/x", s.visitor(), nobody},
			{"/outside/x", v, nobody},
			{"/outside/x", s.visitor(), nobody},
		} {
			for _, spelling := range slices.Sorted(maps.Keys(spellings)) {
				for _, copies := range []int{1, 3} {
					a := tc.v.open(tc.path, hostile(spellings[spelling], copies)...)
					if got := cgiOf(t, a).madeUp(); a.StatusCode != http.StatusOK || len(got) > 0 {
						t.Errorf("%s, %s, %d copies: status %d, made up are %v", tc.path, spelling, copies,
							a.StatusCode, got)
					}
					if got := identityOf(a); !maps.Equal(got, tc.identity) {
						t.Errorf("%s, %s, %d copies: environ holds %v", tc.path, spelling, copies, got)
					}
				}
			}
		}
	}
	t.Run("as Caddy comes", check)
	s.withServerOptions("\t\texpected_underscore_headers x_wechat_* x_wecom_* x_wx_* remote_user remote_name",
		directives)
	t.Run("with names that Caddy lets pass", check)

	// The server folds names: without Caddy in front both of these are one variable, so the test would see them.
	a := s.visitor().open("http://"+address+"/", "X-Wechat-User: "+person, "X_Wechat_User: "+evil)
	if got := cgiOf(t, a).madeUp(); !slices.Contains(got, "HTTP_X_WECHAT_USER") {
		t.Errorf("without Caddy: %v", got)
	}
}
