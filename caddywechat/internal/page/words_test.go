package page

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestWords_AreTheSameInEveryLanguage(t *testing.T) {
	if len(words) != len(locale.Languages) {
		t.Fatalf("words in %v for the languages %v", keysOf(words), locale.Languages)
	}
	for _, language := range locale.Languages {
		for _, name := range allNames {
			got := words[language][name]
			if got, want := keysOf(got), keysOf(words["zh-CN"][name]); !slices.Equal(got, want) {
				t.Errorf("%s in %s has %v, want %v", name, language, got, want)
			}
			for key, text := range got {
				if text == "" || text != strings.TrimSpace(text) {
					t.Errorf("%s.%s in %s is %q", name, key, language, text)
				}
			}
		}
		either, wechat := words[language][openInEither], words[language][OpenInWeChat]
		if !slices.Equal(keysOf(either), keysOf(wechat)) || either["title"] == wechat["title"] {
			t.Errorf("%s in %s has %v, want the keys of %v", openInEither, language, either, wechat)
		}
		if len(words[language]) != len(allNames)+1 {
			t.Errorf("%s has words for %d pages, want %d", language, len(words[language]), len(allNames)+1)
		}
	}
}
