package page

import (
	"embed"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

//go:embed layout.html style.css copy.js fragment.js pages words
var files embed.FS

// templates has every built-in page, ready to use.
var templates = parseTemplates()

// view is what the templates see.
type view struct {
	Data
	Language string
	Words    map[string]string
	Style    template.HTML
	Script   template.HTML
	QR       template.HTML // of URL; empty where there is none that a phone could read
}

// newView keeps of data only what is safe to link to.
func newView(name Name, language string, data Data) view {
	data.Action = actionLink(data.Action)
	data.URL = absoluteLink(data.URL)
	if name == Snapshot {
		data.Action = "" // nothing there can be tapped
	}

	v := view{Data: data, Language: language, Words: words[language][name], Style: style.element, Script: scripts[name].element}
	if name == OpenInWeChat {
		v.QR = qrCode(data.URL)
	}
	return v
}

// CanScan says that the visitor has a QR code before them and, as far as we know, a phone beside it.
func (v view) CanScan() bool { return v.QR != "" && !v.Phone }

func parseTemplates() map[Name]*template.Template {
	layout := template.Must(template.New("layout.html").Option("missingkey=error").Parse(mustRead("layout.html")))

	pages := map[Name]*template.Template{}
	for _, file := range mustGlob("pages/*.html") {
		page := template.Must(layout.Clone())
		pages[Name(baseName(file))] = template.Must(page.Parse(mustRead(file)))
	}
	return pages
}

// baseName is a file's name without folder and extension: the page or language that it is about.
func baseName(file string) string {
	return strings.TrimSuffix(path.Base(file), path.Ext(file))
}

func mustRead(file string) string {
	content, err := files.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return string(content)
}

func mustGlob(pattern string) []string {
	found, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err)
	}
	return found
}
