package caddywechat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const (
	madeKeyName = "session_key"
	// madeKeyTimeout bounds how long a request waits for the store. Other instances may hold its lock meanwhile.
	madeKeyTimeout = 10 * time.Second
	// madeKeyPause keeps requests from asking a store that is down over and over.
	madeKeyPause = time.Second
	// formerKeyTimeout bounds how long the first requests wait to know whether a made key was replaced by the
	// configured ones.
	formerKeyTimeout = 2 * time.Second
)

// loadMadeKey gets the key that the store keeps, and makes it if there is none. It is on its own time: a visitor who
// leaves does not stop the making of the key.
func (k *keyring) loadMadeKey() (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), madeKeyTimeout)
	defer cancel()
	key, err := k.madeKey(ctx)
	if err != nil {
		k.fault.Store(&keyFault{err, time.Now()})
		if k.told.CompareAndSwap(false, true) {
			k.site.logger.Error("the session key cannot be had from the store: until it can be, nobody logs in and no "+
				"session opens; with session { key … } the site does not need the store for that", zap.Error(err))
		}
		return nil, err
	}
	k.told.Store(false)
	return k.settle(settledKeys{secrets: [][]byte{key}, isFinal: true})
}

func (k *keyring) madeKey(ctx context.Context) ([]byte, error) {
	key, err := existingMadeKey(ctx, k.site.store)
	if errors.Is(err, store.ErrNotFound) {
		key, err = k.site.store.PutIfAbsent(ctx, madeKeyName, newKey(), 0)
	}
	if err != nil {
		return nil, fmt.Errorf("the session key: %w", err)
	}
	if err := config.Key(string(key)); err != nil {
		return nil, fmt.Errorf("the session key in the store was altered: %w", err)
	}
	return key, nil
}

// existingMadeKey returns the key that was made for the sites of a store. The error wraps [store.ErrNotFound] where
// none was yet.
func existingMadeKey(ctx context.Context, s store.Store) ([]byte, error) {
	return s.Get(ctx, madeKeyName)
}

func newKey() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(base64.StdEncoding.EncodeToString(b[:]))
}

// loadConfigured settles the configured keys, with a made one that they came in place of. Where the store does not say
// whether there is one, they do without for now.
func (k *keyring) loadConfigured() (any, error) {
	configured := settledKeys{secrets: k.secrets, isFinal: true}
	if before := k.settled.Load(); before != nil && before.isOver(k.site.now()) {
		return k.settle(configured)
	}
	ctx, cancel := context.WithTimeout(context.Background(), formerKeyTimeout)
	defer cancel()
	made, until, err := k.formerKey(ctx)
	switch {
	case err != nil: // the store's watch has logged why
		configured.isFinal = false
		return k.settle(configured)
	case made == nil:
		return k.settle(configured)
	}
	k.site.logger.Info("the session key that was made before session key was set goes on opening sessions, and seals none; "+
		"to end that at once, remove it from the store, unless another site needs it, and reload",
		zap.Time("until", until), zap.String("entry", madeKeyName))
	return k.settle(settledKeys{secrets: append(slices.Clone(k.secrets), made), until: until.Unix(), isFinal: true})
}

var errNotSettled = fmt.Errorf("%w: it does not say whether a session key was made before one was configured", store.ErrStore)

// formerKey returns the key that was made before there were configured ones, and until when it opens what it sealed:
// for a lifetime after the first one was configured, so that nobody is logged out. It is nil where there is none.
func (k *keyring) formerKey(ctx context.Context) (made []byte, until time.Time, err error) {
	if !k.site.keepsKeys {
		return nil, time.Time{}, nil
	}
	made, err = existingMadeKey(ctx, k.site.store)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, time.Time{}, nil
	case err != nil:
		return nil, time.Time{}, err
	}
	isConfigured := slices.ContainsFunc(k.secrets, func(secret []byte) bool { return string(secret) == string(made) })
	if isConfigured || config.Key(string(made)) != nil {
		return nil, time.Time{}, nil
	}
	since, err := k.replacedSince(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	if until = since.Add(k.site.lives.Lifetime); !k.site.now().Before(until) {
		return nil, time.Time{}, nil
	}
	return made, until, nil
}

// replacedSince returns when a key of this site was first seen beside a made one. The store remembers it by each of the
// keys, so that it does not begin anew when they are exchanged one by one.
func (k *keyring) replacedSince(ctx context.Context) (since time.Time, err error) {
	configured, err := seal.NewKeys("key that replaces", k.secrets...)
	if err != nil {
		return time.Time{}, err
	}
	since = k.site.now()
	var missing []string
	for _, key := range configured {
		name := k.site.replacedKeyName(key.Mark)
		value, err := k.site.store.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			missing = append(missing, name)
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		if second, err := strconv.ParseInt(string(value), 10, 64); err == nil && second < since.Unix() {
			since = time.Unix(second, 0)
		}
	}
	for _, name := range missing {
		kept, err := k.site.store.PutIfAbsent(ctx, name, strconv.AppendInt(nil, since.Unix(), 10), 0)
		if err != nil {
			return time.Time{}, err
		}
		if second, err := strconv.ParseInt(string(kept), 10, 64); err == nil && second < since.Unix() {
			since = time.Unix(second, 0)
		}
	}
	return since, nil
}

// replacedKeyName names in the store when a key of this site was first seen beside a made one.
func (h *Handler) replacedKeyName(mark seal.Mark) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %q", mark, h.platform)
	for _, a := range h.accounts {
		fmt.Fprintf(sum, "%q", []string{a.Kind(), account.Ref(a)})
	}
	return "session_key_replaced/" + hex.EncodeToString(sum.Sum(nil))
}
