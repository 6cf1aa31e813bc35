package identity

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Reserved is the set of header names that only the gate may set. A name belongs to it by what a server behind may make
// of it: CGI, FastCGI and WSGI turn every character that is no letter or digit into the same one, so names are compared
// in lower case with each such character as a hyphen.
type Reserved struct {
	prefixes, names []string // folded
	firsts          uint64   // what they begin with, see firstBit: few of a request's headers begin so
}

// reservedPrefixes begin names that are reserved everywhere.
var reservedPrefixes = []string{"x-wechat-", "x-wecom-"}

// cloudNames are what WeChat's cloud hosting sets. An app that came from there believes them, whatever its site's
// presets. Other names that begin x-wx- are left alone: old mini-program SDKs log in by X-WX-Code and X-WX-Skey.
var cloudNames = []string{
	"x-wx-openid", "x-wx-unionid", "x-wx-appid", "x-wx-source", "x-wx-env",
	"x-wx-from-openid", "x-wx-from-appid", "x-wx-from-unionid", "x-wx-call-id",
}

// NewReserved returns the set that is reserved everywhere, which holds what any preset sets, and beside it the given
// names.
func NewReserved(names ...string) Reserved {
	r := everywhere
	for _, name := range names {
		r.add(name)
	}
	return r
}

// everywhere is what all sites' sets begin with.
var everywhere = reservedEverywhere()

func reservedEverywhere() Reserved {
	var r Reserved
	for _, prefix := range reservedPrefixes {
		r.addPrefix(prefix)
	}
	for _, preset := range presets {
		for _, header := range preset.headers {
			r.add(header.Name)
		}
	}
	for _, name := range cloudNames {
		r.add(name)
	}
	r.prefixes, r.names = slices.Clip(r.prefixes), slices.Clip(r.names) // so that a site's own are none of another's
	return r
}

func (r *Reserved) add(name string) {
	if name = fold(name); !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
		r.firsts |= firstBit(name)
	}
}

func (r *Reserved) addPrefix(prefix string) {
	r.prefixes = append(r.prefixes, prefix)
	r.firsts |= firstBit(prefix)
}

// firstBit is a bit for what a name begins with once it is folded. Some share one.
func firstBit(name string) uint64 { return 1 << (foldByte(name[0]) & 63) }

// Has reports whether name folds to a reserved one.
func (r Reserved) Has(name string) bool {
	if name == "" || r.firsts&firstBit(name) == 0 {
		return false
	}
	for _, p := range r.prefixes {
		if len(name) >= len(p) && foldsTo(name[:len(p)], p) {
			return true
		}
	}
	for _, n := range r.names {
		if foldsTo(name, n) {
			return true
		}
	}
	return false
}

// Strip removes reserved names from everything of req that goes upstream: its headers, the hop-by-hop names listed in
// Connection (a proxy would remove the header that the gate sets under that name), and its trailers, also those that
// have not arrived yet.
func (r Reserved) Strip(req *http.Request) {
	r.stripHeader(req.Header)
	if r.hasAny(req.Header["Connection"]) {
		r.stripConnection(req.Header)
	}
	if req.Body != nil && (req.Trailer != nil || len(req.TransferEncoding) > 0) {
		r.stripHeader(req.Trailer)
		req.Body = &trailerStripper{ReadCloser: req.Body, req: req, reserved: r}
	}
}

func (r Reserved) stripHeader(h http.Header) {
	for name := range h {
		if r.Has(name) {
			delete(h, name)
		}
	}
}

// hasAny reports whether one of the options in lines of a comma-separated header is reserved.
func (r Reserved) hasAny(lines []string) bool {
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if r.Has(strings.TrimSpace(option)) {
				return true
			}
		}
	}
	return false
}

func (r Reserved) stripConnection(h http.Header) {
	var kept []string
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if option = strings.TrimSpace(option); option != "" && !r.Has(option) {
				kept = append(kept, option)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Connection")
		return
	}
	h["Connection"] = []string{strings.Join(kept, ", ")}
}

// trailerStripper strips trailers at the end of the body, which is when they arrive and before a proxy sends them on.
type trailerStripper struct {
	io.ReadCloser
	req      *http.Request
	reserved Reserved
	mu       sync.Mutex // a proxy may close the body while it reads it
}

func (t *trailerStripper) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.strip()
	}
	return n, err
}

// Close reads what is left of the body, trailers included.
func (t *trailerStripper) Close() error {
	err := t.ReadCloser.Close()
	t.strip()
	return err
}

func (t *trailerStripper) strip() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserved.stripHeader(t.req.Trailer)
}

func fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		b[i] = foldByte(c)
	}
	return string(b)
}

func foldsTo(name, folded string) bool {
	if len(name) != len(folded) {
		return false
	}
	for i := range len(name) {
		if foldByte(name[i]) != folded[i] {
			return false
		}
	}
	return true
}

func foldByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case isAlphanumeric(c):
		return c
	}
	return '-'
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
