package grant

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
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

// withUnionID adds to an identity the unionid that an earlier login brought, or that WeChat tells of followers, where
// this one brought none: a silent one seldom does. What it brings is remembered.
func (k *Keeper) withUnionID(ctx context.Context, a account.Account, id identity.Identity) (identity.Identity, error) {
	openID := id.Get(identity.OpenID)
	if id.Get(identity.UnionID) == "" {
		unionID, err := k.learned(ctx, a, openID)
		if err != nil {
			return id, fmt.Errorf("the unionid that was learned: %w", err)
		}
		if unionID == "" {
			unionID = k.find(ctx, a, openID)
		}
		if unionID == "" {
			return id, ErrUnionIDUnknown
		}
		id = id.With(identity.UnionID, unionID)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	// Each login, since the life of what was learned is counted from the last one.
	err := k.Vault.Put(ctx, k.unionIDKey(learnedArea, a, openID), []byte(id.Get(identity.UnionID)), learnedFor)
	if err != nil {
		// The login does not need it; the next silent one may ask for consent again.
		k.Logger.Warn("a unionid could not be remembered", zap.Error(err))
	}
	return id, nil
}

// askEvery is how often WeChat is asked for somebody's unionid at most, by all instances.
const askEvery = 24 * time.Hour

// find asks WeChat for the unionid of the person with an openid, and returns "" where it is not to be had that way: the
// person is asked for consent then.
func (k *Keeper) find(ctx context.Context, a account.Account, openID string) string {
	finder, ok := a.(account.UnionIDFinder)
	if !ok || !k.mayAsk(ctx, a, openID) {
		return ""
	}
	unionID, err := finder.FindUnionID(ctx, openID)
	if err != nil {
		k.findHint.Do(k.Now(), func() {
			k.Logger.Warn("the account could not ask WeChat for the unionids of followers: they are asked for consent",
				zap.String("account", a.Kind()), zap.String("app_id", account.Ref(a)), zap.Error(err),
				zap.String("cure", weixin.Cure(err)))
		})
	}
	return unionID
}

// mayAsk reports whether WeChat was not asked for the person within a day, and takes note that it is asked now.
func (k *Keeper) mayAsk(ctx context.Context, a account.Account, openID string) bool {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	mine := []byte(rand.Text())
	// A store that fails returns nobody's, and is logged by its watch.
	first, _ := k.Vault.Store.PutIfAbsent(ctx, k.unionIDKey(askedArea, a, openID), mine, askEvery)
	return bytes.Equal(first, mine)
}

// learned returns the unionid of the person with an openid, "" where none is known.
func (k *Keeper) learned(ctx context.Context, a account.Account, openID string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	unionID, err := k.Vault.Get(ctx, k.unionIDKey(learnedArea, a, openID))
	return string(unionID), err
}

func (k *Keeper) unionIDKey(area string, a account.Account, openID string) string {
	return keyring.Key(area, k.Platform, a.Kind(), account.Ref(a), openID)
}
