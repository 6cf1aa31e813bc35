// Package locale owns which languages our pages speak, which of them a visitor reads, and how files of words are read.
// It writes no page and knows no other package of ours: the words belong to the packages that show them.
package locale

import (
	"net/http"

	"golang.org/x/text/language"
)

// Languages are the tags of the languages that pages speak. The first is for visitors who ask for none of them.
var Languages = []string{"zh-CN", "zh-TW", "en"}

var matcher = newMatcher()

func newMatcher() language.Matcher {
	var tags []language.Tag
	for _, name := range Languages {
		tags = append(tags, language.MustParse(name))
	}
	return language.NewMatcher(tags)
}

// maxAcceptLanguage bounds what a stranger can make us parse, in bytes. Browsers send well under 100.
const maxAcceptLanguage = 256

// Of returns the one of Languages that suits r's visitor best, by the field Accept-Language.
func Of(r *http.Request) string {
	accept := r.Header.Get("Accept-Language")
	if len(accept) > maxAcceptLanguage {
		accept = ""
	}
	wanted, _, _ := language.ParseAcceptLanguage(accept) // what cannot be parsed asks for nothing
	for _, tag := range wanted {
		// One at a time, in the visitor's order: given all of them, the matcher prefers an exact match further down,
		// and would read "zh-HK,zh" as simplified Chinese.
		if _, index, confidence := matcher.Match(tag); confidence != language.No {
			return Languages[index]
		}
	}
	return Languages[0]
}
