package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestSecret_IsPrintedByNoVerb(t *testing.T) {
	const text = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	type module struct{ Option Secret }
	m := module{NewSecret(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{
			m.Option, m, &m, []module{m}, []any{&m}, struct{ a any }{&m}, map[Secret]Secret{m.Option: m.Option},
		} {
			got := strings.ToLower(fmt.Sprintf(verb, value))
			if strings.Contains(got, text) || strings.Contains(got, fmt.Sprintf("%x", text)) {
				t.Errorf("%s of %T: %s", verb, value, got)
			}
		}
	}
	for want, m := range map[string]module{"{REDACTED}": m, "{}": {}} {
		if got := fmt.Sprint(m); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSecret_IsTextInJSON(t *testing.T) {
	type module struct {
		Option Secret `json:"option,omitzero"`
	}
	for text, want := range map[string]Secret{
		`{"option":"{env.S}"}`: NewSecret("{env.S}"), `{"option":""}`: {}, `{"option":null}`: {}, `{}`: {},
	} {
		var m module
		if err := json.Unmarshal([]byte(text), &m); err != nil || m.Option != want {
			t.Errorf("%s: got %q, %v", text, m.Option.reveal(), err)
		}
	}
	for want, m := range map[string]module{`{"option":"s"}`: {NewSecret("s")}, `{}`: {}} {
		if got, err := json.Marshal(m); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	if err := json.Unmarshal([]byte(`{"option":1}`), new(module)); err == nil {
		t.Error("a number is taken")
	}
}
