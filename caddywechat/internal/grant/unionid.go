package grant

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
)

// ErrUnionIDUnknown is the error of an identity without a unionid, of a person whose one no earlier login brought.
var ErrUnionIDUnknown = errors.New("the person's unionid is not known")

// Complete completes an identity by what the site's user_id needs. The error is an [ErrUnionIDUnknown], or the store's.
func (k *Keeper) Complete(ctx context.Context, a account.Account, id identity.Identity) (identity.Identity, error) {
	if !k.Accounts.NeedsUnionID() || id.Get(identity.Snapshot) != "" || id.Get(identity.OpenID) == "" {
		return id, nil
	}
	if id.Get(identity.UnionID) == "" && k.Accounts.UserIDOf(a, id) != "" {
		return id, nil // an account that has another name for a person everywhere
	}
	return k.withUnionID(ctx, a, id)
}

// withUnionID adds to an identity the unionid that an earlier login brought, where this one brought none: a silent one
// seldom does. What it brings is remembered.
func (k *Keeper) withUnionID(ctx context.Context, a account.Account, id identity.Identity) (identity.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	openID := id.Get(identity.OpenID)
	if id.Get(identity.UnionID) == "" {
		unionID, err := k.learned(ctx, a, openID)
		if err != nil {
			return id, fmt.Errorf("the unionid that was learned: %w", err)
		}
		if unionID == "" {
			return id, ErrUnionIDUnknown
		}
		id = id.With(identity.UnionID, unionID)
	}
	// Each login, since the life of what was learned is counted from the last one.
	err := k.Vault.Put(ctx, k.learnedKey(a, openID), []byte(id.Get(identity.UnionID)), learnedFor)
	if err != nil {
		// The login does not need it; the next silent one may ask for consent again.
		k.Logger.Warn("a unionid could not be remembered", zap.Error(err))
	}
	return id, nil
}

// learned returns the unionid of the person with an openid, "" where none is known.
func (k *Keeper) learned(ctx context.Context, a account.Account, openID string) (string, error) {
	unionID, err := k.Vault.Get(ctx, k.learnedKey(a, openID))
	return string(unionID), err
}

func (k *Keeper) learnedKey(a account.Account, openID string) string {
	return keyring.Key(learnedArea, k.Platform, a.Kind(), account.Ref(a), openID)
}
