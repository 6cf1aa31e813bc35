package site

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// HasPath reports whether a request is for a path, and not for something else that a request line can hold: CONNECT's
// authority, the * of OPTIONS, a URL without slashes (x:admin/secret). A proxy might make a path of these that no rule
// saw.
func HasPath(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/") && r.URL.Opaque == "" }

// IsAmbiguous reports whether servers disagree on what a path means: one may decode what another leaves encoded, or
// decode it sloppily, cut what follows a semicolon, resolve dots, or run a script that stands before more of a path. No
// rule may open such a path.
func IsAmbiguous(r *http.Request) bool {
	rawPath, _, _ := strings.Cut(visitor.Target(r), "?")
	if isPlain(rawPath) && isPlain(r.URL.Path) && isPlain(r.URL.RawPath) {
		return false
	}
	return ambiguous.MatchString(rawPath) || ambiguous.MatchString(r.URL.EscapedPath()) || // which encodes raw bytes
		scripts.MatchString(rawPath) || scripts.MatchString(r.URL.Path)
}

// isPlain reports whether a path is one of those, most by far, that need no closer look: letters, digits and little
// else, no segment that begins with a dot, and none before the last that ends like a script.
func isPlain(path string) bool {
	mayBeScript := false // the segment, by what stands behind a dot
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || c == '%' || c == ';' || c == '\\':
			return false
		case c == '.':
			if i > 0 && path[i-1] == '/' {
				return false
			}
			mayBeScript = mayBeScript || i+1 < len(path) && strings.IndexByte(scriptLetters, path[i+1]) >= 0
		case c == '/' && mayBeScript:
			return false
		}
	}
	return true
}

// ambiguous: a backslash, a semicolon, a control byte; one of / \ . ; % ? # or a control byte percent-encoded; ASCII in
// the overlong forms of UTF-8, which sloppy decoders take (GBK has some of these, too: such a name is not open either;
// other bytes that are no UTF-8 stay open); or a segment of dots, with blanks among them, which Windows drops.
var ambiguous = regexp.MustCompile(`(?i)[\\;\x00-\x1f\x7f]` +
	`|%(2f|5c|2e|3b|25|3f|23|[01][0-9a-f]|7f` +
	`|c[01]%[89ab][0-9a-f]|e0%[89][0-9a-f]%[89ab][0-9a-f]|f0%8[0-9a-f]%[89ab][0-9a-f]` +
	`|f8%8[0-7]%[89ab][0-9a-f]|fc%8[0-3]%[89ab][0-9a-f])` +
	`|/(%20)*\.(\.|%20)*(/|$)`)

// scripts finds more of a path behind the name of a script, which servers hand to it: /member/index.php/a.css runs
// index.php.
var scripts = regexp.MustCompile(`(?i)\.(php[^/]*|phtml|phar|jsp[^/]*|asp[^/]*|ashx|asmx|cgi|fcgi|pl|py|cfm)[. ]*/`)

// scriptLetters are what the names of these begin with.
const scriptLetters = "pPjJaAcCfF"
