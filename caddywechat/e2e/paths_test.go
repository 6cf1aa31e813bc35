package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRewrites_ChangeTheAppsPathAndNoRule puts what rewrites URLs before and after wechat_auth. Rules and return
// addresses are about the URL that the visitor sees; the app gets what the site makes of it.
func TestRewrites_ChangeTheAppsPathAndNoRule(t *testing.T) {
	t.Parallel()
	app := newModernApp(t)
	gate := `wechat_auth {
		{account}
		public /public/*
		public /api/public/*
	}`
	proxy := "\n\treverse_proxy " + app.Listener.Addr().String()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "public"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "public", "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	type request struct {
		path   string
		status int
		app    string // what the app gets
	}
	const login = http.StatusFound
	for _, tc := range []struct {
		name       string
		directives string
		requests   []request
	}{
		{
			"handle_path after it",
			gate + "\n\thandle_path /api/* {" + proxy + "\n\t}" + "\n\thandle {" + proxy + "\n\t}",
			[]request{
				{"/api/public/x", 200, "/public/x"},
				{"/api/x", login, ""},
				{"/public/x", 200, "/public/x"},
				{"/public/../api/x", login, ""},
				{"/api/public/../x", login, ""},
				{"/api/public/%2e%2e/x", login, ""},
				{"/api/public%2f..%2fx", login, ""},
				{"/api/public/x;y", login, ""},
				{`/api/public\x`, login, ""},
				{"/api//public/x", 200, "/public/x"}, // handle_path reads // as /
				{"/api%2Fpublic/x", login, ""},
			},
		},
		{"strip_prefix before it", "route {\n\turi strip_prefix /x\n\t" + gate + proxy + "\n\t}", []request{
			{"/x/public/y", login, ""},
			{"/public/y", 200, "/public/y"},
			{"/x/api/public/y", login, ""},
			{"/api/public/y", 200, "/api/public/y"},
			{"/x/_wechat/me", login, ""},
			{"/public/y;z", login, ""},
		}},
		{"handle_path around it", "handle_path /api/* {\n\t" + strings.Replace(gate, "{account}",
			"{account}\n\t\tprefix /api/_wechat", 1) + proxy + "\n\t}\n\thandle {\n\trespond outside\n\t}", []request{
			{"/api/public/y", 200, "/public/y"},
			{"/api/y", login, ""},
			{"/api/../public/y", 200, ""}, // not the block's
			{"/api/api/public/y", login, ""},
		}},
		{"rewrite before it", "route {\n\trewrite /old/* /public/{path}\n\trewrite /open /private\n\t" + gate + proxy +
			"\n\t}", []request{
			{"/old/y", login, ""},
			{"/open", login, ""},
			{"/public/y", 200, "/public/y"},
		}},
		{
			"rewrite after it",
			gate + "\n\trewrite /public/old /private/new?a=b\n\trewrite /private/* /public/x" + proxy,
			[]request{
				{"/public/old", 200, "/private/new?a=b"}, // Caddy applies the first of its rewrites that matches
				{"/private/y", login, ""},
				{"/public/y?q=1", 200, "/public/y?q=1"},
			},
		},
		{
			"try_files after it", "root * " + root + "\n\t" + gate + "\n\ttry_files {path} /public/index.html" + proxy,
			[]request{
				{"/private", login, ""},
				{"/_wechat/nothing", 404, ""},
				{"/public/y", 200, "/public/index.html"},
			},
		},
		{"uri replace before it", "route {\n\turi replace /private /public\n\t" + gate + proxy + "\n\t}", []request{
			{"/private/y", login, ""},
			{"/public/y", 200, "/public/y"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "http", tc.directives)
			for _, r := range tc.requests {
				a := s.send(head("GET "+r.path+" HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat,
					"Accept: text/html"))
				_, uri, _ := strings.Cut(a.Header.Get("X-App-Got"), " ")
				uri, _, _ = strings.Cut(uri, " ")
				if a.StatusCode != r.status || uri != r.app {
					t.Errorf("%s: status %d, the app got %q; want %d, %q", r.path, a.StatusCode, uri, r.status, r.app)
				}
			}
		})
	}
}

func TestLogin_WorksInsideHandlePath(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", `handle_path /app/* {
		wechat_auth {
			{account}
			prefix /app/_wechat
		}
		reverse_proxy {app}
	}
	handle {
		respond 404
	}`)
	v := s.visitor()
	v.login("/app/orders?id=5")
	if a := v.open("/app/orders?id=5"); !strings.HasPrefix(a.Text, "GET /orders?id=5 HTTP/1.1") {
		t.Errorf("the app got %.60q", a.Text)
	}
	if a := v.open("/_wechat/me"); a.StatusCode != http.StatusNotFound {
		t.Errorf("outside the block: status %d", a.StatusCode)
	}
}

// TestRules_MatchTheReceivedURL has matchers beside path, after something else rewrote the URL.
func TestRules_MatchTheReceivedURL(t *testing.T) {
	t.Parallel()
	for name, matcher := range map[string]string{
		"path":                 "path /public/*",
		"path_regexp":          "path_regexp ^/public/",
		"expression path()":    "expression path('/public/*')",
		"expression {path}":    "expression {path}.startsWith('/public/')",
		"expression {uri}":     "expression {uri}.startsWith('/public/')",
		"vars":                 "vars {http.request.uri.path} /public/y",
		"query":                "query public=1",
		"expression {query.x}": "expression {query.public}=='1'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "http", `@open `+matcher+`
	route {
		rewrite /private /public/y?public=1
		wechat_auth {
			{account}
			public @open
		}
		reverse_proxy {app}
	}`)
			if a := s.visitor().open("/private"); a.StatusCode != http.StatusFound {
				t.Errorf("a page that is public only after a rewrite: status %d", a.StatusCode)
			}
			if a := s.visitor().open("/public/y?public=1"); a.StatusCode != http.StatusOK {
				t.Errorf("a public page: status %d", a.StatusCode)
			}
		})
	}
}

func TestTwoGates_OnOneRequestLetNothingThrough(t *testing.T) {
	t.Parallel()
	app := newRawApp(t)
	for name, tc := range map[string]struct {
		directives string
		statuses   map[string]int
	}{
		"where only a request tells": {`@vip query vip=1
	wechat_auth {
		{account}
		public /public/*
		optional /optional/*
	}
	handle @vip {
		wechat_auth {
			{account}
			public *
		}
		reverse_proxy ` + app.address + `
	}
	handle {
		reverse_proxy ` + app.address + `
	}`, map[string]int{"/public/x": 200, "/public/x?vip=1": 500, "/page?vip=1": 302}},
		"one for each block": {`handle /a/* {
		wechat_auth {
			{account}
			prefix /a/_wechat
			public /a/public/*
		}
		reverse_proxy ` + app.address + `
	}
	handle {
		wechat_auth {
			{account}
			public /public/*
		}
		reverse_proxy ` + app.address + `
	}`, map[string]int{"/a/public/x": 200, "/public/x": 200, "/a/x": 302, "/x": 302}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "http", tc.directives)
			for path, status := range tc.statuses {
				a := s.visitor().open(path)
				if a.StatusCode != status {
					t.Errorf("%s: status %d, want %d", path, a.StatusCode, status)
				}
				if status == http.StatusInternalServerError {
					if a.Header.Get("X-App") != "" {
						t.Errorf("%s reached the app", path)
					}
					s.caddy.waitFor("two wechat_auth are on the way of one request")
				}
			}
		})
	}
}
