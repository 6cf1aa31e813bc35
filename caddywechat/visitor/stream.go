package visitor

import (
	"net/http"
	"strings"
)

// IsStream reports whether a request may go on for as long as it likes: a WebSocket, by an upgrade or on a stream of
// HTTP/2, or an event stream.
func IsStream(r *http.Request) bool {
	if r.Header["Upgrade"] != nil || r.Method == http.MethodConnect {
		return true
	}
	for _, accept := range r.Header["Accept"] {
		if strings.Contains(strings.ToLower(accept), "text/event-stream") {
			return true
		}
	}
	return false
}
