package config

import (
	"encoding/json"
	"unique"
)

// Secret is the text of an option that holds a secret, or the placeholder of one. In JSON it is an ordinary string, for
// that is how a configuration is kept; its tag says omitzero. Whoever prints it, or anything that holds it, does not
// see the text. A module with such an option implements zapcore.ObjectMarshaler besides, since loggers write structs as
// JSON.
//
// Two are equal (==) if their texts are. The zero value is that of an option that is not set.
type Secret struct {
	// A handle is a pointer to whatever prints by reflection, where methods are not called.
	text unique.Handle[string]
}

// NewSecret returns the secret with a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// reveal returns the text.
func (s Secret) reveal() string {
	if s == (Secret{}) {
		return ""
	}
	return s.text.Value()
}

// String returns "REDACTED", or "" for an option that is not set.
func (s Secret) String() string {
	if s == (Secret{}) {
		return ""
	}
	return "REDACTED"
}

// GoString returns what String does.
func (s Secret) GoString() string { return s.String() }

// MarshalJSON returns the text itself.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.reveal()) }

// UnmarshalJSON takes a string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*s = NewSecret(text)
	return nil
}
