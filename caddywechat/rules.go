package caddywechat

import "net/http"

// ask returns what the site asks of a request: the first rule that matches decides, and where none does, or where
// servers may disagree on what the path means, a login is required.
func (h *Handler) ask(r *http.Request) (Ask, error) {
	ambiguous := isAmbiguous(r)
	if !ambiguous {
		inside, err := h.match.AnyMatchWithError(r)
		if err != nil {
			return AskLogin, err
		}
		if !inside {
			return AskNothing, nil
		}
	}
	for _, rule := range h.Rules {
		if ambiguous && (rule.Ask == AskNothing || rule.Ask == AskOptional) {
			continue
		}
		matches, err := rule.match.AnyMatchWithError(r)
		if err != nil {
			return AskLogin, err
		}
		if matches {
			return rule.Ask, nil
		}
	}
	return AskLogin, nil
}
