package simulator

import (
	"bytes"
	"encoding/json"
	"strings"
)

// fields is a JSON object whose order matters: WeChat has one, and people read answers.
type fields []field

type field struct {
	name  string
	value any
}

// encode writes JSON as WeChat does: in order, with escaped slashes, and other characters as they are.
func (f fields) encode() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(encodeValue(field.name))
		b.WriteByte(':')
		b.WriteString(encodeValue(field.value))
	}
	b.WriteByte('}')
	return b.String()
}

func encodeValue(value any) string {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // only strings, numbers and lists of strings come here
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "/", `\/`)
}
