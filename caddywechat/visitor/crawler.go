package visitor

import "strings"

// IsCrawler reports whether a User-Agent is one of those programs that follow every link and say so. Nothing is
// refused to them; they only should not be mistaken for people who do not come back.
func IsCrawler(userAgent string) bool {
	return containsAny(strings.ToLower(userAgent), "bot", "spider", "crawl", "slurp", "preview", "+http")
}
