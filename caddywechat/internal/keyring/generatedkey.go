package keyring

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
func (k *Keyring) loadMadeKey() (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), madeKeyTimeout)
	defer cancel()
	key, err := k.madeKey(ctx)
	if err != nil {
		k.fault.Store(&fault{err, time.Now()})
		if k.told.CompareAndSwap(false, true) {
			k.Logger.Error("the session key cannot be had from the store: until it can be, nobody logs in and no "+
				"session opens; with session { key … } the site does not need the store for that", zap.Error(err))
		}
		return nil, err
	}
	k.told.Store(false)
	return k.settle(Secrets{All: [][]byte{key}, isFinal: true})
}

func (k *Keyring) madeKey(ctx context.Context) ([]byte, error) {
	key, err := MadeKey(ctx, k.Store)
	if err == nil && key == nil {
		key, err = k.Store.PutIfAbsent(ctx, madeKeyName, newKey(), 0)
	}
	if err != nil {
		return nil, fmt.Errorf("the session key: %w", err)
	}
	if err := config.Key(string(key)); err != nil {
		return nil, fmt.Errorf("the session key in the store was altered: %w", err)
	}
	return key, nil
}

// MadeKey returns the key that was made for the sites of a store, nil where none was yet.
func MadeKey(ctx context.Context, s store.Store) ([]byte, error) {
	key, err := s.Get(ctx, madeKeyName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return key, err
}

func newKey() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(base64.StdEncoding.EncodeToString(b[:]))
}

// loadConfigured settles the configured keys, with a made one that they came in place of. Where the store does not say
// whether there is one, they do without for now.
func (k *Keyring) loadConfigured() (any, error) {
	configured := Secrets{All: k.Config.Secrets, isFinal: true}
	if before := k.settled.Load(); before != nil && before.isOver(k.Now) {
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
	k.Logger.Info("the session key that was made before session key was set goes on opening sessions, and seals none; "+
		"to end that at once, remove it from the store, unless another site needs it, and reload",
		zap.Time("until", until), zap.String("entry", madeKeyName))
	return k.settle(Secrets{All: append(slices.Clone(k.Config.Secrets), made), until: until.Unix(), isFinal: true})
}

var errNotSettled = fmt.Errorf("%w: it does not say whether a session key was made before one was configured",
	store.ErrStore)

// formerKey returns the key that was made before there were configured ones, and until when it opens what it sealed:
// for a lifetime after the first one was configured, so that nobody is logged out. It is nil where there is none.
func (k *Keyring) formerKey(ctx context.Context) (made []byte, until time.Time, err error) {
	if !k.KeepsKey {
		return nil, time.Time{}, nil
	}
	made, err = MadeKey(ctx, k.Store)
	if err != nil {
		return nil, time.Time{}, err
	}
	isMade := func(secret []byte) bool { return string(secret) == string(made) }
	isConfigured := slices.ContainsFunc(k.Config.Secrets, isMade)
	if isConfigured || config.Key(string(made)) != nil { // there is none, or it was altered
		return nil, time.Time{}, nil
	}
	since, err := k.replacedSince(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	if until = since.Add(k.Lifetime); !k.Now().Before(until) {
		return nil, time.Time{}, nil
	}
	return made, until, nil
}

// replacedSince returns when a key of this site was first seen beside a made one. The store remembers it by each of the
// keys, so that it does not start anew when they are exchanged one by one.
func (k *Keyring) replacedSince(ctx context.Context) (since time.Time, err error) {
	configured, _ := seal.NewKeys("key that replaces", k.Config.Secrets...) // what a key can be was judged before
	since = k.Now()
	var missing []string
	for _, key := range configured {
		name := k.replacedKeyName(key.ID)
		value, err := k.Store.Get(ctx, name)
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
		kept, err := k.Store.PutIfAbsent(ctx, name, strconv.AppendInt(nil, since.Unix(), 10), 0)
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
func (k *Keyring) replacedKeyName(id seal.KeyID) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %q", id, k.Platform)
	for _, a := range k.Accounts.All() {
		fmt.Fprintf(sum, "%q", []string{a.Kind(), account.Ref(a)})
	}
	return "session_key_replaced/" + hex.EncodeToString(sum.Sum(nil))
}
