package caddywechat

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// tokenMark begins every token of ours, so that others' are left to the app.
const tokenMark = "wx1."

// tokenHeader carries a token where the app uses Authorization itself.
const tokenHeader = "X-Wechat-Token"

// takeTokens removes the module's own tokens from h, so that they never go upstream, and returns them.
func takeTokens(h http.Header) (tokens []string) {
	for _, value := range h[tokenHeader] { // which is removed with all that the gate may set
		if value = strings.TrimSpace(value); isToken(value) {
			tokens = append(tokens, value)
		}
	}
	values := h["Authorization"]
	kept := values[:0:0]
	for _, value := range values {
		fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if !slices.ContainsFunc(fields, isToken) {
			kept = append(kept, value)
			continue
		}
		for _, field := range fields { // however they are written: they open, or nobody is let in
			if isToken(field) {
				tokens = append(tokens, field)
			}
		}
	}
	switch {
	case len(kept) == len(values):
	case len(kept) == 0:
		delete(h, "Authorization")
	default:
		h["Authorization"] = kept
	}
	return tokens
}

func isToken(text string) bool { return strings.HasPrefix(text, tokenMark) }

// tokenSession returns the live session in the token that a program sent, none where it sent two that differ: one of them
// is not its own.
func (h *Handler) tokenSession(v *visit) ([]*session.Session, error) {
	for _, token := range v.tokens[1:] {
		if token != v.tokens[0] {
			return nil, nil
		}
	}
	s, err := h.openSession(v, asToken, strings.TrimPrefix(v.tokens[0], tokenMark))
	if s == nil || !h.isLive(s, h.livesOf(v)) {
		return nil, err
	}
	return []*session.Session{s}, nil
}

// livesOf returns how long the visitor's session lives: programs that come with a token are never idle.
func (h *Handler) livesOf(v *visit) session.Lives {
	lives := h.lives
	if len(v.tokens) > 0 {
		lives.Idle = 0
	}
	return lives
}
