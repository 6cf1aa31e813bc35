package simulator

import (
	"net/http"
	"net/url"
	"slices"
)

// addOverview adds the page that explains the simulator. Its buttons do what the control calls do.
func (s *Simulator) addOverview(mux *http.ServeMux) {
	mux.HandleFunc("GET /simulator", func(w http.ResponseWriter, _ *http.Request) {
		redirect(http.StatusFound, "simulator/", "").write(w)
	})
	mux.HandleFunc("GET /simulator/{$}", s.overview)
	mux.HandleFunc("POST /simulator/{$}", s.postOverview)
}

// overviewCalls is how many calls the page shows.
const overviewCalls = 8

// overview is GET /simulator/.
func (s *Simulator) overview(w http.ResponseWriter, r *http.Request) {
	if !s.knowsHost(r) {
		problemPage(r, unknownHost(r)).withStatus(http.StatusForbidden).write(w)
		return
	}
	people, nasty := s.personViews(rootOf(r), s.holderFor(r))
	calls := s.Journal()
	slices.Reverse(calls)
	renderPage(r, "overview", "", struct {
		Base          string
		Accounts      []account
		WeCom         []WeComApp
		People, Nasty []personView
		Quirks        []quirkGroup
		Faults        []Fault
		FaultKinds    []faultDoc
		FaultPaths    []string
		Calls         []Call
		Authorize     string
		QRConnect     string
		MiniProgram   MiniProgram
		MobileApp     MobileApp
	}{
		s.baseURL(r), s.accounts, s.config.WeCom, people, nasty, s.quirkGroups(), s.Faults(), faultDocs, faultPaths,
		calls[:min(len(calls), overviewCalls)],
		exampleQuery(s.accounts[0]), exampleQuery(s.config.Websites[0].account()),
		s.config.MiniPrograms[0], s.config.MobileApps[0],
	}).write(w)
}

// exampleQuery is the query of an authorize URL that the account may use, or of a QR login's.
func exampleQuery(account account) string {
	host, path := account.callback()
	scope := ScopeUserinfo
	switch {
	case account.Kind == kindWebsite:
		scope = ScopeLogin
	case !account.grants(scope):
		scope = ScopeBase
	}
	return "appid=" + account.AppID + "&redirect_uri=" + url.QueryEscape("http://"+bracketed(host)+path+"/callback") +
		"&response_type=code&scope=" + scope + "&state=a1B2"
}

// postOverview is POST /simulator/, which the buttons of the page send.
func (s *Simulator) postOverview(w http.ResponseWriter, r *http.Request) {
	if refusal, ok := s.readForm(r); !ok {
		refusal.write(w)
		return
	}
	back, cookie := "./", ""
	switch {
	case r.PostFormValue("person") != "":
		person, ok := s.person(r.PostFormValue("person"))
		if !ok {
			badRequest(r, "no_person", "{person}", r.PostFormValue("person")).write(w)
			return
		}
		back, cookie = "./#people", rememberPerson(person)
	case r.PostFormValue("quirks") != "":
		if err := s.changeQuirks([]byte(r.PostFormValue("quirks"))); err != nil {
			badRequest(r, "no_quirk", "{error}", err.Error()).write(w)
			return
		}
		back = "./#quirks"
	case r.PostFormValue("do") == "clear faults":
		s.ClearFaults()
		back = "./#faults"
	case r.PostFormValue("do") == "reset":
		s.Reset()
		cookie = forgetPerson()
	default:
		badRequest(r, "no_button").write(w)
		return
	}
	a := redirect(http.StatusSeeOther, back, "ok")
	if cookie != "" {
		a.header.Set("Set-Cookie", cookie)
	}
	a.write(w)
}
