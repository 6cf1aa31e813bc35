package caddywechat

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// passage is a request on its way through the handler to what is behind it.
type passage struct {
	*visitor.Request
	next    caddyhttp.Handler
	restore func() // gives the request the URL that it came to the handler with
}

// ServeHTTP takes a request in: what a client could forge is removed, own addresses are answered, and of all others the
// gate decides what becomes of them.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if isSecondGate(r) {
		if r.Context().Value(caddyhttp.ErrorCtxKey) != nil { // in error routes: the first one has judged the request
			return next.ServeHTTP(w, r)
		}
		h.answers.Logger.Error("two wechat_auth are on the way of one request: "+
			"write one for the site, with rules for its paths; or put each into a handle block of its own, "+
			"with a prefix below the block's path and a session cookie of its own",
			zap.String("host", r.Host), zap.String("path", r.URL.Path))
		return caddyhttp.Error(http.StatusInternalServerError, errors.New("two wechat_auth on the way of one request"))
	}
	p := h.takeIn(r, next)
	if !site.HasPath(r) {
		return caddyhttp.Error(http.StatusBadRequest, errors.New("the request line names no path"))
	}
	if opensTunnel(r) {
		return h.answers.Problem(pinned{w}, p.Request, problem.Method, page.Data{})
	}
	if rest, ok := h.site.OwnPath(r.URL.Path); ok {
		setPlaceholders(r, nil)
		return h.serveOwn(pinned{w}, p.Request, rest)
	}
	if content, ok := verifyFile(r); ok {
		return h.verification.serve(w, p, content)
	}
	decision, err := h.gate.Decide(p.Request)
	if err != nil {
		return err
	}
	return h.carryOut(decision, w, p)
}

// takeIn adapts a request: takes the module's own credentials out of it, and removes what only the module may say.
func (h *Handler) takeIn(r *http.Request, next caddyhttp.Handler) passage {
	in := &visitor.Request{
		Request: r, Server: server{}, Origin: h.site.Origin(r, server{}), Tokens: session.TakeTokens(r.Header),
	}
	in.Cookies = h.sessions.Cookies.TakeCookies(r.Header, in.Origin.Secure())
	h.reserved.Strip(r)
	stripUpgrades(r.Header)
	return passage{Request: in, next: next, restore: asReceived(r)}
}

// carryOut does what the gate decided.
func (h *Handler) carryOut(d gate.Decision, w http.ResponseWriter, p passage) error {
	switch d.Action {
	case gate.Pass:
		return h.passAsNobody(w, p, d)
	case gate.Forward:
		if visitor.IsStream(p.Request.Request) {
			return h.passStream(w, p, d)
		}
		s, isRefreshed := h.profiles.Refresh(p.Request, d.Session)
		out := new(appResponse)
		out.begin(h, w, p.Request, d)
		out.cookie = h.touch(p.Request, s, isRefreshed)
		return h.pass(out, p, s.Identity)
	case gate.Observe:
		h.gate.Observer.Note(p.Request, d.Reason())
		return h.passAsNobody(w, p, d)
	case gate.Fail:
		return h.answers.Fail(pinned{w}, p.Request, problem.Store, d.Err)
	default:
		return h.login.Challenge(pinned{w}, p.Request, d.Session, d.Rule.Ask == gate.Userinfo)
	}
}

// serveOwn answers what lies under the prefix, whatever it is.
func (h *Handler) serveOwn(w http.ResponseWriter, r *visitor.Request, rest string) error {
	route, p, allow := h.gate.Routes.Find(r, rest)
	if route.Secret {
		r.Server.OmitFromLog(r.Request) // the handler writes a line of its own
	}
	if p == nil {
		return route.Serve(h.gate.Routes, w, r)
	}
	data := page.Data{Action: "/"}
	if *p == problem.TooEarly {
		data.Action = ""
	}
	if allow != "" {
		w.Header().Set("Allow", allow)
	}
	return h.answers.Problem(w, r, *p, data)
}

// out is what the app writes its response to.
type out interface {
	http.ResponseWriter
	finish() // once the app has answered
}

func (h *Handler) passAsNobody(w http.ResponseWriter, p passage, d gate.Decision) error {
	out := new(appResponse)
	out.begin(h, w, p.Request, d)
	return h.pass(out, p, nil)
}

// pass passes the request on as this person, as nobody when id is nil.
func (h *Handler) pass(w out, p passage, id identity.Identity) error {
	r := p.Request.Request
	h.headers.Set(r.Header, id)
	setPlaceholders(r, id)
	p.restore()
	err := p.next.ServeHTTP(w, r)
	w.finish()
	return err
}

// touch returns the cookie to add to the answer, nil where the visitor's session needs none.
func (h *Handler) touch(r *visitor.Request, s *session.Session, isRefreshed bool) *http.Cookie {
	cookie, err := h.sessions.Touch(r, s, isRefreshed)
	if err != nil {
		h.answers.Logger.Error("a session could not be sealed again",
			event.RequestFields(r, zap.Error(err), problem.CureField(err))...)
		return nil
	}
	return cookie
}

// isSecondGate reports whether a wechat_auth has seen the request before, and marks it as seen.
func isSecondGate(r *http.Request) bool {
	const seen = "http.handlers.wechat_auth"
	if caddyhttp.GetVar(r.Context(), seen) != nil {
		return true
	}
	caddyhttp.SetVar(r.Context(), seen, true)
	return false
}
