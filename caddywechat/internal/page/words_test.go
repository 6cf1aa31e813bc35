package page

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

func TestEveryLanguageHasTheSameWords(t *testing.T) {
	if len(words) != len(locale.Languages) {
		t.Fatalf("words in %v for the languages %v", slices.Sorted(maps.Keys(words)), locale.Languages)
	}
	for _, language := range locale.Languages {
		for _, name := range allNames {
			got, want := words[language][name], words["zh-CN"][name]
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Errorf("%s in %s has %v, want %v", name, language, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			for key, text := range got {
				if text == "" || text != strings.TrimSpace(text) {
					t.Errorf("%s.%s in %s is %q", name, key, language, text)
				}
			}
		}
		got, want := words[language][openInEither], words["zh-CN"][OpenInWeChat]
		if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) || got["title"] == words[language][OpenInWeChat]["title"] {
			t.Errorf("%s in %s has %v, want %v", openInEither, language, got, slices.Sorted(maps.Keys(want)))
		}
		if len(words[language]) != len(allNames)+1 {
			t.Errorf("%s has words for %d pages, want %d", language, len(words[language]), len(allNames)+1)
		}
	}
}
