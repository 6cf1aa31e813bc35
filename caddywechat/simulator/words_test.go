package simulator

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

func TestWords_AreTheSameInEveryLanguage(t *testing.T) {
	placeholder := regexp.MustCompile(`\{\w+\}`)
	placeholders := func(text string) []string {
		found := placeholder.FindAllString(text, -1)
		slices.Sort(found)
		return found
	}
	for _, language := range locale.Languages {
		got, want := slices.Sorted(maps.Keys(words[language])), slices.Sorted(maps.Keys(words["zh-CN"]))
		if !slices.Equal(got, want) {
			t.Fatalf("%s has words for %q, want %q", language, got, want)
		}
		for page, want := range words["zh-CN"] {
			got := words[language][page]
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Errorf("%s in %s has other words", page, language)
			}
			for key, text := range got {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s.%s in %s is empty", page, key, language)
				}
				if !slices.Equal(placeholders(text), placeholders(want[key])) {
					t.Errorf("%s.%s in %s has the placeholders %q, want %q",
						page, key, language, placeholders(text), placeholders(want[key]))
				}
			}
		}
	}
}

// What fills a placeholder is text, whatever it looks like.
func TestTranslate_FillsPlaceholdersOnce(t *testing.T) {
	got := translate("en", "hints", "redirect_uri_elsewhere", "{where}", "{domain}", "{domain}", "localhost")
	if !strings.HasPrefix(got, "redirect_uri is at {domain}, and the configured callback domain is localhost.") {
		t.Error(got)
	}
}
