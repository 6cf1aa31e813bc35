package identity

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
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

// Header is a header that carries a field.
type Header struct{ Field, Name string }

// Headers are those that a site sends to its app.
type Headers struct {
	everyField bool // by the rule of the preset "default"
	headers    []Header
	prefixes   []string // that the presets reserve
}

// NewHeaders returns the headers of the presets and those that are named beside them. No preset at all means "default".
func NewHeaders(presetNames []string, named []Header) (*Headers, error) {
	h := new(Headers)
	for i, name := range presetNames {
		if slices.Contains(presetNames[:i], name) {
			return nil, fmt.Errorf("%s is given twice: remove one", name)
		}
		if name == PresetNone && len(presetNames) > 1 {
			return nil, errors.New("none stands alone: remove it, or the other presets")
		}
		preset, ok := presets[name]
		if !ok {
			known := slices.Sorted(maps.Keys(presets))
			return nil, fmt.Errorf("%.40q is no preset: write one of %s", name, strings.Join(known, ", "))
		}
		h.everyField = h.everyField || name == PresetDefault
		h.headers = append(h.headers, preset.headers...)
		if preset.prefix != "" {
			h.prefixes = append(h.prefixes, preset.prefix)
		}
	}
	h.everyField = h.everyField || len(presetNames) == 0
	for _, header := range named {
		if err := h.add(header); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *Headers) add(header Header) error {
	if !slices.Contains(Names, header.Field) {
		return fmt.Errorf("%.40q is no field: write one of %s", header.Field, strings.Join(Names, ", "))
	}
	if !isToken(header.Name) {
		return fmt.Errorf("%.80q is no name of a header: write letters, digits and hyphens", header.Name)
	}
	if isHTTPs(header.Name) {
		return fmt.Errorf("%s has a meaning of its own in HTTP: write a name that begins with X-", header.Name)
	}
	folded := fold(header.Name)
	for _, other := range h.headers {
		if fold(other.Name) == folded {
			return fmt.Errorf("%s and %s are the same to CGI, PHP and WSGI: rename one", header.Name, other.Name)
		}
	}
	if h.everyField && strings.HasPrefix(folded, "x-wechat-") || h.everyField && strings.HasPrefix(folded, "x-wecom-") {
		return fmt.Errorf("%s belongs to the preset default: write another name, or headers none { … }", header.Name)
	}
	h.headers = append(h.headers, Header{header.Field, textproto.CanonicalMIMEHeaderKey(header.Name)})
	return nil
}

// Reserved returns the names that no client may send to a site with these headers.
func (h *Headers) Reserved() Reserved {
	r := NewReserved()
	for _, header := range h.headers {
		r.add(header.Name)
	}
	for _, prefix := range h.prefixes {
		r.addPrefix(prefix)
	}
	return r
}

// Set sets the headers for id, none for nobody. What id lacks gets no header: call [Reserved.Strip] first, so that a
// client's own does not stand in for it.
func (h *Headers) Set(dst http.Header, id Identity) {
	if id == nil {
		return
	}
	// All values of one request share one slice, but none with another request: whoever comes behind may write into
	// them.
	values := make([]string, 0, len(id)+len(h.headers))
	set := func(name, field, value string) {
		values = append(values, HeaderValue(field, value))
		last := len(values)
		dst[name] = values[last-1 : last : last]
	}
	if h.everyField {
		for _, f := range id {
			set(HeaderName(f.Name), f.Name, f.Value)
		}
	}
	for _, header := range h.headers {
		value := id.Get(header.Field)
		if header.Field == source {
			value = sourceValue
		}
		if value != "" {
			set(header.Name, header.Field, value)
		}
	}
}

// isToken reports whether name is a field name of letters, digits, hyphens, underscores and dots.
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != ""
}

// HeaderValue returns a field's value as a header carries it: a nickname is always percent-encoded (UTF-8, RFC 3986
// unreserved characters stay), any other value only when it holds something else than visible ASCII; of an URL only
// that.
func HeaderValue(field, value string) string {
	switch {
	case field != Nickname && isVisibleASCII(value):
		return value
	case field == Avatar:
		return percentEncode(value, func(c byte) bool { return ' ' < c && c < 0x7f })
	default:
		return percentEncode(value, isUnreserved)
	}
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// percentEncode encodes every byte that does not stay.
func percentEncode(s string, stays func(byte) bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(3 * len(s))
	for i := range len(s) {
		if c := s[i]; stays(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
