package caddywechat

import (
	"encoding/json"
	"regexp"
)

var environmentVariable = regexp.MustCompile(`\{env\.([^{}"\\]+)\}`)

// environmentVariables returns the names of those that the configuration of a site takes values from. One may come
// twice.
func (h *Handler) environmentVariables() (names []string) {
	raw, err := json.Marshal(h)
	if err != nil {
		return nil
	}
	for _, match := range environmentVariable.FindAllSubmatch(raw, -1) {
		names = append(names, string(match[1]))
	}
	return names
}
