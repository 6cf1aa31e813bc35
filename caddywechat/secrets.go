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
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// What is sealed in the store stands there under a name with the mark of its key, so that sites with different keys that
// share a store don't get in one another's way. It opens under its own name only.

// keepSecret keeps a secret in the store, sealed.
func (h *Handler) keepSecret(ctx context.Context, key, secret string, life time.Duration) error {
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return err
	}
	name := key + "-" + sealers.marks[0]
	sealed, err := sealers.store.Seal(name, seal.Text(secret))
	if err != nil {
		return err
	}
	return h.store.Put(ctx, name, []byte(sealed), life)
}

// secret returns what keepSecret kept, with this site's first key or with an older one. The error wraps
// [store.ErrNotFound] where there is none.
func (h *Handler) secret(ctx context.Context, key string) (string, error) {
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return "", err
	}
	for _, mark := range sealers.marks {
		name := key + "-" + mark
		sealed, err := h.store.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if text, ok := sealers.opened(name, sealed); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("%w: %s", store.ErrNotFound, key)
}

// keepSecretIfAbsent keeps a secret unless there is one already, and returns the one that is there afterwards; "" for one
// that does not open.
func (h *Handler) keepSecretIfAbsent(ctx context.Context, key, secret string, life time.Duration) (string, error) {
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return "", err
	}
	name := key + "-" + sealers.marks[0]
	sealed, err := sealers.store.Seal(name, seal.Text(secret))
	if err != nil {
		return "", err
	}
	kept, err := h.store.PutIfAbsent(ctx, name, []byte(sealed), life)
	if err != nil {
		return "", err
	}
	text, _ := sealers.opened(name, kept)
	return text, nil
}

// forgetSecret removes what keepSecret kept.
func (h *Handler) forgetSecret(ctx context.Context, key string) error {
	sealers, err := h.keyring.sealers(ctx)
	if err != nil {
		return err
	}
	for _, mark := range sealers.marks {
		if err := h.store.Delete(ctx, key+"-"+mark); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealers) opened(name string, sealed []byte) (string, bool) {
	var text seal.Text
	ok := s.store.Open(name, string(sealed), &text)
	return string(text), ok
}

// personKey names what is kept about a person of an account, as apps know them, without telling who it is. What a
// simulator says of somebody is none of WeChat's.
func (h *Handler) personKey(area string, a account.Account, user string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{h.platform, a.Kind(), account.Ref(a), user}, "\x00")))
	return area + "/" + hex.EncodeToString(sum[:])
}

// secretAreas are where secrets of people stand.
var secretAreas = []string{secretArea, renewalArea, profileArea}

// secretArea is where what an account's endpoints need of a person stands.
const secretArea = "secret"

// keepGranted keeps the secrets that came with a login. The login does not need them.
func (h *Handler) keepGranted(ctx context.Context, a account.Account, id identity.Identity, grant account.Grant) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	user := h.person(a, id)
	var err error
	if grant.SessionSecret != "" {
		err = h.keepSecret(ctx, h.personKey(secretArea, a, user), grant.SessionSecret, h.lives.Lifetime)
	}
	if grant.RefreshToken != "" && h.refresh > 0 {
		err = errors.Join(err, h.keepSecret(ctx, h.personKey(renewalArea, a, user), grant.RefreshToken, account.RefreshTokenLifetime))
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
			if err := h.forgetSecret(ctx, h.personKey(area, a, user)); err != nil {
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
			if known, err := h.secret(ctx, learnedKey(h.platform, a, openID)); err == nil {
				id = id.With(identity.UnionID, known)
			}
		}
		if user := h.person(a, id); user != "" {
			users = append(users, user)
		}
	}
	return users
}
