package session

import (
	"net/http"
	"strings"
	"time"
)

// CookieName returns the name of the session's cookie. On https the prefix __Host- keeps other subdomains and plain http
// from setting it.
func CookieName(secure bool) string {
	if secure {
		return hostPrefix + cookieName
	}
	return cookieName
}

// IsCookieName reports whether a cookie of that name is a session's, under any configuration.
func IsCookieName(name string) bool {
	name = strings.TrimPrefix(name, hostPrefix)
	return strings.TrimPrefix(name, securePrefix) == cookieName
}

const (
	cookieName   = "wechat_session"
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// Cookie returns a cookie that a browser keeps for the given time, or deletes when that is not positive.
func Cookie(name, value string, life time.Duration, secure bool) *http.Cookie {
	maxAge := int((life + time.Second - 1) / time.Second)
	if maxAge <= 0 {
		maxAge = -1 // http.Cookie's word for "delete"
	}
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}
