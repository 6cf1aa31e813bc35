package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	// exchangeArea of the store has, for each attempt of the last minute, who exchanges its code, and then what came
	// of it.
	exchangeArea = "exchange"
	exchangeFor  = time.Minute
	// claimTimeout is how long a login waits for the store, which it does not need.
	claimTimeout = 300 * time.Millisecond
	// resultEvery is how often an instance asks for the result of another.
	resultEvery = 50 * time.Millisecond
)

// exchangeOnce exchanges the code of an attempt once for all instances, where the store tells at once which of them is
// first: the others send the visitor home with what that one gets. Where the store does not answer, or the first one
// does not come to an end, an instance exchanges the code by itself, and at the worst WeChat refuses it.
func (f *Flow) exchangeOnce(ctx context.Context, c *callback, code string) Result {
	if f.Cluster == nil || f.Status.IsFailing() {
		return f.exchange(ctx, c, code)
	}
	key, mine := exchangeKey(f.attemptKey(c.Origin, c.attempt)), rand.Text()
	there, err := f.claim(ctx, key, mine)
	switch {
	case err != nil:
		return f.exchange(ctx, c, code)
	case there == mine:
		result := f.exchange(ctx, c, code)
		f.putResult(ctx, c.keys, key, result)
		return result
	}
	if result, ok := f.awaitResult(ctx, c.keys, key, there); ok {
		return result
	}
	return f.exchange(ctx, c, code)
}

// exchangeKey names an attempt in the store without telling its state.
func exchangeKey(attempt string) string { return keyring.Key(exchangeArea, attempt) }

// claim returns what stands for an attempt in the store, which is mine for the first who asks. The store's watch does
// not see it: that a login would not wait says nothing about the store.
func (f *Flow) claim(ctx context.Context, key, mine string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	there, err := f.Cluster.PutIfAbsent(ctx, key, []byte(mine), exchangeFor)
	return string(there), err
}

// putResult puts a result in the place of the claim. Should that fail, the others don't wait for it for ever.
func (f *Flow) putResult(ctx context.Context, k *keys, key string, result Result) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	if text, err := k.store.Seal(key, newExchanged(result)); err == nil {
		_ = f.Cluster.Put(ctx, key, []byte(text), exchangeFor)
	}
}

// awaitResult waits until the claim that is there has made way for a result, as long as a call to WeChat may take and a
// second. It reports whether it did.
func (f *Flow) awaitResult(ctx context.Context, k *keys, key, there string) (Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout+time.Second)
	defer cancel()
	ticker := time.NewTicker(resultEvery)
	defer ticker.Stop()
	for {
		var e exchanged
		if k.store.Open(key, there, &e) {
			return e.result(), true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return Result{}, false
		}
		text, err := f.Cluster.Get(ctx, key)
		if err != nil {
			return Result{}, false
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
	{"snapshot", problem.ErrSnapshot},
	{"not_a_member", account.ErrNotAMember},
	{"no_unionid", problem.ErrNoUnionID},
	{"store", store.ErrStore},
	{"too_long", session.ErrTooLong},
	{"timeout", weixin.ErrTimeout},
	{"busy", weixin.ErrBusy},
	{"unreadable", weixin.ErrUnreadable},
}

// otherFailure is the word for the rest.
const otherFailure = "other"

func newExchanged(r Result) exchanged {
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

func (e exchanged) result() Result {
	if e.failure == "" {
		return Result{Session: e.session}
	}
	for _, f := range failures {
		if e.failure == f.word {
			return Result{Err: fmt.Errorf("%w: %w", errElsewhere, f.err)}
		}
	}
	return Result{Err: errElsewhere}
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
