package page

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

// The only style and scripts of the pages. They stand in the HTML itself; the browser knows them by their hash and runs
// nothing else.
var (
	style   = newInline("style", mustRead("style.css"))
	scripts = map[Name]inline{
		OpenInWeChat: newInline("script", mustRead("copy.js")),
		Fragment:     newInline("script", mustRead("fragment.js")),
	}
)

func contentSecurityPolicy(name Name) string {
	policy := "default-src 'none'; style-src " + style.source
	if script, ok := scripts[name]; ok {
		policy += "; script-src " + script.source
	}
	return policy + "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// inline is an element with its text, and the name by which a Content-Security-Policy allows it.
type inline struct {
	element template.HTML
	source  string
}

func newInline(tag, text string) inline {
	sum := sha256.Sum256([]byte(text))
	return inline{
		element: template.HTML("<" + tag + ">" + text + "</" + tag + ">"), // our own embedded file
		source:  "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
}

func setHeaders(header http.Header, name Name, language string) {
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", language)
	header.Add("Vary", "Accept-Language")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", contentSecurityPolicy(name))
	header.Set("Referrer-Policy", referrerPolicy(name))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

// referrerPolicy keeps the page's address, which may carry a login code, to itself. The page with a form is the
// exception: under no-referrer a browser sends the form with "Origin: null", and whoever has to tell our own form from
// another site's could not.
func referrerPolicy(name Name) string {
	if name == ConfirmLogout {
		return "same-origin"
	}
	return "no-referrer"
}
