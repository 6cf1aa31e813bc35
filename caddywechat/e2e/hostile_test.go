package e2e

import "strings"

// evil stands in every value that a client made up: it may reach no app, whatever the name that it came under.
const evil = "made-up-by-the-client"

// reservedNames are names that only wechat_auth may set: one that it sets for everybody, those that it sets for some,
// and those of other presets.
var reservedNames = []string{
	"X-Wechat-User", "X-Wechat-Account", "X-Wechat-Appid", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Scope",
	"X-Wechat-Nickname", "X-Wechat-Snapshot", "X-Wechat-Assertion", "X-Wechat-Whatever", "X-Wecom-Userid",
	"X-Wx-Openid",
	"X-Wx-Source", "Remote-User", "Remote-Name",
}

// spellings are names that one server or another takes for the same.
var spellings = map[string]func(string) string{
	"as it is":               func(s string) string { return s },
	"lower case":             strings.ToLower,
	"upper case":             strings.ToUpper,
	"underscores":            separators("_"),
	"underscores, lower":     func(s string) string { return strings.ToLower(separators("_")(s)) },
	"underscores, upper":     func(s string) string { return strings.ToUpper(separators("_")(s)) },
	"underscore, hyphen":     separators("_", "-"),
	"hyphen, underscore":     separators("-", "_"),
	"dots":                   separators("."),
	"dots, lower":            func(s string) string { return strings.ToLower(separators(".")(s)) },
	"dot, hyphen":            separators(".", "-"),
	"hyphen, dot":            separators("-", "."),
	"dot, underscore":        separators(".", "_"),
	"underscore, dot, mixed": func(s string) string { return mixedCase(separators("_", ".")(s)) },
	"tildes":                 separators("~"),
	"plus, apostrophe":       separators("+", "'"),
	"mixed case":             mixedCase,
}

// separators returns a spelling with the given ones in turn where hyphens were.
func separators(in ...string) func(string) string {
	return func(s string) string {
		parts := strings.Split(s, "-")
		out := parts[0]
		for i, part := range parts[1:] {
			out += in[i%len(in)] + part
		}
		return out
	}
}

func mixedCase(s string) string {
	b := []byte(strings.ToLower(s))
	for i := 0; i < len(b); i += 2 {
		b[i] = strings.ToUpper(string(b[i]))[0]
	}
	return string(b)
}

// hostile returns all reserved names in one spelling, each so many times.
func hostile(spell func(string) string, copies int) []string {
	var lines []string
	for _, name := range reservedNames {
		for range copies {
			lines = append(lines, spell(name)+": "+evil)
		}
	}
	return lines
}
