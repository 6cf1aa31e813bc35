package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/freeport"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// startPHP runs php-fpm until the test ends and returns where it listens. The folder is one that this user owns.
func startPHP(t *testing.T) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freeport.Get(t))
	pool, args := "", []string{"--nodaemonize"}
	if os.Geteuid() == 0 {
		pool, args = "user = root\n", append(args, "--allow-to-run-as-root")
	}
	config := write(t, "php-fpm.conf", `[global]
error_log = /dev/stderr
[www]
`+pool+`listen = `+address+`
pm = static
pm.max_children = 2
`)
	p := startProgram(t, phpFPM(t), append(args, "--fpm-config", config)...)
	p.eventually("php-fpm listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return address
}

// phpFPM returns php-fpm's path. Debian has its version in the name, and keeps it where only root looks for programs.
func phpFPM(t *testing.T) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if found, err := filepath.Glob(filepath.Join(dir, "php-fpm*")); err == nil && len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return program(t, "php-fpm")
}

// phpApp returns a folder with an application in PHP: a front controller and three pages, each of which tells what PHP
// knows of the request.
func phpApp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"index.php", "public.php", "optional.php", "outside.php"} {
		text := fmt.Sprintf("<?php header('X-App: %s'); "+
			"echo json_encode($_SERVER, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES);", name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// cgi is the variables that a CGI-like app knows a request by.
type cgi map[string]any

// cgiOf reads the answer of an app that tells its variables.
func cgiOf(t *testing.T, a response) cgi {
	t.Helper()
	var vars cgi
	if err := json.Unmarshal([]byte(a.Text), &vars); err != nil {
		t.Fatalf("%s: status %d, %v: %.500s", a.Request.URL, a.StatusCode, err, a.Text)
	}
	return vars
}

// identity returns the variables that tell who is asking, but for those that are empty.
func (vars cgi) identity() map[string]any {
	found := make(map[string]any)
	for name, value := range vars {
		for _, prefix := range []string{
			"HTTP_X_WECHAT", "HTTP_X_WECOM", "HTTP_X_WX", "HTTP_REMOTE", "REMOTE_USER",
			"REMOTE_NAME",
		} {
			if strings.HasPrefix(strings.ToUpper(name), prefix) && value != "" {
				found[name] = value
			}
		}
	}
	return found
}

// madeUp returns the variables that hold what a client made up.
func (vars cgi) madeUp() []string {
	var found []string
	for name, value := range vars {
		if strings.Contains(fmt.Sprint(value), evil) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// identityInCGI is what such an app knows of the visitor by headers.
func identityInCGI() map[string]any {
	return map[string]any{
		"HTTP_X_WECHAT_USER": person, "HTTP_X_WECHAT_OPENID": person, "HTTP_X_WECHAT_APPID": simulator.DemoAppID,
		"HTTP_X_WECHAT_ACCOUNT": "official_account", "HTTP_X_WECHAT_SCOPE": "snsapi_base",
	}
}

func identityInPHP() map[string]any {
	vars := identityInCGI()
	vars["REMOTE_USER"] = person
	return vars
}

func phpDirectives(dir, address string) string {
	return `root * ` + dir + `
	@site not path /outside.php
	wechat_auth @site {
		{account}
		public /public.php
		public /news/*
		optional /optional.php
	}
	php_fastcgi ` + address + `
	file_server`
}

func TestPHP_KnowsTheUser(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", phpDirectives(phpApp(t), startPHP(t)))
	v := s.visitor()
	chain := v.follow("/orders/5?tab=2")
	last := chain[len(chain)-1]
	if len(chain) != 4 || last.Request.URL.String() != s.url("/orders/5?tab=2") {
		t.Fatalf("%d requests, the last to %s", len(chain), last.Request.URL)
	}
	vars := cgiOf(t, last)
	if vars["REQUEST_URI"] != "/orders/5?tab=2" || vars["SCRIPT_NAME"] != "/index.php" {
		t.Errorf("REQUEST_URI %s, SCRIPT_NAME %s", vars["REQUEST_URI"], vars["SCRIPT_NAME"])
	}
	if got := vars.identity(); !maps.Equal(got, identityInPHP()) {
		t.Errorf("$_SERVER holds %v", got)
	}
	if cookie := fmt.Sprint(vars["HTTP_COOKIE"]); strings.Contains(cookie, "wechat_") {
		t.Errorf("HTTP_COOKIE holds %s", cookie)
	}
	// The page itself and the folder do as well as the front controller.
	for path, script := range map[string]string{
		"/": "/index.php", "/index.php": "/index.php",
		"/index.php/a/b": "/index.php", "/optional.php": "/optional.php",
	} {
		vars := cgiOf(t, v.open(path))
		if got := vars.identity(); !maps.Equal(got, identityInPHP()) || vars["SCRIPT_NAME"] != script {
			t.Errorf("%s, SCRIPT_NAME %s: $_SERVER holds %v", path, vars["SCRIPT_NAME"], got)
		}
	}
}

func TestPHP_KnowsNobodyOnPublicPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", phpDirectives(phpApp(t), startPHP(t)))
	v := s.visitor()
	v.follow("/page")
	for path, script := range map[string]string{
		"/news/5":              "index.php",
		"/news/index.php":      "index.php",
		"/news//5":             "index.php",
		"/NEWS/5":              "index.php",
		"/public.php":          "public.php",
		"/public.php?x=/admin": "public.php",
		"/outside.php":         "outside.php",
	} {
		a := v.open(path)
		if a.StatusCode != http.StatusOK || a.Header.Get("X-App") != script {
			t.Errorf("%s: status %d from %q", path, a.StatusCode, a.Header.Get("X-App"))
			continue
		}
		if got := cgiOf(t, a).identity(); len(got) > 0 {
			t.Errorf("%s: $_SERVER holds %v", path, got)
		}
	}
}

// TestPHP_PathsThatOnlyLookPublicNeedALogin asks for scripts by what PHP calls PATH_INFO, and by what servers decode
// differently.
func TestPHP_PathsThatOnlyLookPublicNeedALogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, "http", phpDirectives(phpApp(t), startPHP(t)))
	for _, path := range []string{
		"/public.php/admin",
		"/public.php/",
		"/public.php%2Fadmin",
		"/public.php;/admin",
		"/public.php%3B",
		"/public.php%00",
		"/public.php%20",
		"/public.php%2500",
		"/public.php.",
		"/public%2Ephp",
		"/index.php/public.php",
		"/index.php/news/5",
		"/index.php/outside.php",
		"/index.php/MP_verify_0123456789abcdef.txt",
		"/index.php/x/WW_verify_0123456789abcdef.txt",
		"/index.php%2FMP_verify_0123456789abcdef.txt",
		"/MP_verify_0123456789abcdef.txt?x=1",
		"/a/MP_verify_0123456789abcdef.txt",
		"//MP_verify_0123456789abcdef.txt",
		"/MP_verify_0123456789abcdef.txt/index.php",
		"/MP_verify_0123456789abcde.txt",
		"/MP_verify_0123456789abcdef0.txt",
		"/mp_verify_0123456789abcdef.txt",
		"/news/../index.php",
		"/news/./index.php",
		"/news/..",
		"/news/%2e%2e/index.php",
		"/news/.%2E/index.php",
		"/news/..%2Findex.php",
		"/news/..%5Cindex.php",
		`/news/..\index.php`,
		"/news%2F5",
		"/outside.php/../index.php",
		"/outside.php/admin",
		"/outside.php%2F..%2Findex.php",
		"/x/../outside.php",
		"/index.php?/news/5",
		"/index.php?path=/public.php",
		"/?/public.php",
	} {
		a := s.send(head("GET "+path+" HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat, "Accept: text/html"))
		if a.StatusCode != http.StatusFound && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d from %q", path, a.StatusCode, a.Header.Get("X-App"))
		}
	}
}

func TestPHP_NeverSeesForgedHeaders(t *testing.T) {
	t.Parallel()
	dir, address := phpApp(t), startPHP(t)
	directives := phpDirectives(dir, address)
	s := newSite(t, "http", directives)
	v := s.visitor()
	v.follow("/page")
	check := func(t *testing.T) {
		for _, tc := range []struct {
			path     string
			v        *visitor
			identity map[string]any
		}{
			{"/page", v, identityInPHP()},
			{"/index.php", v, identityInPHP()},
			{"/optional.php", v, identityInPHP()},
			{"/optional.php", s.visitor(), map[string]any{}},
			{"/public.php", v, map[string]any{}},
			{"/public.php", s.visitor(), map[string]any{}},
			{"/news/5", v, map[string]any{}},
			{"/outside.php", v, map[string]any{}},
			{"/outside.php", s.visitor(), map[string]any{}},
		} {
			for _, spelling := range slices.Sorted(maps.Keys(spellings)) {
				// One copy passes where three do not: Caddy drops a header with an underscore that comes more than
				// once.
				for _, copies := range []int{1, 3} {
					vars := cgiOf(t, tc.v.open(tc.path, hostile(spellings[spelling], copies)...))
					if got := vars.madeUp(); len(got) > 0 {
						t.Errorf("%s, %s, %d copies: made up are %v", tc.path, spelling, copies, got)
					}
					if got := vars.identity(); !maps.Equal(got, tc.identity) {
						t.Errorf("%s, %s, %d copies: $_SERVER holds %v", tc.path, spelling, copies, got)
					}
				}
			}
			vars := cgiOf(t, tc.v.open(tc.path, "Authorization: Basic bWFkZS11cDp4"))
			if got := vars.identity(); !maps.Equal(got, tc.identity) {
				t.Errorf("%s, with Authorization: $_SERVER holds %v", tc.path, got)
			}
		}
	}
	t.Run("as Caddy comes", check)
	const permissive = `		expected_underscore_headers x_wechat_* x_wecom_* x_wx_* remote_user remote_name
		expected_dot_headers x.wechat.* x.wecom.* x.wx.* remote.user remote.name`
	s.withServerOptions(permissive, directives)
	t.Run("with names that Caddy lets pass", check)

	// Without wechat_auth they arrive, so the test would see them.
	s.withServerOptions(permissive, "root * "+dir+"\n\tphp_fastcgi "+address)
	for _, line := range []string{"X_Wechat_User: " + evil, "x.wechat.user: " + evil} {
		if got := cgiOf(t, s.visitor().open("/page", line)).madeUp(); !slices.Contains(got, "HTTP_X_WECHAT_USER") {
			t.Errorf("without wechat_auth %s arrives as %v", line, got)
		}
	}
}

// A rule by suffix is about the path's end only, and servers behind look at its beginning.
func TestSuffixRules_OpenNoScript(t *testing.T) {
	t.Parallel()
	dir, address := phpApp(t), startPHP(t)
	s := newSite(t, "http", `root * `+dir+`
	@css path *.css
	wechat_auth {
		{account}
		public @css
	}
	@moved path /moved/*
	rewrite @moved {http.request.orig_uri.path}
	php_fastcgi `+address)
	for _, path := range []string{
		"/index.php/a.css", "/INDEX.PHP/a.css", "/index.php%20/a.css", "/index.ph%70/a.css", "/admin%3f.css",
		"/admin%23.css", "/moved%2findex.php%3f.css",
		"/x/..%20/index.php/a.css", "/x/%e0%80%ae%e0%80%ae/a.css", "/x/..;/a.css", "/admin;.css", `/admin\.css`,
	} {
		a := s.send(head("GET "+path+" HTTP/1.1", "Host: {host}", "User-Agent: "+inWeChat, "Accept: text/html"))
		if a.StatusCode != http.StatusFound || a.Header.Get("X-App") != "" {
			t.Errorf("%s: status %d from %q", path, a.StatusCode, a.Header.Get("X-App"))
		}
	}
	for _, path := range []string{"/a.css", "//a.css", "/x/a.b.css", "/%E6%9D%8E.css"} {
		if a := s.send(head("GET "+path+" HTTP/1.1", "Host: {host}")); a.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, a.StatusCode)
		}
	}
}
