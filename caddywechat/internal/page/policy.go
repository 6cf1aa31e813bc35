package page

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// policyOf returns the Content-Security-Policy of a page that can look like each of bodies: browsers know its styles
// and scripts by their hashes and run nothing else. A page of the site's own may also show the site's pictures and
// fonts and use its styles.
func policyOf(name Name, bodies []string, own bool) string {
	hashes := map[string][]string{}
	for _, body := range bodies {
		addHashes(hashes, body)
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

// addHashes adds the hashes of the styles and scripts that stand in a page to those of their kind. They are read as
// browsers do, which hash lines that end in LF alone.
func addHashes(hashes map[string][]string, body string) {
	tokens := html.NewTokenizer(strings.NewReader(body))
	var within string
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken:
			name, _ := tokens.TagName()
			within = string(name)
		case html.EndTagToken:
			within = ""
		case html.TextToken:
			if within != "style" && within != "script" {
				continue
			}
			sum := sha256.Sum256(tokens.Text())
			hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !slices.Contains(hashes[within], hash) {
				hashes[within] = append(hashes[within], hash)
			}
		}
	}
}

// frameAncestors says who may have a page in a frame: nobody, who could trick visitors into tapping its button; but one
// page has to be seen where it is.
func frameAncestors(name Name) string {
	if name == LoginNeeded {
		return "'self'"
	}
	return "'none'"
}
