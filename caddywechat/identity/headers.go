package identity

import (
	"net/http"
	"net/textproto"
	"strings"
)

// HeaderName returns the header that carries a field in the preset "default", in canonical form: X-Wechat- and the
// field's name, but for the few whose names are older than the rule.
func HeaderName(field string) string {
	if name, ok := defaultHeaders[field]; ok {
		return name
	}
	return ruleHeaderName(field)
}

func ruleHeaderName(field string) string {
	return textproto.CanonicalMIMEHeaderKey("X-Wechat-" + strings.ReplaceAll(field, "_", "-"))
}

var defaultHeaders = func() map[string]string {
	headers := make(map[string]string, len(Names))
	for _, name := range Names {
		headers[name] = ruleHeaderName(name)
	}
	headers[ID] = "X-Wechat-User"
	headers[AppID] = "X-Wechat-Appid"
	headers[UserID] = "X-Wecom-Userid"
	headers[ExternalUserID] = "X-Wecom-External-Userid"
	headers[Departments] = "X-Wecom-Departments"
	return headers
}()

// SetHeaders sets the headers of the preset "default" for id. What id lacks gets no header: call [Reserved.Strip] first,
// so that a client's own does not stand in for it.
func SetHeaders(h http.Header, id Identity) {
	for _, f := range id {
		h[HeaderName(f.Name)] = []string{HeaderValue(f.Name, f.Value)}
	}
}

// HeaderValue returns a field's value as a header carries it: a nickname is always percent-encoded (UTF-8, RFC 3986
// unreserved characters stay), any other value only when it holds something else than visible ASCII.
func HeaderValue(field, value string) string {
	if field == Nickname || !isVisibleASCII(value) {
		return percentEncode(value)
	}
	return value
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case isAlphanumeric(c), strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
