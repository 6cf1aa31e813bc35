package weixin

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// isSealedFor reports whether a text is JSON with the watermark of an app that names nobody but this person. Who may
// choose the iv chooses the first 16 bytes of the text, and the watermark at its end still holds.
//
// What an app reads in the text must be what is judged here. Readers differ in which of two equal names counts, and
// some look at letters and digits alone ("OPENID", "open_id"): so such a name, at any depth, has to hold the person's
// id, and two of them in one object are none of WeChat's.
func isSealedFor(appID string, person MiniProgramSession, text []byte) bool {
	if !json.Valid(text) {
		return false
	}
	reader := &sealedReader{Decoder: json.NewDecoder(bytes.NewReader(text)), person: person}
	root, ok := reader.value()
	object, isObject := root.(map[string]any)
	if !ok || !isObject || reader.newUnionID && object["openId"] != person.OpenID {
		return false
	}
	watermark, _ := object["watermark"].(map[string]any)
	marked, isText := watermark["appid"].(string)
	return isText && marked == appID
}

// sealedReader reads valid JSON, and gives up at what readers could take for different things.
type sealedReader struct {
	*json.Decoder
	person MiniProgramSession

	// newUnionID: the text has a unionid, and the session none. It is the person's where the text names their openid as
	// well.
	newUnionID bool
}

// value reads the next value: objects are maps by names as they are written.
func (r *sealedReader) value() (any, bool) {
	token, err := r.Token()
	if err != nil {
		return nil, false
	}
	switch token {
	case json.Delim('{'):
		return r.object()
	case json.Delim('['):
		for r.More() {
			if _, ok := r.value(); !ok {
				return nil, false
			}
		}
		_, err := r.Token()
		return nil, err == nil
	default:
		return token, true
	}
}

func (r *sealedReader) object() (any, bool) {
	object, seen := make(map[string]any), make(map[string]bool)
	for r.More() {
		token, err := r.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, false
		}
		value, ok := r.value()
		folded := foldName(name)
		if !ok || seen[folded] || !r.isThePersons(folded, value) {
			return nil, false
		}
		object[name], seen[folded] = value, true
	}
	_, err := r.Token()
	return object, err == nil
}

// isThePersons reports whether a value is what the session says of the person, where its name says who that is.
func (r *sealedReader) isThePersons(folded string, value any) bool {
	switch folded {
	case "openid":
		return value == r.person.OpenID
	case "unionid":
		if id, isText := value.(string); r.person.UnionID == "" && isText && isID(id) {
			r.newUnionID = true
			return true
		}
		return value == r.person.UnionID
	}
	return true
}

// foldName returns what the most tolerant readers look at of a name: letters and digits, in one case.
func foldName(name string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return -1
		}
		// By way of the upper case, which the long s and the Kelvin sign share.
		return unicode.ToLower(unicode.ToUpper(c))
	}, name)
}
