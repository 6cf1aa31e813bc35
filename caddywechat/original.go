package caddywechat

import (
	"net/http"
	"regexp"
	"strings"

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

// hasPath reports whether a request is for a path, and not for something else that a request line can hold: CONNECT's
// authority, the * of OPTIONS, an URL without slashes (x:admin/secret). A proxy might make a path of these that no rule saw.
func hasPath(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/") && r.URL.Opaque == "" }

// target returns path and query as the client wrote them. It begins with a slash.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // a request line with a whole URL in it
}

// isAmbiguous reports whether servers disagree on what a path means: one may decode what another leaves encoded, or decode
// it sloppily, cut what follows a semicolon, or resolve dots. No rule may open such a path.
func isAmbiguous(r *http.Request) bool {
	rawPath, _, _ := strings.Cut(target(r), "?")
	if isPlain(rawPath) && isPlain(r.URL.Path) && isPlain(r.URL.RawPath) {
		return false
	}
	return ambiguous.MatchString(rawPath) || ambiguous.MatchString(r.URL.EscapedPath()) // which encodes raw bytes
}

// isPlain reports whether a path is one of those, most by far, that need no closer look: letters, digits and little else,
// and no segment that begins with a dot.
func isPlain(path string) bool {
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || c == '%' || c == ';' || c == '\\' || c == '.' && i > 0 && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// ambiguous: a backslash, a semicolon, a control byte, one of / \ . ; % or a control byte percent-encoded, the overlong
// UTF-8 form of one of these (other bytes that are no UTF-8 stay open: they are GBK), or a segment of dots.
var ambiguous = regexp.MustCompile(`(?i)[\\;\x00-\x1f\x7f]|%(2f|5c|2e|3b|25|[01][0-9a-f]|7f|c0%(80|af|ae|bb|a5)|c1%9c)|/\.\.?(/|$)`)
