package caddywechat

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// asReceived gives the request the URL that the client sent, and returns what gives it back the one it has. A site may
// rewrite URLs in front of the handler (handle_path does); rules, own addresses and return addresses are about what the
// visitor sees. It is the request itself that changes, so that matchers by placeholder see the same as others.
func asReceived(r *http.Request) (restore func()) {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || *original.URL == *r.URL && original.RequestURI == r.RequestURI {
		return func() {}
	}
	url, uri := *r.URL, r.RequestURI
	*r.URL, r.RequestURI = *original.URL, original.RequestURI
	return func() { *r.URL, r.RequestURI = url, uri }
}
