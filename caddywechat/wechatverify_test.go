package caddywechat

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// newVerify makes the handler of a wechat_verify directive, in front of one that answers with status 418.
func newVerify(t *testing.T, directive string) (http.Handler, *observer.ObservedLogs) {
	t.Helper()
	ctx, logs := observedContext(t, t.TempDir())
	module, err := ctx.LoadModuleByID("http.handlers.wechat_verify", adaptHandler(t, "wechat_verify", directive))
	if err != nil {
		t.Fatal(err)
	}
	v := module.(*Verify)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusTeapot)
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil), next)
	}), logs
}

func TestVerify_ServesExactlyItsFiles(t *testing.T) {
	v, _ := newVerify(t, "wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt sub/dir/WW_verify_0123456789abcdef.txt {\n"+
		"XSXXE203iJ.txt af65fa6fdd0b16f3a46c24171957f5e9\n/other.txt \"two words\"\n}")
	for path, want := range map[string]string{
		"/MP_verify_iwu2jY0FNdXA7RGa.txt":         "iwu2jY0FNdXA7RGa",
		"/sub/dir/WW_verify_0123456789abcdef.txt": "0123456789abcdef",
		"/XSXXE203iJ.txt":                         "af65fa6fdd0b16f3a46c24171957f5e9",
		"/other.txt":                              "two words",
		"/MP_verify_iwu2jY0FNdXA7RGa.txt?x=1":     "iwu2jY0FNdXA7RGa",
		"/mp_verify_iwu2jy0fndxa7rga.txt":         "",
		"/MP_verify_iwu2jY0FNdXA7RGb.txt":         "",
		"/sub/MP_verify_iwu2jY0FNdXA7RGa.txt":     "",
		"/WW_verify_0123456789abcdef.txt":         "",
		"/MP_verify_iwu2jY0FNdXA7RGa.txt/":        "",
		"//MP_verify_iwu2jY0FNdXA7RGa.txt":        "",
		"/sub/../MP_verify_iwu2jY0FNdXA7RGa.txt":  "",
		"/":                                       "",
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			w := httptest.NewRecorder()
			v.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if want == "" || method == "POST" {
				if w.Code != http.StatusTeapot {
					t.Errorf("%s %s: status %d, want it passed on", method, path, w.Code)
				}
				continue
			}
			body := want
			if method == "HEAD" {
				body = ""
			}
			if w.Code != http.StatusOK || w.Body.String() != body || w.Header().Get("Content-Type") != "text/plain" {
				t.Errorf("%s %s: status %d, %q, %v", method, path, w.Code, w.Body, w.Header())
			}
		}
	}
}

func TestVerify_Auto(t *testing.T) {
	v, logs := newVerify(t, "wechat_verify auto")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, httptest.NewRequest("GET", "/MP_verify_iwu2jY0FNdXA7RGa.txt", nil))
	if w.Body.String() != "iwu2jY0FNdXA7RGa" {
		t.Errorf("body %q", w.Body)
	}
	if logs.FilterField(zap.String("line", "wechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt")).Len() != 1 {
		t.Errorf("log: %v", logs.All())
	}
	w = httptest.NewRecorder()
	v.ServeHTTP(w, httptest.NewRequest("GET", "/MP_verify_short.txt", nil))
	if w.Code != http.StatusTeapot {
		t.Errorf("status %d", w.Code)
	}
}

func TestVerify_ComesBeforeRedirects(t *testing.T) {
	config, err := adaptSite("redir https://h5.example.com{uri}\nwechat_verify MP_verify_iwu2jY0FNdXA7RGa.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(config) || strings.Index(string(config), "wechat_verify") > strings.Index(string(config),
		"static_response") {
		t.Errorf("config: %s", config)
	}
}
