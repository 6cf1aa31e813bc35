package simulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// duration is a time.Duration that JSON has like "1.5s".
type duration time.Duration

// MarshalText writes it as time.Duration does, but 5m for 5m0s.
func (d duration) MarshalText() ([]byte, error) {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return []byte(text), nil
}

// UnmarshalJSON accepts a string only: of a number nobody knows the unit.
func (d *duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		if parsed, err := time.ParseDuration(text); err == nil {
			*d = duration(parsed)
			return nil
		}
	}
	return fmt.Errorf(`%s is no length of time: write it like "1.5s" or "10m"`, raw)
}
