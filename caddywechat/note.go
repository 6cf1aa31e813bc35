package caddywechat

import (
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// note notes that the visitor is there, where a session ends without that, and returns the writer to answer with: an
// answer that brings a new cookie is the visitor's own. Only navigations are noted, for others' answers may be cached and
// shared whatever their headers say.
func (h *Handler) note(w http.ResponseWriter, v *visit, s *session.Session) http.ResponseWriter {
	now := h.now()
	if !s.NeedsNote(h.lives, now) || !visitor.IsNavigation(v.Request) {
		return w
	}
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return w
	}
	noted := *s
	noted.Seen = now.Truncate(time.Second)
	noted.Identity = noted.Identity.Without(identity.ID) // which follows from the rest and from the configuration
	sealed, err := sealers.session.Seal(h.site(v.origin), noted)
	if err != nil {
		h.logger.Error("a session could not be sealed again", v.log(zap.Error(err))...)
		return w
	}
	http.SetCookie(w, h.cookies.New(sealed, noted.End(h.lives).Sub(now), v.origin.secure()))
	return &privateWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
}

// privateWriter keeps an answer out of every cache, whatever the app says.
type privateWriter struct {
	*caddyhttp.ResponseWriterWrapper
	wroteHeader bool
}

func (w *privateWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.wroteHeader = true
		w.Header().Set("Cache-Control", "private, no-store")
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *privateWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriterWrapper.Write(b)
}

// ReadFrom is how files are sent.
func (w *privateWriter) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

func (w *privateWriter) begin() {
	if !w.wroteHeader {
		w.WriteHeader(http.StatusOK)
	}
}
