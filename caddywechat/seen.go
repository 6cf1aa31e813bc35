package caddywechat

import (
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// countSeen returns how many live sessions a revocation ends that came to this instance, as far as it remembers.
func (s *sharedStore) countSeen(r session.Revocation, now time.Time) int {
	sites := make(map[uint64]*Handler) // by opener
	memories := make(map[*memory]bool)
	for _, site := range s.all() {
		memories[site.memory] = true
		for form := range site.openers {
			sites[site.openers[form].Load()] = site
		}
	}
	var only session.Revoked
	only.Add(r, now)
	ended := make(map[session.ID]bool)
	for memory := range memories {
		for opener, found := range memory.opened.All() {
			if site := sites[opener]; site != nil && site.isEndedBy(&only, found) {
				ended[found.ID] = true
			}
		}
	}
	return len(ended)
}

// isEndedBy reports whether a session that lives ends by what is revoked.
func (h *Handler) isEndedBy(revoked *session.Revoked, s *session.Session) bool {
	a := h.accountOf(s.Identity.Get(identity.Account))
	if a == nil || !h.isLive(s, session.Lives{Lifetime: h.lives.Lifetime}) {
		return false
	}
	names := namesOf(a, s.Identity)
	return revoked.Has(s) || revoked.HasPerson(s, names[:]...)
}
