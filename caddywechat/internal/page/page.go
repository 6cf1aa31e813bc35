// Package page is what people see when they cannot simply be let through: a page that says, in their language and
// without jargon, what happened and what to do next.
//
// A page is layout.html with the blocks that pages/<name>.html replaces, in the words of words/<language>.json. It
// stands alone: no picture, font, style or script is loaded from anywhere, and it works without JavaScript. A site may
// replace each of these files by its own.
//
// It owns the pages' words, look and headers, with the policy that browsers hold them to. It decides nothing: which
// page is shown, with which status, is the caller's. Nobody else writes HTML to visitors.
package page

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// Pages are the pages of a site: the built-in ones, some of them perhaps replaced by the site's own. The zero value is
// not usable.
type Pages struct {
	style  template.HTML
	byName map[Name]compiled
}

// compiled is a page that is ready to be written.
type compiled struct {
	template *template.Template
	policy   string
}

// BuiltIn returns the pages that come with the module.
var BuiltIn = sync.OnceValue(func() *Pages {
	pages, err := newPages(overrides{})
	if err != nil {
		panic(err) // our own embedded files
	}
	return pages
})

// Load returns the built-in pages with those files replaced that dir holds: <name>.html for the page of that [Name],
// layout.html for the frame around all of them, style.css for their style. They are templates of html/template. The
// error of one that is broken has its file and line.
func Load(dir string) (*Pages, error) {
	own, err := readOverrides(dir)
	if err != nil {
		return nil, err
	}
	return newPages(own)
}

func newPages(own overrides) (*Pages, error) {
	p := &Pages{style: inline("style", "style.css"), byName: map[Name]compiled{}}
	if css, ok := own.texts["style.css"]; ok {
		p.style = template.HTML("<style>" + css + "</style>") // the operator's own
	}
	for _, name := range names {
		t, err := parsePage(name, own)
		if err != nil {
			return nil, err
		}
		bodies, err := p.render(name, t, own)
		if err != nil {
			return nil, err
		}
		p.byName[name] = compiled{t, policyOf(name, bodies, own.cover(name))}
	}
	return p, nil
}

// Write answers r with a page, in the language that r asks for, with its status and all its headers. The answer to
// HEAD has no body. A name that does not exist, which is a mistake of the caller, is answered as Misconfigured.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, name Name, data Data) {
	if p.byName[name].template == nil {
		name = Misconfigured
	}
	language := locale.Of(r)
	setHeaders(w.Header(), name, language, p.byName[name].policy)
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}

	var body bytes.Buffer
	if err := p.byName[name].template.Execute(&body, newView(name, language, p.style, data)); err != nil {
		// A template of the site's own fails with this visitor's data. They get the built-in page.
		if p != BuiltIn() {
			BuiltIn().Write(w, r, status, name, data)
			return
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a visitor who has left needs no answer
}
