package page

import (
	"encoding/json"
	"fmt"
	"maps"
)

// onEveryPage is the entry of a words file whose words every page may use.
const onEveryPage Name = "every_page"

// openInEither is the entry with what [OpenInWeChat] says in other words where WeCom will do as well.
const openInEither Name = "open_in_wechat_or_wecom"

// words are what each page says, by language.
var words = readWords()

func readWords() map[string]map[Name]map[string]string {
	byLanguage := map[string]map[Name]map[string]string{}
	for _, file := range mustGlob("words/*.json") {
		var byPage map[Name]map[string]string
		if err := json.Unmarshal([]byte(mustRead(file)), &byPage); err != nil {
			panic(fmt.Errorf("%s: %w", file, err))
		}
		either := maps.Clone(byPage[OpenInWeChat])
		maps.Copy(either, byPage[openInEither])
		byPage[openInEither] = either
		for name := range byPage {
			maps.Copy(byPage[name], byPage[onEveryPage])
		}
		delete(byPage, onEveryPage)
		byLanguage[baseName(file)] = byPage
	}
	return byLanguage
}
