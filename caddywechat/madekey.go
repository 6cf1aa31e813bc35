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
			k.logger().Error("the session key cannot be had from the store: until it can be, nobody logs in and no session opens; "+
				"with session { key … } the site does not need the store for that", zap.Error(err))
		}
		return nil, err
	}
	k.told.Store(false)
	return k.use(readySealers{isFinal: true}, key)
}

func (k *keyring) madeKey(ctx context.Context) ([]byte, error) {
	key, err := k.store.Get(ctx, madeKeyName)
	if errors.Is(err, store.ErrNotFound) {
		key, err = k.store.PutIfAbsent(ctx, madeKeyName, newKey(), 0)
	}
	if err != nil {
		return nil, fmt.Errorf("the session key: %w", err)
	}
	if err := config.Key(string(key)); err != nil {
		return nil, fmt.Errorf("the session key in the store was altered: %w", err)
	}
	return key, nil
}

func newKey() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(base64.StdEncoding.EncodeToString(b[:]))
}

// loadConfigured makes the sealers of the configured keys, and of a made key that they came in place of. Where the
// store does not say whether there is one, they do without for now.
func (k *keyring) loadConfigured() (any, error) {
	if ready := k.ready.Load(); ready != nil && ready.until != 0 { // its time is over
		return k.use(readySealers{isFinal: true}, k.secrets...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), formerKeyTimeout)
	defer cancel()
	made, until, err := k.formerKey(ctx)
	switch {
	case err != nil: // the store's watch has logged why
		return k.use(readySealers{}, k.secrets...)
	case made == nil:
		return k.use(readySealers{isFinal: true}, k.secrets...)
	}
	k.logger().Info("the session key that was made before session key was set goes on opening sessions, and seals none; to end "+
		"that at once, remove it from the store, unless another site needs it, and reload",
		zap.Time("until", until), zap.String("entry", madeKeyName))
	return k.use(readySealers{isFinal: true, until: until.Unix()}, append(slices.Clone(k.secrets), made)...)
}

// settle finds out, for configured keys, whether they came in place of a made one, if that is not known yet.
func (k *keyring) settle(ctx context.Context) error {
	if ready := k.ready.Load(); len(k.secrets) == 0 || ready != nil && ready.isFinal {
		return nil
	}
	select {
	case <-k.group.DoChan("", k.loadConfigured):
	case <-ctx.Done():
		return ctx.Err()
	}
	if ready := k.ready.Load(); ready == nil || !ready.isFinal {
		return errNotSettled
	}
	return nil
}

var errNotSettled = fmt.Errorf("%w: it does not say whether a session key was made before one was configured", store.ErrStore)

// formerKey returns the key that was made before there were configured ones, and until when it opens what it sealed:
// for a lifetime after the first one was configured, so that nobody is logged out. It is nil where there is none.
func (k *keyring) formerKey(ctx context.Context) (made []byte, until time.Time, err error) {
	if !k.keepsKeys {
		return nil, time.Time{}, nil
	}
	made, err = k.store.Get(ctx, madeKeyName)
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
	if until = since.Add(k.lifetime); !k.now().Before(until) {
		return nil, time.Time{}, nil
	}
	return made, until, nil
}

// replacedSince returns when a key of this site was first seen beside a made one. The store remembers it by each of the
// keys, so that it does not begin anew when they are exchanged one by one.
func (k *keyring) replacedSince(ctx context.Context) (since time.Time, err error) {
	configured, err := sealersOf(k.secrets)
	if err != nil {
		return time.Time{}, err
	}
	since = k.now()
	var missing []string
	for _, mark := range configured.marks {
		name := k.replaces(mark)
		value, err := k.store.Get(ctx, name)
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
		kept, err := k.store.PutIfAbsent(ctx, name, strconv.AppendInt(nil, since.Unix(), 10), 0)
		if err != nil {
			return time.Time{}, err
		}
		if second, err := strconv.ParseInt(string(kept), 10, 64); err == nil && second < since.Unix() {
			since = time.Unix(second, 0)
		}
	}
	return since, nil
}

// newKeyring returns the keyring of the site, whose configuration is otherwise complete.
func (h *Handler) newKeyring(secrets [][]byte) *keyring {
	return &keyring{
		secrets: secrets, store: h.store, keepsKeys: h.keepsKeys, replaces: h.replacedKeyName, lifetime: h.lives.Lifetime,
		now: func() time.Time { return h.now() }, logger: func() *zap.Logger { return h.logger }, dropped: h.renewOpeners,
	}
}

// replacedKeyName names in the store when a key of this site was first seen beside a made one.
func (h *Handler) replacedKeyName(mark string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q", []string{mark, h.platform})
	for _, a := range h.accounts {
		fmt.Fprintf(sum, "%q", []string{a.Kind(), account.Ref(a)})
	}
	return "session_key_replaced/" + hex.EncodeToString(sum.Sum(nil))
}
