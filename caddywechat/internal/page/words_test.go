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
		got, want := words[tag.String()][openInEither], words["zh-CN"][OpenInWeChat]
		if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) || got["title"] == words[tag.String()][OpenInWeChat]["title"] {
			t.Errorf("%s in %s has %v, want %v", openInEither, tag, got, slices.Sorted(maps.Keys(want)))
		}
		if len(words[tag.String()]) != len(allNames)+1 {
			t.Errorf("%s has words for %d pages, want %d", tag, len(words[tag.String()]), len(allNames)+1)
		}
	}
}
