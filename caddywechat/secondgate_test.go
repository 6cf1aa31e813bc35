package caddywechat

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestSecondGate_InErrorRoutesDoesNothing(t *testing.T) {
	gate := withAccount("store memory\n"+sessionKeys(sessionKey)+"\npublic /open/*") + "\n"
	serve := serveSite(t, gate+"error /open/* 404\nerror /member/* 500\nrespond app\nhandle_errors {\n"+gate+
		`respond "{err.status_code} for {http.auth.user.id}{header.X-Wechat-User}."`+"\n}")
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/open/x": {http.StatusNotFound, "404 for ."},
		"/open":   {http.StatusUnauthorized, ""}, // of the first gate, and no error
	} {
		r := httptest.NewRequest("GET", "http://"+host+path, nil)
		r.Header.Set("X-Wechat-User", "forged")
		w, err := serve(r)
		if err != nil || w.Code != want.status || want.body != "" && w.Body.String() != want.body {
			t.Errorf("%s: status %d, %v: %s", path, w.Code, err, w.Body)
		}
	}
}

func TestErrorRoutes_TheOnlyGateProtects(t *testing.T) {
	serve := serveSite(t, "error 404\nhandle_errors {\n"+
		withAccount("store memory\n"+sessionKeys(sessionKey))+"\nrespond page\n}")
	w, err := serve(httptest.NewRequest("GET", "http://"+host+"/x", nil))
	if err != nil || w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, %v: %s", w.Code, err, w.Body)
	}
}

func TestSecondGate_OnOneRequestFails(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	second := w.newHandler(officialAccount)
	logs := w.logs
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		if err := second.ServeHTTP(rw, r, nil); err == nil {
			t.Error("the second wechat_auth passed the request on")
		}
	}
	b.open("/")
	if logs.FilterMessageSnippet("two wechat_auth").Len() != 1 {
		t.Error("no log line")
	}
}
