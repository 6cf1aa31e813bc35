package caddywechat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	// sharedExchangeArea of the store has, for each attempt of the last minute, who exchanges its code, and then what came
	// of it.
	sharedExchangeArea = "exchange"
	sharedExchangeFor  = time.Minute
	// claimTimeout is how long a login waits for the store, which it does not need.
	claimTimeout = 300 * time.Millisecond
	// resultEvery is how often an instance asks for the result of another.
	resultEvery = 50 * time.Millisecond
)

// exchangeOnce exchanges the code of an attempt once for all instances, where the store tells at once which of them is
// first: the others land the visitor with what that one gets. Where the store does not answer, or the first one does not
// come to an end, an instance exchanges the code by itself, and at the worst WeChat refuses it.
func (h *Handler) exchangeOnce(ctx context.Context, c *returning, code string) login.Result {
	if h.instant == nil || h.shared.IsFailing() {
		return h.exchange(ctx, c, code)
	}
	key, mine := sharedExchangeKey(h.recentKey(c)), rand.Text()
	there, err := h.claim(ctx, key, mine)
	switch {
	case err != nil:
		return h.exchange(ctx, c, code)
	case there == mine:
		result := h.exchange(ctx, c, code)
		h.tellResult(ctx, c.sealers, key, result)
		return result
	}
	if result, ok := h.awaitResult(ctx, c.sealers, key, there); ok {
		return result
	}
	return h.exchange(ctx, c, code)
}

// sharedExchangeKey names an attempt in the store without telling its state.
func sharedExchangeKey(attempt string) string {
	sum := sha256.Sum256([]byte(attempt))
	return sharedExchangeArea + "/" + hex.EncodeToString(sum[:])
}

// claim returns what stands for an attempt in the store, which is mine for the first who asks. The store's watch does not
// see it: that a login would not wait says nothing about the store.
func (h *Handler) claim(ctx context.Context, key, mine string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	there, err := h.instant.PutIfAbsent(ctx, key, []byte(mine), sharedExchangeFor)
	return string(there), err
}

// tellResult puts a result in the place of the claim. Should that fail, the others don't wait for it for ever.
func (h *Handler) tellResult(ctx context.Context, s *sealers, key string, result login.Result) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	if text, err := s.store.Seal(key, newExchanged(result)); err == nil {
		_ = h.instant.Put(ctx, key, []byte(text), sharedExchangeFor)
	}
}

// awaitResult waits until the claim that is there has made way for a result, as long as a call to WeChat may take and a
// second. It reports whether it did.
func (h *Handler) awaitResult(ctx context.Context, s *sealers, key, there string) (login.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout+time.Second)
	defer cancel()
	ticker := time.NewTicker(resultEvery)
	defer ticker.Stop()
	for {
		var e exchanged
		if s.store.Open(key, there, &e) {
			return e.result(), true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return login.Result{}, false
		}
		text, err := h.instant.Get(ctx, key)
		if err != nil {
			return login.Result{}, false
		}
		there = string(text)
	}
}

// exchanged is a result as other instances read it: a session, or why there is none in a word.
type exchanged struct {
	failure string // "" for a session
	session session.Session
}

// failures are what an exchange can come to beside a session, by words that must not change. Of those that an error is,
// the first counts.
var failures = []struct {
	word string
	err  error
}{
	{"code_refused", account.ErrCodeRefused},
	{"needs_consent", errNeedsConsent},
	{"snapshot", errSnapshot},
	{"not_a_member", account.ErrNotAMember},
	{"no_unionid", errNoUnionID},
	{"store", store.ErrStore},
	{"too_long", errTooLong},
	{"timeout", weixin.ErrTimeout},
	{"busy", weixin.ErrBusy},
	{"unreadable", weixin.ErrUnreadable},
}

// otherFailure is the word for the rest.
const otherFailure = "other"

func newExchanged(r login.Result) exchanged {
	if r.Err == nil {
		return exchanged{session: r.Session}
	}
	for _, f := range failures {
		if errors.Is(r.Err, f.err) {
			return exchanged{failure: f.word}
		}
	}
	return exchanged{failure: otherFailure}
}

var errElsewhere = errors.New("the exchange failed on another instance, whose log says why")

func (e exchanged) result() login.Result {
	if e.failure == "" {
		return login.Result{Session: e.session}
	}
	for _, f := range failures {
		if e.failure == f.word {
			return login.Result{Err: fmt.Errorf("%w: %w", errElsewhere, f.err)}
		}
	}
	return login.Result{Err: errElsewhere}
}

// exchangedVersion is the first byte of a payload; see the session's.
const exchangedVersion = 1

// MarshalBinary makes the payload.
func (e exchanged) MarshalBinary() ([]byte, error) {
	b := seal.AppendText([]byte{exchangedVersion}, e.failure)
	if e.failure != "" {
		return b, nil
	}
	s, err := e.session.MarshalBinary()
	return append(b, s...), err
}

// UnmarshalBinary reads a payload. A payload of another version is an error.
func (e *exchanged) UnmarshalBinary(payload []byte) error {
	r := seal.NewReader(payload)
	if r.Byte() != exchangedVersion {
		return seal.ErrPayload
	}
	*e = exchanged{failure: r.Text()}
	if e.failure != "" {
		return r.Close()
	}
	return e.session.UnmarshalBinary([]byte(r.Rest()))
}
