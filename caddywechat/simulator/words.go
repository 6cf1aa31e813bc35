package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strings"
)

// words are what WeChat's pages say: by language, then by page, or by problem, then by what is said.
var words = readWords()

// onEveryPage is the entry of a words file whose words every page may use that has none of its own.
const onEveryPage = "every_page"

func readWords() map[string]map[string]map[string]string {
	byLanguage := map[string]map[string]map[string]string{}
	for _, tag := range languages {
		file := path.Join("words", tag.String()+".json")
		var byPage map[string]map[string]string
		if err := json.Unmarshal([]byte(mustRead(file)), &byPage); err != nil {
			panic(fmt.Errorf("%s: %w", file, err))
		}
		for page, own := range byPage {
			byPage[page] = maps.Clone(byPage[onEveryPage])
			maps.Copy(byPage[page], own)
		}
		byLanguage[tag.String()] = byPage
	}
	return byLanguage
}

// say returns words with their {places} filled in: values are a place and what stands there, by turns.
func say(language, page, key string, values ...string) string {
	text, ok := words[language][page][key]
	if !ok {
		panic("no words " + page + "." + key + " in " + language) // the words are part of the program
	}
	return strings.NewReplacer(values...).Replace(text)
}
