package weixin

import (
	"context"
	"errors"
	"sync"
	"time"
)

// SessionChecks asks WeChat whether people's session keys are those of their present sessions: a mini-program has one
// for a person, and wx.login may replace it. What WeChat said is believed for some minutes. It is safe for concurrent
// use.
type SessionChecks struct {
	token *ServerToken

	mu    sync.Mutex
	known map[string]verdict // by a digest of person and key
}

// verdict is what WeChat said of a key.
type verdict struct {
	refusal *Error // nil: it is that of the present session
	until   time.Time
}

// How long and how many verdicts are remembered. A key that was replaced stays so.
const (
	verdictFor  = 5 * time.Minute
	maxVerdicts = 10_000 // about 2 MB
)

// SessionChecks returns the checks of the mini-program whose token this is.
func (t *ServerToken) SessionChecks() *SessionChecks {
	return &SessionChecks{token: t, known: make(map[string]verdict)}
}

// Check returns nil for the key of a person's present session. For another one the error is an *[Error] that
// [Error.EndsSession]; others say why there is no answer.
func (s *SessionChecks) Check(ctx context.Context, openID string, key SessionKey) error {
	if v, ok := s.recall(openID, key); ok {
		if v.refusal != nil {
			return v.refusal
		}
		return nil
	}
	err := s.token.Do(ctx, func(token string) error {
		return s.token.client.checkSessionKey(ctx, token, openID, key)
	})
	if err == nil {
		s.Confirm(openID, key)
	} else if refusal, ok := errors.AsType[*Error](err); ok && refusal.EndsSession() {
		s.remember(openID, key, &Error{Code: refusal.Code, Message: refusal.Message[:min(len(refusal.Message), 200)]})
	}
	return err
}

// Confirm notes that WeChat gave a key for a person just now.
func (s *SessionChecks) Confirm(openID string, key SessionKey) { s.remember(openID, key, nil) }

func (s *SessionChecks) remember(openID string, key SessionKey, refusal *Error) {
	now := s.token.client.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxVerdicts {
		s.makeRoom(now)
	}
	s.known[digest(openID, string(key))] = verdict{refusal, now.Add(verdictFor)}
}

// makeRoom forgets what is over, or everything where nothing is: what it costs is a call of WeChat each.
func (s *SessionChecks) makeRoom(now time.Time) {
	for name, v := range s.known {
		if !now.Before(v.until) {
			delete(s.known, name)
		}
	}
	if len(s.known) >= maxVerdicts {
		clear(s.known)
	}
}

func (s *SessionChecks) recall(openID string, key SessionKey) (verdict, bool) {
	now := s.token.client.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.known[digest(openID, string(key))]
	return v, now.Before(v.until)
}
