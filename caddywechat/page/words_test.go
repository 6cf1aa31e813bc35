package page

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEveryLanguageHasTheSameWords(t *testing.T) {
	if len(words) != len(languages) {
		t.Fatalf("words in %v for the languages %v", slices.Sorted(maps.Keys(words)), languages)
	}
	for _, tag := range languages {
		for _, name := range allNames {
			got, want := words[tag.String()][name], words["zh-CN"][name]
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Errorf("%s in %s has %v, want %v", name, tag, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			for key, text := range got {
				if text == "" || text != strings.TrimSpace(text) {
					t.Errorf("%s.%s in %s is %q", name, key, tag, text)
				}
			}
		}
		if len(words[tag.String()]) != len(allNames) {
			t.Errorf("%s has words for %d pages, want %d", tag, len(words[tag.String()]), len(allNames))
		}
	}
}
