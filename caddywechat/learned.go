package caddywechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// learnedFor is how long a unionid is remembered, counted from the person's last login.
const learnedFor = 180 * 24 * time.Hour

// storeTimeout bounds what a login waits for the store.
const storeTimeout = 3 * time.Second

// withUnionID adds to an identity the unionid that an earlier login brought, where this one brought none: a silent one
// seldom does. What it brings is remembered. The error wraps [store.ErrNotFound] for a person of whom none is known.
func (h *Handler) withUnionID(ctx context.Context, a account.Account, id identity.Identity) (identity.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	key := learnedKey(h.platform, a, id.Get(identity.OpenID))
	if id.Get(identity.UnionID) == "" {
		known, err := h.secret(ctx, key)
		if err != nil {
			return id, fmt.Errorf("the unionid that was learned: %w", err)
		}
		id = id.With(identity.UnionID, known)
	}
	// Each login, since the life of what was learned is counted from the last one.
	if err := h.keepSecret(ctx, key, id.Get(identity.UnionID), learnedFor); err != nil {
		// The login does not need it; the next silent one may ask for consent again.
		h.logger.Warn("a unionid could not be remembered", zap.Error(err))
	}
	return id, nil
}

// learnedKey names a person in the store without telling who it is. What a simulator says of somebody is none of WeChat's.
func learnedKey(platform string, a account.Account, openID string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{platform, a.Kind(), account.Ref(a), openID}, "\x00")))
	return "learned/" + hex.EncodeToString(sum[:])
}

// errNoUnionID is the error of a login that brought all that WeChat gives, and no unionid.
var errNoUnionID = errors.New("WeChat gives no unionid")

// errNeedsConsent is the error of a silent login that leaves open who the person is.
var errNeedsConsent = errors.New("the unionid is not known without consent")

// identify completes an identity by what the site's user_id needs. The error wraps [store.ErrNotFound] for a person whose
// unionid nobody knows.
func (h *Handler) identify(ctx context.Context, a account.Account, id identity.Identity) (identity.Identity, error) {
	if h.UserID != userIDUnionID || id.Get(identity.Snapshot) != "" || id.Get(identity.OpenID) == "" {
		return id, nil
	}
	if id.Get(identity.UnionID) == "" && h.person(a, id) != "" {
		return id, nil // an account that has another name for a person everywhere
	}
	return h.withUnionID(ctx, a, id)
}
