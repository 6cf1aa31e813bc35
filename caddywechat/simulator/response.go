package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// response is made before anything is written, so that the journal can record the outcome and a fault can replace it.
type response struct {
	status  int
	header  http.Header
	body    []byte
	outcome string
}

func newResponse(contentType, body, outcome string) response {
	return response{
		status: http.StatusOK,
		header: http.Header{
			"Content-Type":  {contentType},
			"Cache-Control": {"no-store"},
		},
		body:    []byte(body),
		outcome: outcome,
	}
}

func (a response) withStatus(status int) response {
	a.status = status
	return a
}

func (a response) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// redirect sends the browser elsewhere. The location is not touched: an app may rely on the bytes of its own URL.
func redirect(status int, location, outcome string) response {
	a := newResponse("text/html; charset=utf-8", "", outcome).withStatus(status)
	a.header.Set("Location", location)
	return a
}

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
