package page

import (
	"net/http"

	"golang.org/x/text/language"
)

// longestAcceptLanguage bounds what a stranger can make us parse. Browsers send well under 100 bytes.
const longestAcceptLanguage = 256

// languages are those that the pages speak; the first is for visitors who ask for none of them.
var languages = []language.Tag{
	language.MustParse("zh-CN"),
	language.MustParse("zh-TW"),
	language.MustParse("en"),
}

var languageMatcher = language.NewMatcher(languages)

// LanguageOf is the language of ours that suits r's visitor best.
func LanguageOf(r *http.Request) string {
	accept := r.Header.Get("Accept-Language")
	if len(accept) > longestAcceptLanguage {
		accept = ""
	}
	wanted, _, _ := language.ParseAcceptLanguage(accept) // what cannot be parsed asks for nothing
	for _, tag := range wanted {
		// One at a time, in the visitor's order: given all of them, the matcher prefers an exact match further down,
		// and would read "zh-HK,zh" as simplified Chinese.
		if _, index, confidence := languageMatcher.Match(tag); confidence != language.No {
			return languages[index].String()
		}
	}
	return languages[0].String()
}
