package locale

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
)

// everyPage is the entry of a file whose words every page may use that has none of its own under that key.
const everyPage = "every_page"

// Words are what pages say: by language, by page, by key.
type Words[Page ~string] map[string]map[Page]map[string]string

// MustReadWords reads words/<language>.json from files, for each of Languages. The files are part of the program: it
// panics if one is missing or broken.
func MustReadWords[Page ~string](files fs.FS) Words[Page] {
	words := Words[Page]{}
	for _, language := range Languages {
		file := "words/" + language + ".json"
		content, err := fs.ReadFile(files, file)
		if err != nil {
			panic(err)
		}
		var byPage map[Page]map[string]string
		if err := json.Unmarshal(content, &byPage); err != nil {
			panic(fmt.Errorf("%s: %w", file, err))
		}
		shared := byPage[everyPage]
		delete(byPage, everyPage)
		for page, own := range byPage {
			byPage[page] = maps.Clone(shared)
			maps.Copy(byPage[page], own)
		}
		words[language] = byPage
	}
	return words
}
