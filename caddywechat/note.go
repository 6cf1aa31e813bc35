package caddywechat

import (
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// note notes that the visitor is there, where a session ends without that, or that the session was renewed, and returns the
// writer to answer with: it adds the cookie to the answer, which becomes the visitor's own. Only navigations are noted, for
// others' answers may be cached and shared whatever their headers say.
func (h *Handler) note(w http.ResponseWriter, v *visit, s *session.Session, isRenewed bool) http.ResponseWriter {
	if len(v.tokens) > 0 || !isRenewed && h.lives.Idle == 0 {
		return w
	}
	now := h.now()
	if !isRenewed && !s.NeedsNote(h.lives, now) || !visitor.IsNavigation(v.Request) {
		return w
	}
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return w
	}
	noted := *s
	noted.Seen = now.Truncate(time.Second)
	noted.Identity = noted.Identity.Without(identity.ID) // which follows from the rest and from the configuration
	if noted, err = h.fit(noted, v.origin); err != nil {
		h.logger.Error("a session could not be sealed again", v.log(zap.Error(err), cure(err))...)
		return w
	}
	sealed, err := sealers.session[asCookie].Seal(h.site(v.origin), noted)
	if err != nil {
		h.logger.Error("a session could not be sealed again", v.log(zap.Error(err))...)
		return w
	}
	return &notingWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		cookie:                h.cookies.New(sealed, noted.End(h.lives).Sub(now), v.origin.secure()),
	}
}

// notingWriter adds a session's cookie to an answer that the app writes, and keeps the answer out of caches. An answer that
// is not written through it, as an error page, gets neither.
type notingWriter struct {
	*caddyhttp.ResponseWriterWrapper
	cookie *http.Cookie
	begun  bool
}

func (w *notingWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.begun {
		w.begun = true
		h := w.Header()
		http.SetCookie(w, w.cookie)
		h.Set("Cache-Control", "private, no-store")
		h.Add("Vary", "Cookie")
		pinHeaders(w.ResponseWriter, "Cache-Control") // the rest is the app's and the site's
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *notingWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriterWrapper.Write(b)
}

// ReadFrom is how files are sent.
func (w *notingWriter) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// Flush begins the answer before it is flushed, which would begin it unseen.
func (w *notingWriter) Flush() {
	w.begin()
	http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *notingWriter) begin() {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
}
