package caddywechat

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serveSite returns what a site with these directives answers, error routes included.
func serveSite(t *testing.T, directives string) func(*http.Request) (*httptest.ResponseRecorder, error) {
	t.Helper()
	text, err := adaptSite(directives)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct{ Routes, Errors json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	routes, err := json.Marshal(config.Apps.HTTP.Servers["srv0"])
	if err != nil {
		t.Fatal(err)
	}
	whole, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(whole)
	t.Cleanup(cancel)
	module, err := ctx.LoadModuleByID("http.handlers.subroute", routes)
	if err != nil {
		t.Fatal(err)
	}
	server := caddyhttp.RouteList{{Handlers: []caddyhttp.MiddlewareHandler{module.(caddyhttp.MiddlewareHandler)}}}
	if err := server[0].ProvisionHandlers(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return func(r *http.Request) (*httptest.ResponseRecorder, error) {
		w := httptest.NewRecorder()
		end := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
		return w, server.Compile(end).ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil))
	}
}

func TestASecondGateInErrorRoutesDoesNothing(t *testing.T) {
	const gate = "wechat_auth {\n" + anAccount + "store memory\nsession {\nkey " + sessionKey + "\n}\npublic /open/*\n}\n"
	serve := serveSite(t, gate+"error /open/* 404\nerror /member/* 500\nrespond app\nhandle_errors {\n"+gate+
		`respond "{err.status_code} for {http.auth.user.id}{header.X-Wechat-User}."`+"\n}")
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/open/x": {http.StatusNotFound, "404 for ."},
		"/open":   {http.StatusUnauthorized, ""}, // the first gate's answer, no error
	} {
		r := httptest.NewRequest("GET", "http://"+host+path, nil)
		r.Header.Set("X-Wechat-User", "forged")
		w, err := serve(r)
		if err != nil || w.Code != want.status || want.body != "" && w.Body.String() != want.body {
			t.Errorf("%s: status %d, %v: %s", path, w.Code, err, w.Body)
		}
	}
}

func TestTheOnlyGateInErrorRoutesIsOne(t *testing.T) {
	serve := serveSite(t, "error 404\nhandle_errors {\nwechat_auth {\n"+anAccount+"store memory\nsession {\nkey "+sessionKey+"\n}\n}\nrespond page\n}")
	w, err := serve(httptest.NewRequest("GET", "http://"+host+"/x", nil))
	if err != nil || w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, %v: %s", w.Code, err, w.Body)
	}
}
