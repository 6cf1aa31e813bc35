package caddywechat

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// touchWriter adds a session's cookie to an answer that the app writes, and keeps the answer out of caches: it becomes
// the visitor's own. An answer that is not written through it, as an error page, gets neither.
type touchWriter struct {
	*caddyhttp.ResponseWriterWrapper
	cookie  *http.Cookie
	started bool
}

func newTouchWriter(w http.ResponseWriter, cookie *http.Cookie) *touchWriter {
	return &touchWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, cookie: cookie}
}

func (w *touchWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.started {
		w.started = true
		h := w.Header()
		http.SetCookie(w, w.cookie)
		h.Set("Cache-Control", "private, no-store")
		h.Add("Vary", "Cookie")
		pinHeaders(w.ResponseWriter, "Cache-Control") // the rest is the app's and the site's
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *touchWriter) Write(b []byte) (int, error) {
	w.start()
	return w.ResponseWriterWrapper.Write(b)
}

// ReadFrom is how files are sent.
func (w *touchWriter) ReadFrom(r io.Reader) (int64, error) {
	w.start()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// Flush starts the answer before it is flushed, which would start it unseen.
func (w *touchWriter) Flush() {
	w.start()
	http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *touchWriter) start() {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
}
