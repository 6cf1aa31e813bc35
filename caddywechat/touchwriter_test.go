package caddywechat

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// lateHeaders is what a site's header directive puts around an answer that it changes while it is written.
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

// An answer of the app to which a session's cookie is added stays the site's to change, but for its place in caches.
func TestTouchWriter_KeepsHeadersThatAreSetLate(t *testing.T) {
	out := httptest.NewRecorder()
	late := lateHeaders{&caddyhttp.ResponseWriterWrapper{ResponseWriter: out}, http.Header{
		"Cache-Control":           {"max-age=600"},
		"Content-Security-Policy": {"default-src 'self'"},
		"Referrer-Policy":         {"no-referrer"},
		"X-Frame-Options":         {"DENY"},
	}}
	w := newTouchWriter(late, &http.Cookie{Name: "wechat_session", Value: "x"})
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
