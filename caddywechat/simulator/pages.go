package simulator

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var (
	templates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
	style     = mustRead("pages/style.css")
	policy    = contentPolicy(style)
)

func mustRead(name string) string {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(content)
}

// contentPolicy allows a page its own style and pictures, and no script. form-action is left open: browsers apply it to
// the redirect that follows a form too, and where the app sends people from there is the app's affair. Pictures may
// come from anywhere, since an avatar may be any URL.
func contentPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	return "default-src 'none'; style-src 'sha256-" + hash + "'; img-src http: https: data:; base-uri 'none'; frame-ancestors 'none'"
}

// renderPage makes an HTML answer. root leads from the page's own address to the simulator's base URL, so that pages
// work below any base path.
func renderPage(name, root, outcome string, data any) answer {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, struct {
		Root  string
		Style template.CSS
		Data  any
	}{root, template.CSS(style), data})
	if err != nil {
		panic(err) // the templates are part of the program
	}
	a := newAnswer("text/html; charset=utf-8", b.String(), outcome)
	a.header.Set("Content-Security-Policy", policy)
	a.header.Set("X-Content-Type-Options", "nosniff")
	a.header.Set("Referrer-Policy", "same-origin") // no-referrer would make the Origin of our own forms "null"
	return a
}

// problemPage is WeChat's error page, HTTP status 200, and below it what the simulator has to say.
func problemPage(root string, p problem) answer {
	return renderPage("problem.html", root, p.outcome, p)
}

func closedPage() answer {
	return renderPage("closed.html", "../", "denied", nil)
}

// face is a person as pages show them.
type face struct {
	ID, Nickname, Avatar string
	Holding              bool
}

// faces returns who may be chosen on a page: the people, and those of Nasty where they are wanted, or one of them holds
// the phone.
func (s *Simulator) faces(root string, holding Person) (people, nasty []face) {
	for _, person := range s.People() {
		people = append(people, newFace(root, person, holding))
	}
	all := s.Quirks().NastyPeople
	for _, person := range Nasty() {
		if all || person == holding {
			nasty = append(nasty, newFace(root, person, holding))
		}
	}
	return people, nasty
}

func newFace(root string, person, holding Person) face {
	avatar := person.Avatar
	if avatar != "" && !isURL(avatar) {
		avatar = root + strings.TrimPrefix(avatarPath, "/") + person.ID + "/96"
	}
	return face{person.ID, person.Nickname, avatar, person.ID == holding.ID}
}

// consentPage asks the person who holds the phone; and, since the simulator can't know, who that is.
func (s *Simulator) consentPage(ask authorization, holding Person) answer {
	const root = "../../"
	people, nasty := s.faces(root, holding)
	return renderPage("consent.html", root, "consent", struct {
		Account   string
		Site      string
		Authorize string
		Profile   bool
		People    []face
	}{ask.account.Name, ask.redirect.Host, ask.raw, ask.scope == ScopeUserinfo, append(people, nasty...)})
}
