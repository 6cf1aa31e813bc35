package login

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// targetArea of the store has the targets of logins that are too long for a cookie, sealed, until the login is over.
const targetArea = "target"

const (
	// targetTimeout is how long a login waits for the store, which it can do without.
	targetTimeout = time.Second
	// maxTargets is how many targets of a site wait at a time: everybody can start a login.
	maxTargets = 10_000
)

var (
	errStoreFails     = errors.New("the store fails")
	errTooManyTargets = errors.New("too many long addresses wait in the store")
	errTargetGone     = errors.New("it is not there any more")
	errLongTarget     = errors.New("more than 2,000 bytes")
)

// putTarget lets the target of an attempt wait in the store.
func (f *Flow) putTarget(r *visitor.Request, a Attempt, target string) error {
	if f.Status.IsFailing() {
		return errStoreFails
	}
	if !f.targets.add(f.Now()) {
		return errTooManyTargets
	}
	ctx, cancel := context.WithTimeout(r.Context(), targetTimeout)
	defer cancel()
	return f.Vault.Put(ctx, f.targetKey(r.Origin, a), []byte(target), Lifetime)
}

// targetOf returns where an attempt returns to, or as much of it as can be had.
func (f *Flow) targetOf(r *visitor.Request, a Attempt) string {
	if !a.Waits {
		return a.Target
	}
	err := errStoreFails
	if !f.Status.IsFailing() {
		ctx, cancel := context.WithTimeout(r.Context(), targetTimeout)
		defer cancel()
		var target []byte
		if target, err = f.Vault.Get(ctx, f.targetKey(r.Origin, a)); target != nil {
			return string(target)
		}
		if err == nil {
			err = errTargetGone
		}
	}
	f.targetHint.Do(f.Now(), func() {
		f.Logger.Warn("the long address that a visitor asked for cannot be had from the store: they land on its path",
			event.RequestFields(r, zap.Error(err))...)
	})
	return a.Target
}

func (f *Flow) targetKey(o visitor.Origin, a Attempt) string {
	return keyring.Key(targetArea, f.attemptKey(o, a))
}

// fitTarget returns a target as a login keeps it and as a Location may hold it, which is less than all of a very long
// one.
func (f *Flow) fitTarget(r *visitor.Request, target string) string {
	kept, whole := Fit(target)
	if !whole {
		f.logCut(r, len(target), errLongTarget)
	}
	return kept
}

func (f *Flow) logCut(r *visitor.Request, length int, why error) {
	f.targetHint.Do(f.Now(), func() {
		f.Logger.Warn("the address that a visitor asked for is too long to be kept: they land on its path",
			event.RequestFields(r, zap.Int("length", length), zap.Error(why))...)
	})
}

// waitingTargets counts the targets that wait in the store. The zero value is ready to use.
type waitingTargets struct {
	mu      sync.Mutex
	expires []int64 // when they are over, in seconds, the first one first
}

// add reports whether there is room for one more, which is taken then.
func (t *waitingTargets) add(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := 0
	for over < len(t.expires) && t.expires[over] <= now.Unix() {
		over++
	}
	if t.expires = t.expires[over:]; len(t.expires) >= maxTargets {
		return false
	}
	t.expires = append(t.expires, now.Add(Lifetime).Unix())
	return true
}
