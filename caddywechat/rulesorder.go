package caddywechat

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// neverReached returns the first rule that no request comes to, since the one called taker takes them all before it;
// nil where there is none.
func neverReached(rules []*Rule) (rule, taker *Rule) {
	earlier := make(map[string]*Rule, len(rules))
	for _, rule := range rules {
		if taker := earlier[everything]; taker != nil {
			return rule, taker
		}
		what := matched(rule.MatchRaw)
		if taker := earlier[what]; taker != nil {
			return rule, taker
		}
		earlier[what] = rule
	}
	return nil, nil
}

// everything is what matched returns where no request is left out.
const everything = ""

// matched returns what sets of matchers match, the same for the same.
func matched(sets caddyhttp.RawMatcherSets) string {
	if len(sets) == 0 || slices.ContainsFunc(sets, matchesEverything) {
		return everything
	}
	text, err := json.Marshal(sets)
	if err != nil {
		return fmt.Sprint(sets) // whoever loads the matchers says what is wrong with them
	}
	return string(text)
}

// matchesEverything reports whether a set of matchers certainly leaves no request out.
func matchesEverything(set caddy.ModuleMap) bool {
	if len(set) == 0 {
		return true
	}
	var paths caddyhttp.MatchPath
	if len(set) > 1 || json.Unmarshal(set["path"], &paths) != nil {
		return false
	}
	return slices.Contains(paths, "*") || slices.Contains(paths, "/*")
}

// place says where a rule stands: its number, and the line that it was written in.
func (r *Rule) place(number int) string {
	if r.Source == "" {
		return fmt.Sprintf("rule %d", number)
	}
	return fmt.Sprintf("rule %d (%s)", number, r.Source)
}

// checkOrder refuses a rule that is never reached.
func checkOrder(rules []*Rule) error {
	rule, taker := neverReached(rules)
	if rule == nil {
		return nil
	}
	return fmt.Errorf("rules: %s is never reached, for %s %s", rule.place(slices.Index(rules, rule)+1),
		taker.place(slices.Index(rules, taker)+1), taker.takes())
}

// takes says why a rule leaves nothing for one behind it, and what to do.
func (r *Rule) takes() string {
	if matched(r.MatchRaw) == everything {
		return "before it matches everything: move that one to the end, or remove one"
	}
	return "before it has the same matcher: remove one"
}
