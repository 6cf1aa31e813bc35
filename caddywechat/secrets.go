package caddywechat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// keepSecret keeps a secret in the store, sealed so that it opens under its own key only.
func (h *Handler) keepSecret(ctx context.Context, key, secret string, life time.Duration) error {
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return err
	}
	sealed, err := sealers.store.Seal(key, seal.Text(secret))
	if err != nil {
		return err
	}
	return h.store.Put(ctx, key, []byte(sealed), life)
}

// secret returns what keepSecret kept. One that another site with another session key kept is not there: the error wraps
// [store.ErrNotFound].
func (h *Handler) secret(ctx context.Context, key string) (string, error) {
	sealed, err := h.store.Get(ctx, key)
	if err != nil {
		return "", err
	}
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return "", err
	}
	var text seal.Text
	if !sealers.store.Open(key, string(sealed), &text) {
		return "", fmt.Errorf("%w: %s is sealed with another key", store.ErrNotFound, key)
	}
	return string(text), nil
}

// personKey names what is kept about a person, as apps know them, without telling who it is. What a simulator says of
// somebody is none of WeChat's.
func (h *Handler) personKey(area string, a account.Account, user string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{h.platform, a.Kind(), a.AppID(), user}, "\x00")))
	return area + "/" + hex.EncodeToString(sum[:])
}

// secretAreas are where secrets of people stand.
var secretAreas = []string{secretArea, renewalArea, profileArea}

// secretArea is where what an account's endpoints need of a person stands.
const secretArea = "secret"

// keepGranted keeps the secrets that came with a login. The login does not need them.
func (h *Handler) keepGranted(ctx context.Context, id identity.Identity, grant account.Grant) {
	a := h.accountOf(id.Get(identity.Account))
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	user := h.person(a, id)
	var err error
	if grant.Secret != "" {
		err = h.keepSecret(ctx, h.personKey(secretArea, a, user), grant.Secret, h.lives.Lifetime)
	}
	if grant.Renewal != "" && h.refresh > 0 {
		err = errors.Join(err, h.keepSecret(ctx, h.personKey(renewalArea, a, user), grant.Renewal, account.RenewalLife))
	}
	if err != nil {
		h.logger.Warn("what WeChat gave for a person could not be kept", zap.String("account", a.Kind()), zap.Error(err))
	}
}

// forgetPerson removes every secret that is kept about a person as the app knows them.
func (h *Handler) forgetPerson(ctx context.Context, user string) error {
	if !h.keepsSecrets() {
		return nil
	}
	for _, a := range h.accounts {
		for _, area := range secretAreas {
			if err := h.store.Delete(ctx, h.personKey(area, a, user)); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetInBackground is forgetPerson for a visitor who does not wait for it.
func (h *Handler) forgetInBackground(user string) {
	if !h.keepsSecrets() {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		_ = h.forgetPerson(ctx, user) // a store that fails is logged by its watch; secrets end by themselves
	}()
}

// keepsSecrets reports whether anything in the configuration makes the store hold secrets of people.
func (h *Handler) keepsSecrets() bool {
	return h.refresh > 0 || slices.ContainsFunc(h.accounts, func(a account.Account) bool {
		_, ok := a.(account.Endpoints)
		return ok
	})
}

// usersOf returns as whom the app may know the person with an openid.
func (h *Handler) usersOf(ctx context.Context, openID string) (users []string) {
	for _, a := range h.accounts {
		id := identity.Identity{}.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID()).With(identity.OpenID, openID)
		if h.UserID == userIDUnionID {
			if known, err := h.store.Get(ctx, learnedKey(h.platform, id)); err == nil {
				id = id.With(identity.UnionID, string(known))
			}
		}
		if user := h.person(a, id); user != "" {
			users = append(users, user)
		}
	}
	return users
}
