package caddywechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
)

// targetArea of the store has the targets of logins that are too long for a cookie, sealed, until the login is over.
const targetArea = "target"

const (
	// targetTimeout is how long a login waits for the store, which it can do without.
	targetTimeout = time.Second
	// maxTargets is how many targets of a site wait at a time: everybody can begin a login.
	maxTargets = 10_000
)

var (
	errStoreFails     = errors.New("the store fails")
	errTooManyTargets = errors.New("too many long addresses wait in the store")
)

// keepTarget lets the target of an attempt wait in the store.
func (h *Handler) keepTarget(v *visit, a login.Attempt, target string) error {
	if h.shared.IsFailing() {
		return errStoreFails
	}
	if !h.targets.add(h.now()) {
		return errTooManyTargets
	}
	ctx, cancel := context.WithTimeout(v.Context(), targetTimeout)
	defer cancel()
	return h.keepSecret(ctx, h.targetKey(v.origin, a), target, login.Lifetime)
}

// targetOf returns where an attempt leads, or as much of it as can be had.
func (h *Handler) targetOf(v *visit, a login.Attempt) string {
	if !a.Waits {
		return a.Target
	}
	err := errStoreFails
	if !h.shared.IsFailing() {
		ctx, cancel := context.WithTimeout(v.Context(), targetTimeout)
		defer cancel()
		var target string
		if target, err = h.secret(ctx, h.targetKey(v.origin, a)); err == nil {
			return target
		}
	}
	if h.targetHint.allow(h.now()) {
		h.logger.Warn("the long address that a visitor asked for cannot be had from the store: they land on its path",
			v.log(zap.Error(err))...)
	}
	return a.Target
}

func (h *Handler) targetKey(o origin, a login.Attempt) string {
	sum := sha256.Sum256([]byte(h.attemptKey(o, a)))
	return targetArea + "/" + hex.EncodeToString(sum[:])
}

// fitTarget returns a target as a login keeps it and as a Location may hold it, which is less than all of a very long
// one.
func (h *Handler) fitTarget(v *visit, target string) string {
	kept, whole := login.Fit(target)
	if !whole {
		h.logCut(v, len(target), errLongTarget)
	}
	return kept
}

var errLongTarget = errors.New("more than 2,000 bytes")

func (h *Handler) logCut(v *visit, length int, why error) {
	if h.targetHint.allow(h.now()) {
		h.logger.Warn("the address that a visitor asked for is too long to be kept: they land on its path",
			v.log(zap.Int("length", length), zap.Error(why))...)
	}
}

// waitingTargets counts the targets that wait in the store. The zero value is ready to use.
type waitingTargets struct {
	mu   sync.Mutex
	ends []int64 // when they are over, in seconds, the first one first
}

// add reports whether there is room for one more, which is taken then.
func (t *waitingTargets) add(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := 0
	for over < len(t.ends) && t.ends[over] <= now.Unix() {
		over++
	}
	if t.ends = t.ends[over:]; len(t.ends) >= maxTargets {
		return false
	}
	t.ends = append(t.ends, now.Add(login.Lifetime).Unix())
	return true
}
