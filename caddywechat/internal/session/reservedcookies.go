package session

import (
	"slices"
	"strings"
)

// ownCookies are the names of the module's cookies beside the session's, without a prefix.
var ownCookies []string

// OwnCookie puts a name on the list of the module's own cookies, and returns it: no session's cookie can be called so,
// and none of that name goes upstream. Whoever owns a cookie calls it while the package is initialized.
func OwnCookie(name string) string {
	ownCookies = append(ownCookies, name)
	return name
}

// IsOwnCookie reports whether a cookie of that name is one of the module's own, beside the session's.
func IsOwnCookie(name string) bool {
	return slices.Contains(ownCookies, strings.TrimPrefix(name, HostPrefix))
}
