package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

//go:embed layout.html parts.html style.css copy.js fragment.js pages words
var files embed.FS

// The scripts of the built-in pages that have one.
var scripts = map[Name]template.HTML{
	OpenInWeChat:  inline("script", "copy.js"),
	OpenInWeCom:   inline("script", "copy.js"),
	OpenInBrowser: inline("script", "copy.js"),
	Fragment:      inline("script", "fragment.js"),
}

// inline puts a file of ours into an element.
func inline(tag, file string) template.HTML {
	return template.HTML("<" + tag + ">" + mustRead(file) + "</" + tag + ">")
}

// view is what the templates see.
type view struct {
	Data
	Name     Name
	Language string            // zh-CN, zh-TW or en
	Words    map[string]string // what the built-in page says, in that language
	Style    template.HTML     // the element with style.css
	Script   template.HTML     // the element with the built-in page's script, if it has one
	QR       template.HTML     // of URL, an SVG element; empty where there is none that a phone could read
}

// newView keeps of data only what is safe to link to.
func newView(name Name, language string, style template.HTML, data Data) view {
	data.Action = actionLink(data.Action)
	data.URL = absoluteLink(data.URL)
	data.Choices = slices.DeleteFunc(slices.Clone(data.Choices), func(c Choice) bool { return actionLink(c.URL) == "" })
	if name == Snapshot {
		data.Action = "" // nothing there can be tapped
	}
	v := view{Data: data, Name: name, Language: language, Words: words[language][name], Style: style, Script: scripts[name]}
	if name == OpenInWeChat && data.WeCom {
		v.Words = words[language][openInEither]
	}
	if name == OpenInWeChat || name == OpenInWeCom {
		v.QR = qrCode(data.URL)
	}
	return v
}

// CanScan says that the visitor has a QR code before them and, as far as we know, a phone beside it.
func (v view) CanScan() bool { return v.QR != "" && !v.Phone }

// NeedsComputer says that the visitor should go on at another screen, to have one to scan.
func (v view) NeedsComputer() bool { return v.Scans && v.Phone }

// parsePage puts a page together: the frame of layout.html with the blocks that the built-in page replaces and, if the
// site has files of its own, those that its layout.html and its page replace. A page of the site's own that holds more
// than blocks is a whole document and needs no frame.
func parsePage(name Name, own ownFiles) (*template.Template, error) {
	file := string(name) + ".html"
	frame := template.Must(template.New("layout.html").Option("missingkey=error").Parse(mustRead("layout.html")))
	frame, _, err := own.parseOver(frame, "layout.html")
	if err != nil {
		return nil, err
	}
	template.Must(frame.New("parts.html").Parse(mustRead("parts.html")))
	template.Must(frame.New("built-in " + file).Parse(mustRead("pages/" + file)))
	document, isWhole, err := own.parseOver(frame, file)
	if err != nil {
		return nil, err
	}
	if isWhole {
		return document, nil
	}
	return frame, nil
}

// parseOver parses the site's own file of a name, if there is one, over t. It returns it, and true, where it is a
// document, else t.
func (own ownFiles) parseOver(t *template.Template, file string) (*template.Template, bool, error) {
	text, ok := own.texts[file]
	if !ok {
		return t, false, nil
	}
	parsed, err := t.New(own.path(file)).Parse(text)
	if err != nil {
		return nil, false, own.explain(err)
	}
	if parsed.Tree == nil || parse.IsEmptyTree(parsed.Tree.Root) {
		return t, false, nil
	}
	return parsed, true, nil
}

// explain leaves of a template's error what its author has to know: file, line and what is wrong.
func (own ownFiles) explain(err error) error {
	escaping, ok := errors.AsType[*template.Error](err)
	if ok && escaping.Line == 0 { // something was left open, which shows at the end
		file := filepath.Base(escaping.Name)
		return fmt.Errorf("%s:%d: %s", escaping.Name, 1+strings.Count(own.texts[file], "\n"), escaping.Description)
	}
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/template:"), "template: "))
}

// trials are the shapes that a page can take: each must come out right before a page is put to use.
var trials = []Data{
	{},
	{RequestID: "5e0c", URL: "https://h5.example.com/", Action: "/_wechat/login", Choices: []Choice{{"a", "/a"}, {"b", "/b"}}},
	{RequestID: "5e0c", URL: "https://h5.example.com/", Action: "/_wechat/login", Phone: true, NoCookies: true, Unsent: true, WeCom: true, Scans: true, Others: true},
	{RequestID: "5e0c", Refused: true},
	{RequestID: "5e0c", Altered: true},
	{RequestID: "5e0c", URL: "https://h5.example.com/?" + strings.Repeat("x", longestQR), Phone: true},
}

// try writes a page in all its shapes and languages.
func (p *Pages) try(name Name, t *template.Template, own ownFiles) (bodies []string, err error) {
	for _, language := range locale.Languages {
		for _, data := range trials {
			var body strings.Builder
			if err := t.Execute(&body, newView(name, language, p.style, data)); err != nil {
				return nil, own.explain(err)
			}
			bodies = append(bodies, body.String())
		}
	}
	return bodies, nil
}

// names are the built-in pages, by their files.
var names = readNames()

func readNames() []Name {
	var names []Name
	found, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, file := range found {
		names = append(names, Name(strings.TrimSuffix(path.Base(file), ".html")))
	}
	return names
}

func mustRead(file string) string {
	content, err := files.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return string(content)
}
