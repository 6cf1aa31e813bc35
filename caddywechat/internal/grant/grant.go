// Package grant owns what WeChat gave for people and the server keeps, sealed, in the store: session keys of
// mini-programs, refresh tokens, profiles that were refreshed, and the unionids that logins brought. All of it ends by
// itself, and a person's can be forgotten.
package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
)

// Areas of the store.
const (
	secretArea  = "secret"  // what an account's endpoints need of a person
	refreshArea = "renewal" // refresh tokens
	profileArea = "profile" // profiles that were refreshed, for sessions on other instances
	learnedArea = "learned" // unionids
	askedArea   = "asked"   // for whose unionid WeChat was asked lately
)

// ofPeople are where secrets of people stand, by what identifies them to the app.
var ofPeople = []string{secretArea, refreshArea, profileArea}

// storeTimeout bounds what a login waits for the store.
const storeTimeout = 3 * time.Second

// learnedFor is how long a unionid is remembered, counted from the person's last login.
const learnedFor = 180 * 24 * time.Hour

// Config is what a [Keeper] is made of.
type Config struct {
	Vault    *keyring.Vault
	Accounts *account.Set
	Platform string        // what a simulator says of somebody is none of WeChat's
	Lifetime time.Duration // of a session
	Refresh  time.Duration // how old a profile becomes before it is refreshed; 0: any age
	Work     *background.Group
	Now      func() time.Time
	Logger   *zap.Logger
}

// Keeper keeps grants for one site. It is safe for concurrent use.
type Keeper struct {
	Config
	findHint event.Hint
}

// NewKeeper returns a keeper. It touches no store.
func NewKeeper(c Config) *Keeper { return &Keeper{Config: c} }

// Key names what is kept in an area about a person of an account, as apps know them, without telling who it is.
func (k *Keeper) Key(area string, a account.Account, userID string) string {
	return keyring.Key(area, k.Platform, a.Kind(), account.Ref(a), userID)
}

// Keep keeps the secrets that came with a login. The login does not need them.
func (k *Keeper) Keep(ctx context.Context, a account.Account, id identity.Identity, g account.Grant) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	userID := k.Accounts.UserIDOf(a, id)
	var err error
	if g.SessionSecret != "" {
		err = k.Vault.Put(ctx, k.Key(secretArea, a, userID), []byte(g.SessionSecret), k.Lifetime)
	}
	if g.RefreshToken != "" && k.Refresh > 0 {
		err = errors.Join(err, k.PutRefreshToken(ctx, a, userID, g.RefreshToken))
	}
	if err != nil {
		k.Logger.Warn("what WeChat gave for a person could not be kept",
			zap.String("account", a.Kind()), zap.String("app_id", account.Ref(a)), zap.Error(err))
	}
}

// Secret returns what an account's endpoints need of a person, "" where it is gone.
func (k *Keeper) Secret(ctx context.Context, a account.Account, userID string) (string, error) {
	secret, err := k.Vault.Get(ctx, k.Key(secretArea, a, userID))
	return string(secret), err
}

// RefreshToken returns a person's, "" where there is none.
func (k *Keeper) RefreshToken(ctx context.Context, a account.Account, userID string) (string, error) {
	token, err := k.Vault.Get(ctx, k.Key(refreshArea, a, userID))
	return string(token), err
}

// PutRefreshToken keeps a person's.
func (k *Keeper) PutRefreshToken(ctx context.Context, a account.Account, userID, token string) error {
	return k.Vault.Put(ctx, k.Key(refreshArea, a, userID), []byte(token), account.RefreshTokenLifetime)
}

// ProfileKey names a person's profile among the entries of the store.
func (k *Keeper) ProfileKey(a account.Account, userID string) string {
	return k.Key(profileArea, a, userID)
}

// Forget removes every secret that is kept about a person as the app knows them.
func (k *Keeper) Forget(ctx context.Context, userID string) error {
	if !k.keepsAny() {
		return nil
	}
	for _, a := range k.Accounts.All() {
		for _, area := range ofPeople {
			if err := k.Vault.Delete(ctx, k.Key(area, a, userID)); err != nil {
				return fmt.Errorf("what WeChat gave for the person could not be removed from the store: %w", err)
			}
		}
	}
	return nil
}

// ForgetOpenID is Forget for all whom the app may know by an openid.
func (k *Keeper) ForgetOpenID(ctx context.Context, openID string) error {
	if !k.keepsAny() {
		return nil
	}
	for _, userID := range k.usersOf(ctx, openID) {
		if err := k.Forget(ctx, userID); err != nil {
			return err
		}
	}
	return nil
}

// ForgetSoon is Forget for visitors who do not wait for it.
func (k *Keeper) ForgetSoon(userIDs ...string) {
	if !k.keepsAny() || len(userIDs) == 0 {
		return
	}
	k.Work.Go(func(ctx context.Context) { // not after a reload with another store: secrets end by themselves
		for _, userID := range userIDs {
			ctx, cancel := context.WithTimeout(ctx, storeTimeout)
			_ = k.Forget(ctx, userID) // a store that fails is logged by its watch
			cancel()
		}
	})
}

// keepsAny reports whether anything in the configuration makes the store hold secrets of people.
func (k *Keeper) keepsAny() bool {
	return k.Refresh > 0 || slices.ContainsFunc(k.Accounts.All(), func(a account.Account) bool {
		_, ok := a.(account.Endpoints)
		return ok
	})
}

// usersOf returns as whom the app may know the person with an openid.
func (k *Keeper) usersOf(ctx context.Context, openID string) (userIDs []string) {
	for _, a := range k.Accounts.All() {
		id := identity.Identity{}.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID()).
			With(identity.OpenID, openID)
		if k.Accounts.NeedsUnionID() {
			if unionID, err := k.learned(ctx, a, openID); err == nil {
				id = id.With(identity.UnionID, unionID)
			}
		}
		if userID := k.Accounts.UserIDOf(a, id); userID != "" {
			userIDs = append(userIDs, userID)
		}
	}
	return userIDs
}
