package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ownFiles are a site's own files, which stand in for built-in ones of the same name.
type ownFiles struct {
	dir   string
	texts map[string]string
}

// longestFile bounds a template: pages are for phones.
const longestFile = 1 << 20

// readOwn reads the templates and the style.css of a directory. What else is there, such as pictures for a site to serve,
// is none of its business; a template that stands in for nothing is a misspelled one.
func readOwn(dir string) (ownFiles, error) {
	own := ownFiles{dir: dir, texts: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return own, fmt.Errorf("reading the directory of templates: %w", err)
	}
	for _, entry := range entries {
		file := entry.Name()
		if !isReplaceable(file) {
			if filepath.Ext(file) == ".html" {
				return own, fmt.Errorf("%s stands in for no page: the pages are layout, %s", own.path(file), listNames())
			}
			continue
		}
		content, err := os.ReadFile(own.path(file))
		if err != nil {
			return own, fmt.Errorf("reading a template: %w", err)
		}
		if len(content) > longestFile {
			return own, fmt.Errorf("%s has %d bytes: a template has at most %d", own.path(file), len(content), longestFile)
		}
		own.texts[file] = string(content)
		if err := own.checkElements(file); err != nil {
			return own, err
		}
	}
	return own, nil
}

func (own ownFiles) path(file string) string { return filepath.Join(own.dir, file) }

// stands reports whether a page is made with files of the site's own.
func (own ownFiles) stands(name Name) bool {
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

// changing finds an action inside a style or script.
var changing = regexp.MustCompile(`(?is)<(style|script)\b[^>]*>(?:[^<]|<[^/])*?\{\{`)

// checkElements refuses styles and scripts that would be another with each visitor: browsers know them by their hash.
func (own ownFiles) checkElements(file string) error {
	text := own.texts[file]
	if at := changing.FindStringSubmatchIndex(text); at != nil {
		return fmt.Errorf("%s:%d: {{…}} inside <%s> would be blocked by the page's Content-Security-Policy: "+
			"put the value into an attribute such as data-value, and read it from there",
			own.path(file), 1+strings.Count(text[:at[1]], "\n"), text[at[2]:at[3]])
	}
	return nil
}
