package weixin

import (
	"context"
	"sync"
	"time"
)

// SessionChecks asks WeChat whether people's session keys are those of their present sessions: a mini-program has one for a
// person, and wx.login may replace it. What WeChat confirmed is believed for some minutes. It is safe for concurrent use.
type SessionChecks struct {
	token *ServerToken

	mu        sync.Mutex
	confirmed map[string]time.Time // until when, by a digest of person and key
}

// How long and how many confirmed keys are remembered.
const (
	sessionConfirmedFor = 5 * time.Minute
	maxConfirmed        = 10_000 // about 1 MB
)

// SessionChecks returns the checks of the mini-program whose token this is.
func (t *ServerToken) SessionChecks() *SessionChecks {
	return &SessionChecks{token: t, confirmed: make(map[string]time.Time)}
}

// Check returns nil for the key of a person's present session. For another one the error is an *[Error] that
// [Error.EndsSession]; others say why there is no answer.
func (s *SessionChecks) Check(ctx context.Context, openID string, key SessionKey) error {
	if s.isConfirmed(openID, key) {
		return nil
	}
	err := s.token.Do(ctx, func(token string) error {
		return s.token.client.checkSessionKey(ctx, token, openID, key)
	})
	if err == nil {
		s.Confirm(openID, key)
	}
	return err
}

// Confirm notes that WeChat gave a key for a person just now.
func (s *SessionChecks) Confirm(openID string, key SessionKey) {
	now := s.token.client.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.confirmed) >= maxConfirmed {
		s.makeRoom(now)
	}
	s.confirmed[slotName(openID, string(key))] = now.Add(sessionConfirmedFor)
}

// makeRoom forgets what is over, or everything where nothing is: what it costs is a call of WeChat each.
func (s *SessionChecks) makeRoom(now time.Time) {
	for name, end := range s.confirmed {
		if !now.Before(end) {
			delete(s.confirmed, name)
		}
	}
	if len(s.confirmed) >= maxConfirmed {
		clear(s.confirmed)
	}
}

func (s *SessionChecks) isConfirmed(openID string, key SessionKey) bool {
	now := s.token.client.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.confirmed[slotName(openID, string(key))])
}
