package site

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// ReturnTo judges an address that a stranger gave for after the login, and returns it, or "/" for anything that is not
// a path on this site outside its prefix. It may carry a query and a fragment. Characters that are not ASCII come back
// percent-encoded, as they must stand in a Location header.
func (s *Site) ReturnTo(address string) string { return returnTo(address, s.config.Prefix) }

func returnTo(address, prefix string) string {
	address, fragment, hasFragment := strings.Cut(address, "#")
	if !isLocalPath(address) {
		return "/"
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return "/"
	}
	if hasDotSegment(u.Path) || isUnder(u.Path, prefix) {
		return "/"
	}
	address = encode(address)
	if hasFragment {
		address += "#" + encodeLoosePercents(encode(fragment))
	}
	return address
}

// hasDotSegment reports whether a browser, or a server that decodes slashes, would resolve the path to another one.
// Addresses that come from a browser have no such segments any more.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// encodeLoosePercents encodes percent signs that begin no encoded byte. Browsers let them stand in a fragment, others
// take such an address for none.
func encodeLoosePercents(s string) string {
	pieces := strings.Split(s, "%")
	for i, piece := range pieces[1:] {
		if len(piece) < 2 || !isHex(piece[0]) || !isHex(piece[1]) {
			pieces[i+1] = "25" + piece
		}
	}
	return strings.Join(pieces, "%")
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// isLocalPath reports whether every browser takes address for a path of the site that it came from. Browsers drop tabs
// and line breaks wherever they stand, and read a backslash as a slash.
func isLocalPath(address string) bool {
	if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || !utf8.ValidString(address) {
		return false
	}
	for _, c := range address {
		if c <= ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// isUnder reports whether a path is prefix or lies below it.
func isUnder(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// Location returns the value of a Location header that leads to target on origin. A browser would take a target that
// begins with two slashes for another site's address, so such a one is written out as a URL of this origin.
func Location(origin, target string) string {
	if len(target) > 1 && (target[1] == '/' || target[1] == '\\') {
		return origin + target
	}
	return target
}

// encode percent-encodes what is not visible ASCII.
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; ' ' < c && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
