// Package config reads the values of options: where they are written literally the Caddyfile's parser checks them, and
// knows the line; when the configuration is loaded placeholders are resolved, and every value is checked.
//
// It owns the rules for values that several modules have, each of which stands here once: ids, secrets, URLs, lengths
// of time, names. Their errors never hold a secret. It knows none of the modules that have such options.
package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Check judges the resolved value of an option. Its error says what is wrong and what to write instead; it never holds
// a secret.
type Check func(value string) error

// Literal checks a value that the Caddyfile holds, unless it has a placeholder in it. The error has file and line.
func Literal(d *caddyfile.Dispenser, option, value string, check Check) error {
	if HasPlaceholder(value) {
		return nil
	}
	if err := check(value); err != nil {
		if value == "" {
			return Missing(d, fmt.Sprintf("%s: %v", option, err))
		}
		return d.Errf("%s: %v", option, err)
	}
	return nil
}

// Missing returns the error for a value that is not there. An environment variable in {$…} may be why: Caddy puts its
// text into the Caddyfile before anybody reads it, so that not even its name is left where it is not set.
func Missing(d *caddyfile.Dispenser, message string) error {
	return d.Err(message + "; an environment variable in {$…} may be unset or empty: set it, " +
		"or write {env.…} instead, whose error names it")
}

// Single reads the one argument of the option that d stands on into dst, which must still be empty.
func Single(d *caddyfile.Dispenser, dst *string, check Check) error {
	option := d.Val()
	if *dst != "" {
		return d.Errf("%s is given twice: remove one", option)
	}
	switch values := d.RemainingArgs(); len(values) {
	case 0:
		return Missing(d, option+" takes exactly one value")
	case 1:
		if *dst = values[0]; *dst == "" {
			return Missing(d, option+" has an empty value")
		}
	default:
		return d.Errf("%s takes exactly one value: if it has blanks, put quotes around it", option)
	}
	return Literal(d, option, *dst, check)
}

// Resolve returns value with its placeholders replaced, once and for all, and checked. A placeholder that is unknown or
// resolves to nothing is an error.
func Resolve(option, value string, check Check) (string, error) {
	if HasPlaceholder(value) {
		resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
		// Files that hold one value end with a line break as a rule.
		resolved = strings.TrimRight(resolved, "\r\n")
		if err != nil || resolved == "" {
			return "", fmt.Errorf("%s: %s", option, unresolved(value))
		}
		value = resolved
	}
	if err := check(value); err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	return value, nil
}

// ResolveOr returns the resolved and checked value of an option, or fallback where it is not set.
func ResolveOr(fallback, option, value string, check Check) (string, error) {
	if value == "" {
		return fallback, nil
	}
	return Resolve(option, value, check)
}

// unresolved says why a value's placeholder resolves to nothing. Braces that are none may be part of a secret, so they
// are not repeated.
func unresolved(value string) string {
	match := placeholder.FindStringSubmatch(value)
	switch {
	case match == nil:
		return `it has braces that are no placeholder such as {env.NAME}: write \{ for a brace`
	case match[1] == "env":
		return "the environment variable " + match[2] + " is not set or empty: " +
			"set it for the process that reads this, or run it with --envfile; " +
			"a Caddy that runs gets no new ones by a reload: restart it, or write {file.…}"
	case match[1] == "file":
		return "the file " + match[2] + " cannot be read or is empty"
	default:
		return "the placeholder " + match[0] + " has no value here"
	}
}

// placeholder is one that Caddy knows when it loads a configuration.
var placeholder = regexp.MustCompile(`\{(env|file|system|time)\.([^{}]+)\}`)

// HasPlaceholder reports whether a value is not to be taken literally.
func HasPlaceholder(value string) bool { return strings.Contains(value, "{") }
