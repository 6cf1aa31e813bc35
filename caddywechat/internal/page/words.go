package page

import (
	"maps"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/locale"
)

// openInEither is the entry with what [OpenInWeChat] says in other words where WeCom will do as well.
const openInEither Name = "open_in_wechat_or_wecom"

// words are what each page says, by language.
var words = readWords()

func readWords() locale.Words[Name] {
	words := locale.MustReadWords[Name](files)
	for _, byPage := range words {
		either := maps.Clone(byPage[OpenInWeChat])
		maps.Copy(either, byPage[openInEither])
		byPage[openInEither] = either
	}
	return words
}
