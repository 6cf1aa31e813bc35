package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Vault keeps secrets in the store, sealed. A secret stands there under a name with the id of its key, so that sites
// with different keys that share a store don't get in one another's way, and opens under its own name only. It is safe
// for concurrent use.
type Vault struct {
	Keyring *Keyring
	Store   store.Store
}

// purpose is what the vault's keys are derived for.
const purpose = "store"

// seal returns a secret and its name as they stand in the store, and the keys that it is sealed with.
func (v *Vault) seal(
	ctx context.Context, key string, secret []byte,
) (keys *seal.Keyset, name, sealed string, err error) {
	if keys, err = v.Keyring.Keyset(ctx); err != nil {
		return nil, "", "", err
	}
	name = key + "-" + keys.IDs()[0]
	sealed, err = keys.Sealer(purpose).Seal(name, seal.Text(secret))
	return keys, name, sealed, err
}

// Put keeps a secret for the given life, in place of what is there.
func (v *Vault) Put(ctx context.Context, key string, secret []byte, life time.Duration) error {
	_, name, sealed, err := v.seal(ctx, key, secret)
	if err != nil {
		return err
	}
	return v.Store.Put(ctx, name, []byte(sealed), life)
}

// Get returns a secret that was kept with this site's first key or with an older one, nil where there is none.
func (v *Vault) Get(ctx context.Context, key string) ([]byte, error) {
	keys, err := v.Keyring.Keyset(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range keys.IDs() {
		name := key + "-" + id
		sealed, err := v.Store.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if secret := opened(keys, name, sealed); secret != nil {
			return secret, nil
		}
	}
	return nil, nil
}

// PutIfAbsent keeps a secret unless there is one already, and returns the one that is there afterwards; nil for one
// that does not open.
func (v *Vault) PutIfAbsent(ctx context.Context, key string, secret []byte, life time.Duration) ([]byte, error) {
	keys, name, sealed, err := v.seal(ctx, key, secret)
	if err != nil {
		return nil, err
	}
	kept, err := v.Store.PutIfAbsent(ctx, name, []byte(sealed), life)
	if err != nil {
		return nil, err
	}
	return opened(keys, name, kept), nil
}

// Delete removes a secret. It is no error that there is none.
func (v *Vault) Delete(ctx context.Context, key string) error {
	keys, err := v.Keyring.Keyset(ctx)
	if err != nil {
		return err
	}
	for _, id := range keys.IDs() {
		if err := v.Store.Delete(ctx, key+"-"+id); err != nil {
			return err
		}
	}
	return nil
}

func opened(keys *seal.Keyset, name string, sealed []byte) []byte {
	var secret seal.Text
	if !keys.Sealer(purpose).Open(name, string(sealed), &secret) { // an empty one doesn't either
		return nil
	}
	return []byte(secret)
}

// Key returns the key of an entry in an area of the store. It tells nothing of the parts that name the entry.
func Key(area string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return area + "/" + hex.EncodeToString(sum[:])
}
