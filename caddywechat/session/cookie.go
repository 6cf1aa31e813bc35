package session

import (
	"net/http"
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
func (c Cookies) FullName(secure bool) string {
	switch {
	case !secure:
		return c.name()
	case c.Domain != "":
		return SecurePrefix + c.name()
	default:
		return HostPrefix + c.name()
	}
}

func (c Cookies) name() string {
	if c.Name == "" {
		return DefaultName
	}
	return c.Name
}

// IsName reports whether a cookie of that name is a session's: by this configuration, or by one without a name of its own,
// which nobody else's cookies have.
func (c Cookies) IsName(name string, secure bool) bool {
	if name == c.FullName(secure) || name == HostPrefix+c.name() || name == SecurePrefix+c.name() {
		return true
	}
	return name == DefaultName || name == HostPrefix+DefaultName || name == SecurePrefix+DefaultName
}

// New returns the cookie for a browser to keep for the given time, or to delete when that is not positive.
func (c Cookies) New(value string, life time.Duration, secure bool) *http.Cookie {
	cookie := Cookie(c.FullName(secure), value, life, secure)
	cookie.Domain = c.Domain
	return cookie
}

// Cookie returns a cookie of one host, for a browser to keep for the given time, or to delete when that is not positive.
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
