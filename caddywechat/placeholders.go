package caddywechat

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// setPlaceholders makes {http.auth.user.*} and {http.wechat.*} the fields of id, and empty what id lacks: a placeholder
// that nobody knows would go upstream as it is written.
func setPlaceholders(r *http.Request, id identity.Identity) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	if id == nil {
		repl.Map(nobody)
		return
	}
	repl.Map(func(key string) (any, bool) {
		name, ok := userField(key)
		if !ok {
			return nil, false
		}
		return withoutControls(id.Get(name)), true
	})
}

// userField returns the field that a placeholder stands for: by the names that Caddy's own authentication has, too,
// which access logs read, and by some that nobody else writes, where a basic_auth overwrites those.
func userField(key string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(key, "http.wechat."); ok {
		return name, true
	}
	return strings.CutPrefix(key, "http.auth.user.")
}

// nobody has the placeholders where there is no identity.
func nobody(key string) (any, bool) {
	_, ok := userField(key)
	return "", ok
}

// withoutControls replaces what would end a line, wherever a site puts a person's own words.
func withoutControls(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
