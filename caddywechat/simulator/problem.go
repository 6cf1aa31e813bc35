package simulator

import (
	"net/http"
	"strconv"
)

// problem is why a page shows an error instead of logging someone in.
type problem struct {
	about  string   // what is wrong: for the journal, where there is no code
	title  string   // what WeChat says, one of the titles in words/*.json
	ours   bool     // WeChat's words are not known, the title is the simulator's
	code   int      // WeChat's error code; 0: it shows none
	hint   string   // what the simulator adds, one of the hints in words/*.json: what to change
	values []string // for the {placeholders} of both: a placeholder and its text, by turns
}

func (p problem) outcome() string {
	if p.code != 0 {
		return strconv.Itoa(p.code)
	}
	return p.about
}

// problemPage is WeChat's error page, HTTP status 200, and below it what the simulator has to say.
func problemPage(r *http.Request, p problem) response {
	language := languageOf(r)
	title := translate(language, "titles", p.title, p.values...)
	original := translate("zh-CN", "titles", p.title, p.values...)
	if p.ours || title == original {
		original = ""
	}
	return renderPage(r, "problem", p.outcome(), struct {
		Title    string
		Original string // WeChat's words as they are known from the web; empty if the title is that
		Code     int
		Hint     string
	}{title, original, p.code, translate(language, "hints", p.hint, p.values...)})
}

var crossSite = problem{about: "cross-site", title: "cross_site", ours: true, hint: "cross_site"}

// badRequest refuses a form that none of the simulator's pages sends.
func badRequest(r *http.Request, hint string, values ...string) response {
	p := problem{about: "400", title: "bad_request", ours: true, hint: hint, values: values}
	return problemPage(r, p).withStatus(http.StatusBadRequest)
}
