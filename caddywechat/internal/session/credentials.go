package session

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// tokenPrefix starts every token of ours, so that others' are left to the app.
const tokenPrefix = "wx1."

// tokenHeader carries a token where the app uses Authorization itself.
const tokenHeader = "X-Wechat-Token"

// TakeTokens removes the module's own tokens from a header, so that they never go upstream, and returns them.
func TakeTokens(h http.Header) (tokens []string) {
	for _, value := range h[tokenHeader] { // which is removed with all that only the module may set
		if value = strings.TrimSpace(value); isToken(value) {
			tokens = append(tokens, value)
		}
	}
	values := h["Authorization"]
	kept := values[:0:0]
	for _, value := range values {
		fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if !slices.ContainsFunc(fields, isToken) {
			kept = append(kept, value)
			continue
		}
		for _, field := range fields { // however they are written: they open, or nobody is let in
			if isToken(field) {
				tokens = append(tokens, field)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Authorization")
	} else {
		h["Authorization"] = kept
	}
	return tokens
}

func isToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// TakeCookies removes the module's own cookies from a header, so that they never go upstream, and returns them. Others
// stay as the client wrote them. secure tells whether the site is on https, which the names depend on.
func (c Cookies) TakeCookies(header http.Header, secure bool) (taken []visitor.Cookie) {
	lines := header["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		before := len(taken)
		var others strings.Builder
		for pair, rest, more := "", line, true; more; {
			pair, rest, more = strings.Cut(rest, ";")
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch {
			case c.IsName(name, secure) || IsOwnCookie(name):
				taken = append(taken, visitor.Cookie{Name: name, Value: value})
			case others.Len() == 0:
				others.Grow(len(line))
				others.WriteString(pair)
			default:
				others.WriteByte(';')
				others.WriteString(pair)
			}
		}
		if len(taken) > before {
			line = strings.TrimSpace(others.String())
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(header, "Cookie")
	} else {
		header["Cookie"] = kept
	}
	return taken
}
