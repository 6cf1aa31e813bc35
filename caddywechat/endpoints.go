package caddywechat

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// endpoint is one of the module's own addresses.
type endpoint struct {
	methods []string
	// late: not in TLS early data, which somebody may have recorded and sent again.
	late  bool
	serve func(*Handler, http.ResponseWriter, *visit) error
}

var endpoints = map[string]endpoint{
	"login":    {methods: reading, serve: (*Handler).login},
	"callback": {methods: []string{http.MethodGet}, late: true, serve: (*Handler).callback},
	"logout":   {methods: []string{http.MethodGet, http.MethodPost}, late: true, serve: (*Handler).logout},
	"me":       {methods: reading, serve: (*Handler).me},
	"health":   {methods: reading, serve: (*Handler).health},
	"jssdk":    {methods: reading, serve: (*Handler).jssdk},
}

var reading = []string{http.MethodGet, http.MethodHead}

// serveOwn answers what lies under the prefix, whatever it is.
func (h *Handler) serveOwn(w http.ResponseWriter, v *visit) error {
	name := strings.TrimPrefix(strings.TrimPrefix(v.URL.Path, h.Prefix), "/")
	if strings.HasPrefix(name, "callback") {
		hideFromAccessLog(v.Request)
	}
	e, ok := endpoints[name]
	if !ok {
		e, ok = h.endpoints[name]
	}
	switch {
	case !ok:
		return h.answer(w, v, problemNotFound, page.Data{Action: "/"})
	case !slices.Contains(e.methods, v.Method):
		w.Header().Set("Allow", strings.Join(e.methods, ", "))
		return h.answer(w, v, problemMethod, page.Data{Action: "/"})
	case e.late && isEarly(v.Request):
		return h.answer(w, v, problemTooEarly, page.Data{})
	default:
		return e.serve(h, w, v)
	}
}

// isEarly reports whether a request came in TLS early data, here or at a proxy that says so (RFC 8470).
func isEarly(r *http.Request) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete || r.Header.Get("Early-Data") == "1"
}

// login begins a login, by the account that is asked for or the one that serves the browser. A visitor whose session is
// what is asked for goes straight on, but for one who names an account: that is how people switch.
func (h *Handler) login(w http.ResponseWriter, v *visit) error {
	query := v.URL.Query()
	if h.comesByAnotherHost(v) {
		return h.goToPublicHost(w, v)
	}
	profile, name := query.Get("profile") == "1", query.Get("account")
	target := h.fitTarget(v, login.ReturnTo(query.Get("return_to"), h.Prefix))
	if name != "" {
		chosen := h.redirectorOf(name)
		if chosen == nil {
			return h.answer(w, v, problemBadRequest, page.Data{Action: "/"})
		}
		return h.begin(w, v, start{account: chosen, profile: profile, target: target})
	}
	live, err := h.liveSession(v)
	switch {
	case err != nil:
		return h.fail(w, v, problemStore, err)
	case live != nil && h.isWhatIsAskedFor(live.Identity, profile):
		redirect(w, http.StatusFound, login.Location(v.origin.String(), target))
		return nil
	default:
		return h.lead(w, v, profile, query.Get("scan") == "1", target)
	}
}

// redirectorOf returns the site's account of a kind or an app id, nil where there is none that visitors can be sent to.
func (h *Handler) redirectorOf(name string) account.Redirector {
	for _, a := range h.accounts {
		if r, ok := a.(account.Redirector); ok && (a.Kind() == name || a.AppID() == name) {
			return r
		}
	}
	return nil
}

// logout ends the visitor's session. What a browser asks for by itself, such as an image or the next page ahead of a click,
// does not, and a request that another site caused shows a button instead.
func (h *Handler) logout(w http.ResponseWriter, v *visit) error {
	returnTo := v.URL.Query().Get("return_to")
	if v.URL.Query().Get("others") == "1" {
		return h.logoutOthers(w, v, returnTo)
	}
	if v.Method == http.MethodGet && !visitor.IsNavigation(v.Request) {
		w.Header().Set("Allow", http.MethodPost)
		return h.answer(w, v, problemMethod, page.Data{Action: "/"})
	}
	if len(v.tokens) == 0 && (isFromElsewhere(v) || v.Method == http.MethodGet && !h.isFromHere(v)) {
		action := h.Prefix + "/logout?confirmed=1"
		if returnTo != "" {
			action = h.Prefix + "/logout?return_to=" + url.QueryEscape(login.ReturnTo(returnTo, h.Prefix))
		}
		h.show(w, v, http.StatusOK, page.ConfirmLogout, page.Data{Action: action})
		return nil
	}
	if err := h.endSessions(w, v); err != nil {
		return h.fail(w, v, problemStore, err)
	}
	if returnTo == "" && v.Method == http.MethodPost && v.URL.Query().Get("confirmed") == "1" {
		redirect(w, http.StatusSeeOther, h.Prefix+"/logout") // a page that can be reloaded and come back to
		return nil
	}
	if returnTo == "" {
		h.show(w, v, http.StatusOK, page.LoggedOut, page.Data{Action: h.loginURL("/", false)})
		return nil
	}
	status := http.StatusFound
	if v.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	redirect(w, status, h.fitTarget(v, login.ReturnTo(returnTo, h.Prefix)))
	return nil
}

