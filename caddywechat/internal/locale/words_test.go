package locale

import (
	"maps"
	"testing"
	"testing/fstest"
)

func TestMustReadWords_LendsSharedWordsToEveryPage(t *testing.T) {
	files := fstest.MapFS{}
	for _, language := range Languages {
		text := `{"every_page":{"a":"shared","b":"shared"},"one":{"b":"own in ` + language + `"},"two":{}}`
		files["words/"+language+".json"] = &fstest.MapFile{Data: []byte(text)}
	}
	for language, byPage := range MustReadWords[string](files) {
		if len(byPage) != 2 ||
			!maps.Equal(byPage["one"], map[string]string{"a": "shared", "b": "own in " + language}) ||
			!maps.Equal(byPage["two"], map[string]string{"a": "shared", "b": "shared"}) {
			t.Errorf("%s: got %v", language, byPage)
		}
	}
}
