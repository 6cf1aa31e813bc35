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
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{Secret(text), module{text}, &module{text}, []module{{text}}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, text) || !strings.Contains(got, "REDACTED") {
				t.Errorf("%s of %T: %s", verb, value, got)
			}
		}
	}
	if got := fmt.Sprintf("%v", module{}); got != "{}" {
		t.Errorf("none is %s", got)
	}
}

func TestSecret_IsTextInJSON(t *testing.T) {
	type module struct {
		Option Secret `json:"option,omitempty"`
	}
	var m module
	if err := json.Unmarshal([]byte(`{"option":"{env.S}"}`), &m); err != nil || string(m.Option) != "{env.S}" {
		t.Errorf("got %q, %v", string(m.Option), err)
	}
	for want, m := range map[string]module{`{"option":"s"}`: {"s"}, `{}`: {}} {
		if got, err := json.Marshal(m); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
