package config

import (
	"fmt"
	"io"
)

// Secret is the text of an option that holds a secret, or the placeholder of one. It is an ordinary string in JSON, for
// that is how a configuration is kept; whoever prints it, or a struct with it in an exported field, gets "REDACTED". A
// module with such an option implements zapcore.ObjectMarshaler besides, since loggers write structs as JSON.
type Secret string

// Format implements [fmt.Formatter] for all verbs.
func (s Secret) Format(w fmt.State, _ rune) {
	if s != "" {
		_, _ = io.WriteString(w, "REDACTED")
	}
}
