package visitor

import (
	"net/http"
	"strings"
)

// IsSubresource reports whether r is certainly not a person's browser going somewhere, be it in a frame or by way of a
// service worker: a script, an image, a prefetch. Where the browser does not say what it is, it may be going somewhere.
func IsSubresource(r *http.Request) bool {
	h := r.Header
	if strings.HasPrefix(h.Get("Sec-Purpose"), "prefetch") {
		return true
	}
	if strings.EqualFold(h.Get("X-Requested-With"), "XMLHttpRequest") {
		return true
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode != "navigate"
	}
	switch h.Get("Sec-Fetch-Dest") {
	case "", "document", "frame", "iframe":
		return false
	default:
		return true
	}
}
