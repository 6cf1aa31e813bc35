package session

import (
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// MaxLifetime is the longest life of a session that a configuration can give.
const MaxLifetime = 400 * 24 * time.Hour

// Policy says how long sessions live.
type Policy struct {
	Lifetime time.Duration // counted from the login
	Idle     time.Duration // counted from the last navigation that was noted; 0: for ever
}

// WithoutIdle returns the policy for what is never idle: programs, and who listens to a stream.
func (p Policy) WithoutIdle() Policy { return Policy{Lifetime: p.Lifetime} }

// Expiry returns when the session ends. A policy that was made shorter since the login holds for sessions that already
// exist; a lifetime that was made longer does not.
func (s Session) Expiry(p Policy) time.Time {
	end := s.Expires
	if e := s.Created.Add(p.Lifetime); e.Before(end) {
		end = e
	}
	if e := s.Seen.Add(p.Idle); p.Idle > 0 && e.Before(end) {
		end = e
	}
	return end
}

// NeedsTouch reports whether a navigation now is to be noted, so that the session does not end as idle: not every one,
// for each takes a new cookie and an answer that nobody may cache.
func (s Session) NeedsTouch(p Policy, now time.Time) bool {
	return p.Idle > 0 && now.Sub(s.Seen) >= p.Idle/10
}

// PolicyOf returns how long the visitor's session lives: programs that come with a token are never idle.
func (m *Manager) PolicyOf(r *visitor.Request) Policy {
	if len(r.Tokens) > 0 {
		return m.Policy.WithoutIdle()
	}
	return m.Policy
}

// IsLive judges a session by the clock, by the configuration of today, and by what is revoked.
func (m *Manager) IsLive(s *Session, p Policy) bool {
	return m.Now().Before(s.Expiry(p)) && m.Accounts.Admits(s.Account, s.Identity) && !m.Revoked.Ends(s)
}
