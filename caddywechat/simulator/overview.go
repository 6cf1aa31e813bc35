package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// addOverview adds the page that explains the simulator. Its buttons do what the control calls do.
func (s *Simulator) addOverview(mux *http.ServeMux) {
	mux.HandleFunc("GET /simulator", func(w http.ResponseWriter, _ *http.Request) {
		redirect(http.StatusFound, "simulator/", "").write(w)
	})
	mux.HandleFunc("GET /simulator/{$}", s.overview)
	mux.HandleFunc("POST /simulator/{$}", s.press)
}

// overviewCalls is how many calls the page shows.
const overviewCalls = 8

// overview is GET /simulator/.
func (s *Simulator) overview(w http.ResponseWriter, r *http.Request) {
	const root = "../"
	people, nasty := s.faces(root, s.holding(r))
	calls := s.Journal()
	slices.Reverse(calls)
	renderPage("overview.html", root, "", struct {
		Base          string
		Accounts      []OfficialAccount
		People, Nasty []face
		Quirks        []quirkGroup
		Faults        []Fault
		FaultKinds    []faultNote
		FaultPaths    []string
		Calls         []Call
		Authorize     string
	}{
		s.baseURL(r), s.config.Accounts, people, nasty, s.quirkGroups(), s.Faults(), faultNotes, faultyPaths,
		calls[:min(len(calls), overviewCalls)], exampleQuery(s.config.Accounts[0]),
	}).write(w)
}

// exampleQuery is the query of an authorize URL that the account may use.
func exampleQuery(account OfficialAccount) string {
	host, path := account.callback()
	scope := ScopeUserinfo
	if !account.grants(scope) {
		scope = ScopeBase
	}
	return "appid=" + account.AppID + "&redirect_uri=" + url.QueryEscape("http://"+bracketed(host)+path+"/callback") +
		"&response_type=code&scope=" + scope + "&state=a1B2"
}

// press takes the buttons of the page.
func (s *Simulator) press(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		problemPage("../", crossSite).withStatus(http.StatusForbidden).write(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	refuse := func(zh, en string) {
		problemPage("../", badForm(zh, en)).withStatus(http.StatusBadRequest).write(w)
	}
	back, cookie := "./", ""
	switch {
	case r.PostFormValue("person") != "":
		person, ok := s.person(r.PostFormValue("person"))
		if !ok {
			refuse("没有这个人", "there is no such person")
			return
		}
		back, cookie = "./#people", rememberPerson(person)
	case r.PostFormValue("quirks") != "":
		if err := s.changeQuirks([]byte(r.PostFormValue("quirks"))); err != nil {
			refuse("没有这个开关或取值", err.Error())
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
		refuse("没有这个操作", "the page has no such button")
		return
	}
	a := redirect(http.StatusSeeOther, back, "ok")
	if cookie != "" {
		a.header.Set("Set-Cookie", cookie)
	}
	a.write(w)
}

// quirkGroup is a heading of the page, and the quirks below it.
type quirkGroup struct {
	ZH, EN string
	Quirks []quirkNote
}

// quirkNote explains a quirk.
type quirkNote struct {
	Name   string
	Values []quirkValue // for a length of time the usual ones, for others all; the first is the default
	ZH, EN string
}

// quirkValue is a button of the page.
type quirkValue struct {
	Label   string
	Change  string // the body of PATCH /simulator/quirks
	Current bool
}

// quirkGroups returns the notes with the values that they have now.
func (s *Simulator) quirkGroups() []quirkGroup {
	encoded, err := json.Marshal(s.Quirks().json())
	if err != nil {
		panic(err) // only our own types come here
	}
	var current map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &current); err != nil {
		panic(err)
	}
	var groups []quirkGroup
	for _, group := range quirkNotes {
		group.Quirks = slices.Clone(group.Quirks)
		for i, note := range group.Quirks {
			group.Quirks[i].Values = note.valuesNow(string(current[note.Name]))
		}
		groups = append(groups, group)
	}
	return groups
}

// valuesNow marks the current value, and adds it where it is an unusual one.
func (n quirkNote) valuesNow(current string) []quirkValue {
	label := strings.Trim(current, `"`)
	var values []quirkValue
	known := false
	for _, value := range n.Values {
		value.Current = value.Label == label
		known = known || value.Current
		values = append(values, value)
	}
	if !known {
		values = append(values, quirkValue{label, `{"` + n.Name + `":` + current + `}`, true})
	}
	return values
}
