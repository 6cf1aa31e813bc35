// Package keyring owns the secrets of a site: which ones there are, the one that is made where none is configured, and
// when a made one ends. All else is derived from them, for any purpose by name. It also owns the [Vault], where what
// must not be read is sealed in the store.
package keyring

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Config is what a [Keyring] is made of.
type Config struct {
	Secrets [][]byte // the configured ones, the first seals, all open; none: one is made and kept in the store
	Store   store.Store
	// KeepsKey says that the store is a place for a made key: whoever can write to it could be anybody anyway.
	KeepsKey bool
	// Lifetime is how long a made key goes on opening sessions after others were configured.
	Lifetime time.Duration
	// Platform and Accounts name the site among those of a store.
	Platform string
	Accounts *account.Set
	Now      func() time.Time
	Logger   *zap.Logger
}

// Keyring has a site's keys, made at first use: of the configured secrets, and of one that the store keeps. Where none
// are configured that one is made if it is not there; else it only opens, and for a while. It is safe for concurrent
// use.
type Keyring struct {
	Config
	ready   atomic.Pointer[readyKeys]
	settled atomic.Pointer[Secrets]
	group   singleflight.Group
	fault   atomic.Pointer[fault]
	told    atomic.Bool // whether the log has a line about the key that cannot be had
}

// New returns the keyring of a site. It touches no store.
func New(c Config) *Keyring { return &Keyring{Config: c} }

// readyKeys are keys to work with.
type readyKeys struct {
	*seal.Keyset
	from *Secrets
}

// Secrets are those of a site, as far as they are known.
type Secrets struct {
	All [][]byte // the first seals, all open

	// until is when the last one, which was made, opens no more, in Unix seconds; 0: never.
	until int64
	// isFinal says that it is known whether a made key is to open what the configured ones do not.
	isFinal bool
}

// isOver reports whether one of them opens no more. Most never end, and cost no look at the clock.
func (s *Secrets) isOver(now func() time.Time) bool { return s.until != 0 && now().Unix() >= s.until }

// fault is the last failure to get the key from the store.
type fault struct {
	err error
	at  time.Time
}

// Keyset returns the keys of this moment. The error is the store's, or that of ctx, and goes away when the store works
// again; with a configured key there is none.
func (k *Keyring) Keyset(ctx context.Context) (*seal.Keyset, error) {
	// Those of other secrets may have come in place of these meanwhile.
	if r := k.ready.Load(); r != nil && r.from == k.settled.Load() && !r.from.isOver(k.Now) {
		return r.Keyset, nil
	}
	secrets, err := k.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	return k.derive(secrets)
}

func (k *Keyring) derive(secrets *Secrets) (*seal.Keyset, error) {
	keys, err := seal.NewKeyset(secrets.All...)
	if err != nil { // mutants: equivalent, there is a secret, and nothing else can fail
		return nil, err
	}
	k.ready.Store(&readyKeys{keys, secrets})
	return keys, nil
}

// Secrets returns what the keys are made from, with the errors of [Keyring.Keyset].
func (k *Keyring) Secrets(ctx context.Context) (*Secrets, error) {
	if secrets := k.settled.Load(); secrets != nil && !secrets.isOver(k.Now) {
		return secrets, nil
	}
	if f := k.fault.Load(); f != nil && time.Since(f.at) < madeKeyPause {
		return nil, f.err
	}
	return k.load(ctx)
}

// load settles which secrets there are. With configured ones there is no error but that of ctx.
func (k *Keyring) load(ctx context.Context) (*Secrets, error) {
	load := k.loadMadeKey
	if len(k.Config.Secrets) > 0 {
		load = k.loadConfigured
	}
	select {
	case result := <-k.group.DoChan("", load):
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Secrets), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// settle keeps the secrets that there are.
func (k *Keyring) settle(secrets Secrets) (*Secrets, error) {
	k.settled.Store(&secrets)
	return &secrets, nil
}

// Known returns the secrets that there are, nil where none is configured and none was got from the store yet. The error
// tells that the store does not say whether there is another one.
func (k *Keyring) Known(ctx context.Context) (*Secrets, error) {
	settled := k.settled.Load()
	if settled == nil && len(k.Config.Secrets) == 0 {
		return nil, nil
	}
	if settled == nil || !settled.isFinal || settled.isOver(k.Now) {
		var err error
		if settled, err = k.load(ctx); err != nil {
			return nil, err
		}
	}
	if !settled.isFinal {
		return nil, errNotSettled
	}
	return settled, nil
}

// NeedsStore reports whether the keys can't be had without the store. Then the log has been told so by whoever asks.
func (k *Keyring) NeedsStore() bool {
	if len(k.Config.Secrets) > 0 || k.settled.Load() != nil {
		return false
	}
	k.told.Store(true)
	return true
}