// endSessions ends every session that the browser carries, and with them the logins that it has begun. Where there is
// none it sets nothing.
func (h *Handler) endSessions(w http.ResponseWriter, v *visit) error {
	sessions, err := h.liveSessions(v, maxLogoutCookies)
	if err != nil || len(sessions) == 0 {
		return err
	}
	sealers, err := h.keyring.sealers(v.Context())
	if err != nil {
		return err
	}
	// A store that fails is logged by its watch. The sessions are over here all the same.
	_ = h.revokeSessions(v.Context(), sessions...)
	for _, s := range sessions {
		h.forgetInBackground(h.person(h.accountOf(s.Identity.Get(identity.Account)), s.Identity))
	}
	if len(v.tokens) > 0 {
		return nil // a program forgets its token by itself
	}
	h.forgetChoice(w, v)
	http.SetCookie(w, h.cookies.New("", 0, v.origin.secure()))
	h.forgetLogins(w, v, sealers)
	return nil
}

// isFromElsewhere reports whether a page of another site caused the request. Browsers too old for Sec-Fetch-Site say so
// by Origin only, and only with a POST.
func isFromElsewhere(v *visit) bool {
	if site := v.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	text := v.Header.Get("Origin")
	u, err := url.Parse(text)
	// The scheme is left out: behind a balancer that is not trusted we do not know it.
	return text != "" && (err != nil || origin{u.Scheme, canonicalHost(u.Scheme, u.Host)}.hostname() != v.origin.hostname())
}

// isFromHere reports whether a browser says that a navigation began at this site or by hand. Over http it tells by Referer
// at most.
func (h *Handler) isFromHere(v *visit) bool {
	if v.Header.Get("Sec-Fetch-Site") != "" || v.Header.Get("Origin") != "" {
		return !isFromElsewhere(v)
	}
	_, ok := h.refererHere(v)
	return ok
}

// me tells a page's script who the visitor is.
func (h *Handler) me(w http.ResponseWriter, v *visit) error {
	s, err := h.liveSession(v)
	if err != nil {
		return h.fail(w, v, problemStore, err)
	}
	if s == nil {
		return h.loginRequired(w, v)
	}
	body := map[string]string{"expires_at": s.End(h.livesOf(v)).UTC().Format(time.RFC3339)}
	for _, f := range s.Identity {
		body[f.Name] = f.Value
	}
	return writeJSON(w, http.StatusOK, body)
}

// health tells a balancer whether all that visitors may need works here: the session key, and the store.
func (h *Handler) health(w http.ResponseWriter, v *visit) error {
	status := http.StatusOK
	if _, err := h.keyring.sealers(v.Context()); err != nil || !h.storeWorks(v.Context()) {
		status = http.StatusServiceUnavailable
	}
	setOwnHeaders(w.Header())
	writeOwnHeader(w, status)
	return nil
}

// pageOf returns the page that a script's request belongs to, where a login is to lead back to: the page that it was
// sent from or, where the browser does not say, what it asked for.
func (h *Handler) pageOf(v *visit) string {
	if page, ok := h.refererHere(v); ok {
		return page
	}
	if v.Method == http.MethodGet || v.Method == http.MethodHead {
		return login.ReturnTo(target(v.Request), h.Prefix)
	}
	return "/"
}

// refererHere returns the page of this site that a request came from, if the browser names one. The scheme is left out:
// behind a balancer that is not trusted we do not know it.
func (h *Handler) refererHere(v *visit) (page string, ok bool) {
	u, err := url.Parse(v.Referer())
	if err != nil || v.origin.host == "" || canonicalHost(u.Scheme, u.Host) != v.origin.host {
		return "", false
	}
	return login.ReturnTo(u.RequestURI(), h.Prefix), true
}
