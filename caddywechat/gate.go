package caddywechat

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// visit is one request on its way through the gate.
type visit struct {
	*http.Request        // with the URL that the client sent, until it is passed on
	origin        origin // what the browser calls the site; none has no host
	cookies       []session.Sent
	tokens        []string          // which outrank the cookies
	restore       func()            // gives the request the URL that it came to the gate with
	next          caddyhttp.Handler // behind the gate
	agent         *visitor.Client   // what client returns, once somebody asked
}

// ServeHTTP is the gate.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if isSecondGate(r) {
		if r.Context().Value(caddyhttp.ErrorCtxKey) != nil { // in error routes: the first one has judged the request
			return next.ServeHTTP(w, r)
		}
		h.logger.Error("two wechat_auth are on the way of one request: write one for the site, with rules for its paths; or put each "+
			"into a handle block of its own, with a prefix below the block's path and a session cookie of its own", zap.String("host", r.Host), zap.String("path", r.URL.Path))
		return caddyhttp.Error(http.StatusInternalServerError, errors.New("two wechat_auth on the way of one request"))
	}
	v := &visit{Request: r, origin: h.originOf(r), tokens: takeTokens(r.Header), next: next}
	v.cookies = h.takeCookies(r.Header, v.origin.secure())
	h.reserved.Strip(r)
	stripUpgrades(r.Header)
	v.restore = asReceived(r)
	if !hasPath(r) {
		return caddyhttp.Error(http.StatusBadRequest, errors.New("the request line names no path"))
	}
	if opensTunnel(r) {
		return h.answer(w, v, problemMethod, page.Data{})
	}
	if login.IsUnder(r.URL.Path, h.Prefix) {
		setPlaceholders(r, nil)
		return h.serveOwn(w, v)
	}
	if content, ok := verifyFile(r); ok {
		return h.serveVerifyFile(w, v, content)
	}
	return h.judge(w, v)
}

// pass passes the request on as this person, as nobody when id is nil.
func (h *Handler) pass(w http.ResponseWriter, v *visit, id identity.Identity) error {
	h.headers.Set(v.Header, id)
	setPlaceholders(v.Request, id)
	v.restore()
	return v.next.ServeHTTP(w, v.Request)
}

// judge does what the rules ask for.
func (h *Handler) judge(w http.ResponseWriter, v *visit) error {
	ask, err := h.ask(v.Request)
	if err != nil {
		return err
	}
	if ask == AskNothing {
		return h.pass(w, v, nil)
	}
	s, err := h.liveSession(v)
	switch {
	case s != nil && h.satisfies(s, ask):
		if isStream(v.Request) {
			return h.passStream(w, v, s, ask)
		}
		s, isRenewed := h.renew(v, s)
		return h.pass(h.note(w, v, s, isRenewed), v, s.Identity)
	case s == nil && err == nil && len(v.tokens) > 0:
		return h.loginRequired(w, v) // a token that does not open is no reason to take the program for somebody else
	case ask == AskOptional && len(v.tokens) == 0:
		return h.pass(w, v, nil)
	case err != nil:
		return h.fail(w, v, problemStore, err)
	default:
		return h.challenge(w, v, ask, s)
	}
}

// challenge answers a request whose session, nil where there is none, is not what is asked for.
func (h *Handler) challenge(w http.ResponseWriter, v *visit, ask Ask, s *session.Session) error {
	found := h.redirectorsFor(v.client())
	switch {
	case len(v.tokens) > 0:
		return h.answer(w, v, problemNoProfile, page.Data{Action: "/"})
	case len(found) == 0 && h.OutsideWeChat == outsidePass && ask == AskLogin:
		return h.pass(w, v, nil)
	case visitor.IsFormOrFrame(v.Request):
		return h.askToLogIn(w, v, ask, s, found)
	case !visitor.IsNavigation(v.Request) && s != nil:
		return h.profileRequired(w, v, found)
	case !visitor.IsNavigation(v.Request):
		return h.loginRequired(w, v)
	case h.comesByAnotherHost(v):
		return h.goToPublicHost(w, v)
	case len(found) > 0 && h.mayHaveFragment(v):
		return h.askForFragment(w, v, ask == AskUserinfo)
	default:
		return h.lead(w, v, ask == AskUserinfo, false, target(v.Request))
	}
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

func (h *Handler) isOwnCookie(name string, secure bool) bool {
	return h.cookies.IsName(name, secure) || session.IsOwnCookie(name)
}

// takeCookies removes the module's own cookies from a header, so that they never go upstream, and returns them. Others stay
// as the client wrote them.
func (h *Handler) takeCookies(header http.Header, secure bool) (taken []session.Sent) {
	lines := header["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		before := len(taken)
		var others strings.Builder
		for pair, rest, more := "", line, true; more; {
			pair, rest, more = strings.Cut(rest, ";")
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch {
			case h.isOwnCookie(name, secure):
				taken = append(taken, session.Sent{Name: name, Value: value})
			case others.Len() == 0:
				others.Grow(len(line))
				others.WriteString(pair)
			default:
				others.WriteByte(';')
				others.WriteString(pair)
			}
		}
		if len(taken) > before {
			line = strings.TrimSpace(others.String())
		}
		if line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(header, "Cookie")
	} else {
		header["Cookie"] = kept
	}
	return taken
}

// setPlaceholders makes {http.auth.user.*} and {http.wechat.*} the fields of id, and empty what id lacks: a placeholder that nobody knows
// would go upstream as it is written.
func setPlaceholders(r *http.Request, id identity.Identity) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	if id == nil {
		repl.Map(nobody)
		return
	}
	repl.Map(func(key string) (any, bool) {
		name, ok := userField(key)
		if !ok {
			return nil, false
		}
		return withoutControls(id.Get(name)), true
	})
}

// userField returns the field that a placeholder stands for: by the names that Caddy's own authentication has, too, which
// access logs read, and by some that nobody else writes, where a basic_auth overwrites those.
func userField(key string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(key, "http.wechat."); ok {
		return name, true
	}
	return strings.CutPrefix(key, "http.auth.user.")
}

// nobody has the placeholders where there is no identity.
func nobody(key string) (any, bool) {
	_, ok := userField(key)
	return "", ok
}

// withoutControls replaces what would end a line, wherever a site puts a person's own words.
func withoutControls(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// client returns what the visitor's browser says of itself.
func (v *visit) client() visitor.Client {
	if v.agent == nil {
		client := visitor.Of(v.UserAgent())
		v.agent = &client
	}
	return *v.agent
}

// clientIP returns the address that the request came from, as far as Caddy's trusted_proxies tell.
func (v *visit) clientIP() string {
	ip, _ := caddyhttp.GetVar(v.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// log returns the fields that every line about a request has.
func (v *visit) log(fields ...zap.Field) []zap.Field {
	return append(fields,
		zap.String("host", v.origin.host),
		zap.String("client_ip", v.clientIP()),
		zap.String("request_id", v.id()))
}

// id returns the request's id, which error pages show and log lines hold.
func (v *visit) id() string {
	repl, ok := v.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id
}
