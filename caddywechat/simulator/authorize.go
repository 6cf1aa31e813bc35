package simulator

import (
	"net/http"
	"net/url"
	"strings"
)

// authorize is GET /connect/oauth2/authorize, the page to which an app sends its visitor. Every problem is a page of
// WeChat's, never a redirect to the app.
func (s *Simulator) authorize(r *http.Request) answer {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	if !s.knowsHost(r) {
		return problemPage(r, foreignHost(r)).withStatus(http.StatusForbidden)
	}
	ask, p := s.checkAuthorization(r.URL.RawQuery, r.UserAgent())
	if p != nil {
		return problemPage(r, *p)
	}
	person, quirks := s.holding(r), s.Quirks()
	switch {
	case ask.scope == ScopeUserinfo && (ask.snapshot || quirks.SnapshotPages):
		return s.callback(r, http.StatusFound, ask, person, true)
	case ask.scope == ScopeUserinfo, ask.scope == ScopePrivateInfo, quirks.Choose:
		return s.consentPage(r, ask, person)
	default:
		return s.callback(r, http.StatusFound, ask, person, false)
	}
}

// consentPath is where the buttons of the consent page lead. A test client may post there what a browser would:
// authorize, the query of the authorize URL; answer, which is allow, deny or snapshot; and person, an id from the list,
// which may be left out for the one who holds the phone.
const consentPath = "/simulator/consent"

// maxForm is more than any form of the simulator's needs.
const maxForm = 64 << 10

// consent takes what was answered on the consent page. Nothing in the form is believed: the authorize URL in it goes
// through the same checks as the first time.
func (s *Simulator) consent(r *http.Request) answer {
	if refusal, ok := s.readForm(r); !ok {
		return refusal
	}
	ask, p := s.checkAuthorization(r.PostForm.Get("authorize"), r.UserAgent())
	if p != nil {
		return problemPage(r, *p)
	}
	person, chosen, ok := s.answering(r)
	if !ok {
		return badRequest(r, "no_person", "{person}", r.PostForm.Get("person"))
	}

	var a answer
	switch r.PostForm.Get("answer") {
	case "allow":
		a = s.callback(r, http.StatusSeeOther, ask, person, false)
	case "snapshot":
		a = s.callback(r, http.StatusSeeOther, ask, person, ask.scope == ScopeUserinfo)
	case "deny":
		a = s.deny(r, ask)
	default:
		return badRequest(r, "no_answer", "{answers}", "allow, deny, snapshot")
	}
	if chosen {
		a.header.Set("Set-Cookie", rememberPerson(person))
	}
	return a
}

// readForm reads the form that a button of a page sent, or makes the answer that refuses it.
func (s *Simulator) readForm(r *http.Request) (refusal answer, ok bool) {
	if r.Method != http.MethodPost {
		return methodNotAllowed("POST"), false
	}
	if !s.knowsHost(r) {
		return problemPage(r, foreignHost(r)).withStatus(http.StatusForbidden), false
	}
	if !sameOrigin(r) {
		return problemPage(r, crossSite).withStatus(http.StatusForbidden), false
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return badRequest(r, "bad_form", "{error}", err.Error()), false
	}
	return answer{}, true
}

// answering returns who tapped a button: the person chosen on the page, else the one who holds the phone. It fails for
// a person that does not exist.
func (s *Simulator) answering(r *http.Request) (person Person, chosen, ok bool) {
	id := r.PostForm.Get("person")
	if id == "" {
		return s.holding(r), false, true
	}
	person, ok = s.person(id)
	return person, ok, ok
}

// callback sends the visitor back to the app with a code.
func (s *Simulator) callback(r *http.Request, status int, ask authorization, person Person, snapshot bool) answer {
	if snapshot {
		person = snapshotOf(person)
	}
	code := s.issueCode(ask.grant(person, snapshot))
	location := callbackURL(ask.redirectURI, "code="+code+"&state="+ask.state)
	s.duplicate(location, r.UserAgent())
	return redirect(status, location, "ok")
}

func (s *Simulator) deny(r *http.Request, ask authorization) answer {
	if s.Quirks().DenyRedirects {
		return redirect(http.StatusSeeOther, callbackURL(ask.redirectURI, "state="+ask.state), "denied")
	}
	return renderPage(r, "closed", "denied", nil)
}

// callbackURL adds to the query of redirect_uri, before a fragment if there is one, and leaves everything else alone.
func callbackURL(redirectURI, query string) string {
	before, after := splitCallback(redirectURI)
	return before + query + after
}

// splitCallback returns what stands before and after that which is added.
func splitCallback(redirectURI string) (before, after string) {
	page, fragment, hasFragment := strings.Cut(redirectURI, "#")
	if hasFragment {
		after = "#" + fragment
	}
	if strings.Contains(page, "?") {
		return page + "&", after
	}
	return page + "?", after
}

// sameOrigin reports whether a request comes from one of the simulator's own pages, or from no browser at all. A page
// of someone else's must not control what listens on a developer's machine.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin := r.Header.Get("Origin")
		if origin == "" {
			return true
		}
		u, err := url.Parse(origin)
		return err == nil && u.Host == r.Host
	default:
		return false
	}
}

func methodNotAllowed(method string) answer {
	a := newAnswer("text/plain; charset=utf-8", "use "+method+"\n", "405").withStatus(http.StatusMethodNotAllowed)
	a.header.Set("Allow", method)
	return a
}
