package caddywechat

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// sealers are what is made from the session keys, one for each purpose.
type sealers struct {
	session [forms]*seal.Sealer
	attempt *seal.Sealer
	store   *seal.Sealer
	state   login.StateKey
	// marks tell the keys apart in the names of what they sealed in a store, the first key's first.
	marks []string
}

// form is how a session travels.
type form int

const (
	asCookie form = iota
	asToken
	forms // is how many there are
)

func newSealers(secrets [][]byte) (*sealers, error) {
	cookie, err := seal.New("session", secrets...)
	if err != nil {
		return nil, err
	}
	attempt, err := seal.New("login attempt", secrets...)
	if err != nil {
		return nil, err
	}
	store, err := seal.New("store", secrets...)
	if err != nil {
		return nil, err
	}
	token, err := seal.New("token", secrets...)
	if err != nil {
		return nil, err
	}
	state, err := hkdf.Key(sha256.New, secrets[0], nil, "caddywechat login state", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for states: %w", err)
	}
	var marks []string
	for _, secret := range secrets {
		mark, err := hkdf.Key(sha256.New, secret, nil, "caddywechat key mark", 8)
		if err != nil {
			return nil, fmt.Errorf("deriving the mark of a key: %w", err)
		}
		marks = append(marks, hex.EncodeToString(mark))
	}
	return &sealers{
		session: [forms]*seal.Sealer{asCookie: cookie, asToken: token},
		attempt: attempt, store: store, state: state, marks: marks,
	}, nil
}

// keyring has the sealers: made from the configured keys, or, at first use, from one that the store keeps.
type keyring struct {
	ready atomic.Pointer[sealers]
	store store.Store
	group singleflight.Group
	fault atomic.Pointer[keyFault]
}

// keyFault is the last failure to get the key from the store.
type keyFault struct {
	err error
	at  time.Time
}

func newKeyring(secrets [][]byte, s store.Store) (*keyring, error) {
	k := &keyring{store: s}
	if len(secrets) == 0 {
		return k, nil
	}
	made, err := newSealers(secrets)
	k.ready.Store(made)
	return k, err
}

const (
	madeKeyName = "session_key"
	// madeKeyTimeout bounds how long a request waits for the store. Other instances may hold its lock meanwhile.
	madeKeyTimeout = 10 * time.Second
	// madeKeyPause keeps requests from asking a store that is down over and over.
	madeKeyPause = time.Second
)

// sealers returns the sealers. The error is the store's, or that of ctx, and goes away when the store works again.
func (k *keyring) sealers(ctx context.Context) (*sealers, error) {
	if s := k.ready.Load(); s != nil {
		return s, nil
	}
	if f := k.fault.Load(); f != nil && time.Since(f.at) < madeKeyPause {
		return nil, f.err
	}
	select {
	case result := <-k.group.DoChan("", k.load):
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*sealers), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *keyring) load() (any, error) {
	s, err := k.fromStore()
	if err != nil {
		k.fault.Store(&keyFault{err, time.Now()})
		return nil, err
	}
	k.ready.Store(s)
	return s, nil
}

// fromStore is on its own time: a visitor who leaves does not stop the making of the key.
func (k *keyring) fromStore() (*sealers, error) {
	ctx, cancel := context.WithTimeout(context.Background(), madeKeyTimeout)
	defer cancel()
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
	return newSealers([][]byte{key})
}

func newKey() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(base64.StdEncoding.EncodeToString(b[:]))
}
