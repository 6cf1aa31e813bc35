package page

import (
	"net/url"
	"strings"
)

// absoluteLink is raw if it is an absolute http or https URL, else nothing.
func absoluteLink(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return raw
}

// actionLink is raw if it is a path on this site or an absolute http or https URL, else nothing. Browsers take a path
// that starts with // or /\ for another site's address, so it counts as neither.
func actionLink(raw string) string {
	if _, err := url.Parse(raw); err != nil { // control characters, which browsers drop: "/\t/evil" is "//evil"
		return ""
	}
	if strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") && !strings.HasPrefix(raw, `/\`) {
		return raw
	}
	return absoluteLink(raw)
}
