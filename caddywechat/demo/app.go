package demo

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// app is the small app behind the login. It knows nothing of WeChat but the request headers.
type app struct{}

//go:embed app.html
var appHTML string

var appTemplate = template.Must(template.New("app").Parse(appHTML))

type appPage struct {
	Path    string
	Rule    string
	User    string
	Headers []header
}

type header struct{ Name, Value, Decoded string }

var rules = map[string]string{
	"/public":   "public",
	"/optional": "optional",
	"/profile":  "userinfo",
}

func (app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := appPage{Path: r.URL.Path, Rule: "login", User: r.Header.Get("X-Wechat-User")}
	if rule, ok := rules[r.URL.Path]; ok {
		p.Rule = rule
	}
	for name, values := range r.Header {
		if !strings.HasPrefix(name, "X-Wechat-") {
			continue
		}
		decoded, err := url.PathUnescape(values[0])
		if err != nil || decoded == values[0] {
			decoded = ""
		}
		p.Headers = append(p.Headers, header{name, values[0], decoded})
	}
	slices.SortFunc(p.Headers, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	appTemplate.Execute(w, p)
}
