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
	note   string   // what the simulator adds, one of the notes in words/*.json: what to change
	values []string // what stands in the {places} of both: a place and its text, by turns
}

func (p problem) outcome() string {
	if p.code != 0 {
		return strconv.Itoa(p.code)
	}
	return p.about
}

// problemPage is WeChat's error page, HTTP status 200, and below it what the simulator has to say.
func problemPage(r *http.Request, p problem) answer {
	language := languageOf(r)
	title, original := say(language, "titles", p.title, p.values...), say("zh-CN", "titles", p.title, p.values...)
	if p.ours || title == original {
		original = ""
	}
	return renderPage(r, "problem", p.outcome(), struct {
		Title    string
		Original string // WeChat's words as they are known from the web; empty if the title is that
		Code     int
		Note     string
	}{title, original, p.code, say(language, "notes", p.note, p.values...)})
}

var crossSite = problem{about: "cross-site", title: "cross_site", ours: true, note: "cross_site"}

// badRequest refuses a form that none of the simulator's pages sends.
func badRequest(r *http.Request, note string, values ...string) answer {
	p := problem{about: "400", title: "bad_request", ours: true, note: note, values: values}
	return problemPage(r, p).withStatus(http.StatusBadRequest)
}
