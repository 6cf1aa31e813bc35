package simulator

import (
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// words are what WeChat's pages say: by language, then by page, or by problem, then by what is said.
var words = locale.MustReadWords[string](pageFiles)

// translate returns words with their {placeholders} filled in: values are a placeholder and its text, by turns.
func translate(language, page, key string, values ...string) string {
	text, ok := words[language][page][key]
	if !ok {
		panic("no words " + page + "." + key + " in " + language) // the words are part of the program
	}
	return strings.NewReplacer(values...).Replace(text)
}
