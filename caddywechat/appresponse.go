package caddywechat

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// appResponse is the response of what is behind the gate, on its way out. It adds the cookie of a session that is
// touched, does what the app says in headers that are for the gate, and lets none of these out.
//
// An answer that is not written through it, as an error page, gets nothing of this. Requests whose URL or headers
// handlers behind the gate have changed are judged as these left them, but for the URL.
type appResponse struct {
	caddyhttp.ResponseWriterWrapper
	handler  *Handler
	request  *visitor.Request
	decision gate.Decision
	cookie   *http.Cookie  // of a session that is touched; nil: none
	before   siteHeaders   // what the site had set before the app answered
	state    responseState // how far it is
	dropped  int64         // bytes of the app's that were dropped
}

// responseState is how far a response is.
type responseState byte

const (
	notStarted responseState = iota
	started
	replaced // by a response of the module's own: what the app writes is dropped
)

// maxDropped bounds what is read of an app's answer that is not sent, in bytes.
const maxDropped = 1 << 20

// begin makes a the response for the app to write to w, for a request on which something was decided.
func (a *appResponse) begin(h *Handler, w http.ResponseWriter, r *visitor.Request, d gate.Decision) {
	a.ResponseWriter, a.handler, a.request, a.decision = w, h, r, d
	if d.Rule.Ask != gate.Public { // where nothing takes the place of the app's answer
		a.before.take(w.Header())
	}
}

// WriteHeader implements [http.ResponseWriter].
func (a *appResponse) WriteHeader(status int) {
	switch {
	case a.state == replaced:
		return
	case status < http.StatusOK: // 101 as well: there is nothing to send in its place
		takeAppSays(a.Header())
	case a.state == notStarted:
		a.state = started
		if says := takeAppSays(a.Header()); says != (appSays{}) && a.obey(says) {
			return
		}
		if a.cookie != nil {
			http.SetCookie(a, a.cookie)
			a.keepOutOfCaches()
		}
	}
	a.ResponseWriterWrapper.WriteHeader(status)
}

// keepOutOfCaches makes the answer the visitor's own, for it has a cookie of the module's.
func (a *appResponse) keepOutOfCaches() {
	h := a.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Add("Vary", "Cookie")
	pinHeaders(a.ResponseWriter, "Cache-Control") // the rest is the app's and the site's
}

// Write implements [http.ResponseWriter].
func (a *appResponse) Write(b []byte) (int, error) {
	a.start()
	if a.state == replaced {
		return a.drop(int64(len(b)))
	}
	return a.ResponseWriterWrapper.Write(b)
}

// ReadFrom is how files are sent.
func (a *appResponse) ReadFrom(r io.Reader) (int64, error) {
	a.start()
	if a.state == replaced {
		n, err := io.Copy(io.Discard, io.LimitReader(r, maxDropped-a.dropped))
		if err != nil {
			return n, err
		}
		dropped, err := a.drop(n)
		return int64(dropped), err
	}
	return a.ResponseWriterWrapper.ReadFrom(r)
}

// drop counts what is not sent.
func (a *appResponse) drop(n int64) (int, error) {
	if a.dropped += n; a.dropped < maxDropped {
		return int(n), nil
	}
	http.NewResponseController(a.ResponseWriter).Flush() // for whoever cannot write aborts the answer
	return 0, io.ErrShortWrite
}

// Flush implements [http.Flusher].
func (a *appResponse) Flush() { _ = a.FlushError() }

// FlushError starts the answer before it is flushed, which would start it unseen. [http.ResponseController] looks for
// it.
func (a *appResponse) FlushError() error {
	a.start()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

func (a *appResponse) start() {
	if a.state == notStarted {
		a.WriteHeader(http.StatusOK)
	}
}

// finish takes what is for the gate alone out of the trailers, once the app has answered.
func (a *appResponse) finish() {
	h := a.Header()
	for _, name := range appSaysHeaders {
		delete(h, name)
		delete(h, http.TrailerPrefix+name)
	}
}
