package simulator

import (
	"net/http"
	"net/url"
	"strings"
)

// authorize is GET /connect/oauth2/authorize, the page to which an app sends its visitor. Every problem is a page of
// WeChat's, never a redirect to the app.
func (s *Simulator) authorize(r *http.Request) response {
	if r.Method != http.MethodGet {
		return methodNotAllowed("GET")
	}
	if !s.knowsHost(r) {
		return problemPage(r, unknownHost(r)).withStatus(http.StatusForbidden)
	}
	req, p := s.checkAuthorization(r.URL.RawQuery, r.UserAgent())
	if p != nil {
		return problemPage(r, *p)
	}
	person, quirks := s.holderFor(r), s.Quirks()
	switch {
	case req.scope == ScopeUserinfo && (req.snapshot || quirks.SnapshotPages):
		return s.callback(r, http.StatusFound, req, person, true)
	case req.scope == ScopeUserinfo, req.scope == ScopePrivateInfo, quirks.Choose:
		return s.consentPage(r, req, person)
	default:
		return s.callback(r, http.StatusFound, req, person, false)
	}
}

// consentPath takes the form of the consent page. A test client may post there what a browser would:
// authorize, the query of the authorize URL; answer, which is allow, deny or snapshot; and person, an id from the list,
// which may be left out for the one who holds the phone.
const consentPath = "/simulator/consent"

// maxForm is more than any form of the simulator's needs.
const maxForm = 64 << 10

// consent takes what was answered on the consent page. Nothing in the form is believed: the authorize URL in it goes
// through the same checks as the first time.
func (s *Simulator) consent(r *http.Request) response {
	if refusal, ok := s.readForm(r); !ok {
		return refusal
	}
	req, p := s.checkAuthorization(r.PostForm.Get("authorize"), r.UserAgent())
	if p != nil {
		return problemPage(r, *p)
	}
	person, chosen, ok := s.chosenPerson(r)
	if !ok {
		return badRequest(r, "no_person", "{person}", r.PostForm.Get("person"))
	}

	var a response
	switch r.PostForm.Get("answer") {
	case "allow":
		a = s.callback(r, http.StatusSeeOther, req, person, false)
	case "snapshot":
		a = s.callback(r, http.StatusSeeOther, req, person, req.scope == ScopeUserinfo)
	case "deny":
		a = s.deny(r, req)
	default:
		return badRequest(r, "no_answer", "{answers}", "allow, deny, snapshot")
	}
	if chosen {
		a.header.Set("Set-Cookie", rememberPerson(person))
	}
	return a
}

// readForm reads the form that a button of a page sent, or makes the answer that refuses it.
func (s *Simulator) readForm(r *http.Request) (refusal response, ok bool) {
	if r.Method != http.MethodPost {
		return methodNotAllowed("POST"), false
	}
	if !s.knowsHost(r) {
		return problemPage(r, unknownHost(r)).withStatus(http.StatusForbidden), false
	}
	if !sameOrigin(r) {
		return problemPage(r, crossSite).withStatus(http.StatusForbidden), false
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return badRequest(r, "bad_form", "{error}", err.Error()), false
	}
	return response{}, true
}

// chosenPerson returns who tapped a button: the person chosen on the page, else the one who holds the phone. It fails
// for a person that does not exist.
func (s *Simulator) chosenPerson(r *http.Request) (person Person, chosen, ok bool) {
	id := r.PostForm.Get("person")
	if id == "" {
		return s.holderFor(r), false, true
	}
	person, ok = s.person(id)
	return person, ok, ok
}

// callback sends the visitor back to the app with a code.
func (s *Simulator) callback(
	r *http.Request, status int, req authorizationRequest, person Person, snapshot bool,
) response {
	if snapshot {
		person = snapshotOf(person)
	}
	code := s.issueCode(req.grant(person, snapshot))
	location := callbackURL(req.redirectURI, "code="+code+"&state="+req.state)
	s.duplicate(location, r.UserAgent())
	return redirect(status, location, "ok")
}

func (s *Simulator) deny(r *http.Request, req authorizationRequest) response {
	if s.Quirks().DenyRedirects {
		return redirect(http.StatusSeeOther, callbackURL(req.redirectURI, "state="+req.state), "denied")
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

func methodNotAllowed(method string) response {
	a := newResponse("text/plain; charset=utf-8", "use "+method+"\n", "405").withStatus(http.StatusMethodNotAllowed)
	a.header.Set("Allow", method)
	return a
}
