package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"text/template/parse"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

//go:embed layout.html parts.html style.css copy.js fragment.js pages words
var files embed.FS

// parsePage puts a page together: the frame of layout.html with the blocks that the built-in page replaces and, if the
// site has files of its own, those that its layout.html and its page replace. A page of the site's own that holds more
// than blocks is a whole document and needs no frame.
func parsePage(name Name, own overrides) (*template.Template, error) {
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
func (own overrides) parseOver(t *template.Template, file string) (*template.Template, bool, error) {
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
func (own overrides) explain(err error) error {
	escaping, ok := errors.AsType[*template.Error](err)
	if ok && escaping.Line == 0 { // something was left open, which shows at the end
		file := filepath.Base(escaping.Name)
		return fmt.Errorf("%s:%d: %s", escaping.Name, 1+strings.Count(own.texts[file], "\n"), escaping.Description)
	}
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/template:"), "template: "))
}

// samples make a page take each of its shapes.
var samples = []Data{
	{},
	{
		RequestID: "5e0c", URL: "https://h5.example.com/", Action: "/_wechat/login",
		Choices: []Choice{{"a", "/a"}, {"b", "/b"}},
	},
	{
		RequestID: "5e0c", URL: "https://h5.example.com/", Action: "/_wechat/login", Phone: true, NoCookies: true,
		Unsent: true, WeCom: true, Scans: true, Others: true,
	},
	{RequestID: "5e0c", Refused: true},
	{RequestID: "5e0c", Altered: true},
	{RequestID: "5e0c", URL: "https://h5.example.com/?" + strings.Repeat("x", maxQRText), Phone: true},
}

// render writes a page in all its shapes and languages: the policy is made of what it can look like, and a template
// that fails is found before a visitor meets it.
func (p *Pages) render(name Name, t *template.Template, own overrides) (bodies []string, err error) {
	for _, language := range locale.Languages {
		for _, data := range samples {
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
