package page

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// element finds the styles and scripts that stand in a page.
var element = regexp.MustCompile(`(?is)<(style|script)\b[^>]*>(.*?)</(?:style|script)\s*>`)

// policyOf returns the Content-Security-Policy of a page that can look like each of bodies: browsers know its styles and
// scripts by their hashes and run nothing else. A page of the site's own may also show the site's pictures and fonts and
// use its styles.
func policyOf(name Name, bodies []string, own bool) string {
	hashes := map[string][]string{}
	for _, body := range bodies {
		for _, match := range element.FindAllStringSubmatch(body, -1) {
			kind, sum := strings.ToLower(match[1]), sha256.Sum256([]byte(match[2]))
			hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !slices.Contains(hashes[kind], hash) {
				hashes[kind] = append(hashes[kind], hash)
			}
		}
	}
	policy := "default-src 'none'"
	if own {
		policy += "; img-src 'self' data:; font-src 'self'"
		hashes["style"] = append(hashes["style"], "'self'")
	}
	for _, kind := range []string{"style", "script"} {
		if len(hashes[kind]) > 0 {
			policy += "; " + kind + "-src " + strings.Join(hashes[kind], " ")
		}
	}
	return policy + "; form-action 'self'; base-uri 'none'; frame-ancestors " + frameAncestors(name)
}

// frameAncestors says who may have a page in a frame: nobody, who could trick visitors into tapping its button; but one page
// has to be seen where it is.
func frameAncestors(name Name) string {
	if name == LoginNeeded {
		return "'self'"
	}
	return "'none'"
}
