package simulator

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

//go:embed pages words
var pageFiles embed.FS

var (
	templates = template.Must(template.New("pages").Option("missingkey=error").ParseFS(pageFiles, "pages/*.html"))

	overviewStyle = mustRead("pages/base.css") + mustRead("pages/overview.css")
	wechatStyle   = mustRead("pages/base.css") + mustRead("pages/wechat.css")

	// scripts are those of the pages that have one. Without it a page still says what it has to say.
	scripts = map[string]string{"qrconnect": mustRead("pages/qrconnect.js"), "wwlogin": mustRead("pages/qrconnect.js")}
)

func mustRead(name string) string {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(content)
}

func styleOf(page string) string {
	if page == "overview" {
		return overviewStyle
	}
	return wechatStyle
}

// policyOf allows a page its own style and pictures, and its script, if it has one, which may ask the simulator.
// form-action is left open: browsers apply it to the redirect that follows a form too, and where the app sends people
// from there is the app's affair. Pictures may come from anywhere, since an avatar may be any URL.
func policyOf(page string) string {
	policy := "default-src 'none'; style-src " + hashOf(styleOf(page)) + "; img-src http: https: data:"
	if script, ok := scripts[page]; ok {
		policy += "; script-src " + hashOf(script) + "; connect-src 'self'"
	}
	return policy + "; base-uri 'none'; frame-ancestors 'none'"
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// rootOf is the relative path from the address of r to the simulator's base URL, so that pages work below any base
// path.
func rootOf(r *http.Request) string {
	return strings.Repeat("../", max(0, strings.Count(r.URL.Path, "/")-1))
}

// renderPage makes an HTML answer of the page of this name, in the language of r's visitor.
func renderPage(r *http.Request, page, outcome string, data any) response {
	language := languageOf(r)
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, page+".html", struct {
		Root     string
		Language string
		Words    map[string]string
		Style    template.CSS
		Script   template.JS
		Data     any
	}{rootOf(r), language, words[language][page], template.CSS(styleOf(page)), template.JS(scripts[page]), data})
	if err != nil {
		panic(err) // the templates are part of the program
	}
	a := newResponse("text/html; charset=utf-8", b.String(), outcome)
	a.header.Set("Vary", "Accept-Language")
	a.header.Set("Content-Security-Policy", policyOf(page))
	a.header.Set("X-Content-Type-Options", "nosniff")
	a.header.Set("Referrer-Policy", "same-origin") // no-referrer would make the Origin of our own forms "null"
	return a
}
