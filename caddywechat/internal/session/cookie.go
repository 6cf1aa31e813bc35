package session

import (
	"net/http"
	"strings"
	"time"
)

// Cookies says in which cookie a browser keeps a session.
type Cookies struct {
	// Name is the cookie's name without a prefix, "" for [DefaultName].
	Name string
	// Domain shares the session among a domain and its subdomains; "" keeps it on one host.
	Domain string
}

// DefaultName is the name of a session's cookie, without a prefix.
const DefaultName = "wechat_session"

// Prefixes by which a cookie's name binds it to https, and to one host (RFC 6265bis, section 4.1.3).
const (
	HostPrefix   = "__Host-"
	SecurePrefix = "__Secure-"
)

// FullName returns the cookie's name. On https a prefix keeps plain http, and where one host keeps the session other
// subdomains as well, from setting the cookie.
func (c Cookies) FullName(secure bool) string { return c.prefix(secure) + c.name() }

// HasFullName reports whether name is the cookie's name.
func (c Cookies) HasFullName(name string, secure bool) bool {
	bare, ok := strings.CutPrefix(name, c.prefix(secure))
	return ok && bare == c.name()
}

func (c Cookies) prefix(secure bool) string {
	switch {
	case !secure:
		return ""
	case c.Domain != "":
		return SecurePrefix
	default:
		return HostPrefix
	}
}

func (c Cookies) name() string {
	if c.Name == "" {
		return DefaultName
	}
	return c.Name
}

// IsName reports whether a cookie of that name is a session's: by this configuration, or by one without a name of its
// own, which nobody else's cookies have.
func (c Cookies) IsName(name string, secure bool) bool {
	bare, hasPrefix := strings.CutPrefix(name, HostPrefix)
	if !hasPrefix {
		bare, hasPrefix = strings.CutPrefix(name, SecurePrefix)
	}
	return bare == DefaultName || bare == c.name() && (hasPrefix || !secure)
}

// New returns the cookie for a browser to keep for the given time, or to delete when that is not positive.
func (c Cookies) New(value string, life time.Duration, secure bool) *http.Cookie {
	cookie := Cookie(c.FullName(secure), value, life, secure)
	cookie.Domain = c.Domain
	return cookie
}

// Cookie returns a cookie of one host, for a browser to keep for the given time, or to delete when that is not
// positive.
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
