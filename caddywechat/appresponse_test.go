package caddywechat

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
)

// lateHeaders sets headers when a response is written, as a site's header directive does.
type lateHeaders struct {
	*caddyhttp.ResponseWriterWrapper
	set http.Header
}

func (w lateHeaders) WriteHeader(status int) {
	for name, values := range w.set {
		w.Header()[name] = values
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

// A site can change the headers of a response that gets the session's cookie, but not make it cacheable.
func TestAppResponse_KeepsHeadersThatAreSetLate(t *testing.T) {
	out := httptest.NewRecorder()
	late := lateHeaders{&caddyhttp.ResponseWriterWrapper{ResponseWriter: out}, http.Header{
		"Cache-Control":           {"max-age=600"},
		"Content-Security-Policy": {"default-src 'self'"},
		"Referrer-Policy":         {"no-referrer"},
		"X-Frame-Options":         {"DENY"},
	}}
	w := new(appResponse)
	w.begin(nil, late, nil, gate.Decision{Rule: new(gate.Rule)})
	w.cookie = &http.Cookie{Name: "wechat_session", Value: "x"}
	for name := range late.set {
		w.Header().Set(name, "app")
	}
	w.WriteHeader(http.StatusOK)

	want := late.set.Clone()
	want["Cache-Control"] = []string{"private, no-store"}
	for name, values := range want {
		if got := out.Header()[name]; !slices.Equal(got, values) {
			t.Errorf("%s: %q, want %q", name, got, values)
		}
	}
}
