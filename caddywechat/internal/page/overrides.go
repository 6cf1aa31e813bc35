package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// overrides are a site's own files. Each replaces the built-in one of its name.
type overrides struct {
	dir   string
	texts map[string]string
}

// maxTemplate bounds a template in bytes: pages are for phones.
const maxTemplate = 1 << 20

// readOverrides reads the templates and the style.css of a directory. It ignores what else is there, such as pictures
// for a site to serve; but a template that replaces nothing is a misspelled one, and an error.
func readOverrides(dir string) (overrides, error) {
	own := overrides{dir: dir, texts: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return own, fmt.Errorf("reading the directory of templates: %w", err)
	}
	for _, entry := range entries {
		file := entry.Name()
		if !isReplaceable(file) {
			if filepath.Ext(file) == ".html" {
				return own, fmt.Errorf("%s stands in for no page: the pages are layout, %s",
					own.path(file), listNames())
			}
			continue
		}
		content, err := os.ReadFile(own.path(file))
		if err != nil {
			return own, fmt.Errorf("reading a template: %w", err)
		}
		if len(content) > maxTemplate {
			return own, fmt.Errorf("%s has %d bytes: a template has at most %d",
				own.path(file), len(content), maxTemplate)
		}
		own.texts[file] = string(content)
		if err := own.checkElements(file); err != nil {
			return own, err
		}
	}
	return own, nil
}

func (own overrides) path(file string) string { return filepath.Join(own.dir, file) }

// cover reports whether a page is made with one of the files.
func (own overrides) cover(name Name) bool {
	for _, file := range []string{"layout.html", "style.css", string(name) + ".html"} {
		if _, ok := own.texts[file]; ok {
			return true
		}
	}
	return false
}

func isReplaceable(file string) bool {
	name, isTemplate := strings.CutSuffix(file, ".html")
	return file == "style.css" || isTemplate && (name == "layout" || slices.Contains(names, Name(name)))
}

func listNames() string {
	var list []string
	for _, name := range names {
		list = append(list, string(name))
	}
	return strings.Join(list, ", ")
}

// actionInElement finds a template's action inside a style or script.
var actionInElement = regexp.MustCompile(`(?is)<(style|script)\b[^>]*>(?:[^<]|<[^/])*?\{\{`)

// checkElements refuses styles and scripts that differ from visitor to visitor: the policy names them by their hashes.
func (own overrides) checkElements(file string) error {
	text := own.texts[file]
	if at := actionInElement.FindStringSubmatchIndex(text); at != nil {
		return fmt.Errorf("%s:%d: {{…}} inside <%s> would be blocked by the page's Content-Security-Policy: "+
			"put the value into an attribute such as data-value, and read it from there",
			own.path(file), 1+strings.Count(text[:at[1]], "\n"), text[at[2]:at[3]])
	}
	return nil
}
