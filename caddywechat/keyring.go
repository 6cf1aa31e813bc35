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
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

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

// knownSealers has, by a digest of the secrets, the sealers that some site uses: sites with the same keys share them.
var knownSealers sync.Map // of digest to weak.Pointer[sealers]

func sealersOf(secrets [][]byte) (*sealers, error) {
	var digest [sha256.Size]byte
	for _, secret := range secrets {
		sum := sha256.Sum256(secret)
		digest = sha256.Sum256(append(digest[:], sum[:]...))
	}
	if known, ok := knownSealers.Load(digest); ok {
		if s := known.(weak.Pointer[sealers]).Value(); s != nil {
			return s, nil
		}
	}
	s, err := newSealers(secrets)
	if err != nil {
		return nil, err
	}
	pointer := weak.Make(s)
	knownSealers.Store(digest, pointer)
	runtime.AddCleanup(s, func(digest [sha256.Size]byte) { knownSealers.CompareAndDelete(digest, pointer) }, digest)
	return s, nil
}

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

// keyring has the sealers, made at first use: from the configured keys or, where there are none, from one that the store
// keeps.
type keyring struct {
	ready   atomic.Pointer[sealers]
	secrets [][]byte // the configured keys
	store   store.Store
	group   singleflight.Group
	fault   atomic.Pointer[keyFault]
}

// keyFault is the last failure to get the key from the store.
type keyFault struct {
	err error
	at  time.Time
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
	if len(k.secrets) > 0 {
		return k.makeSealers(k.secrets)
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
	key, err := k.fromStore()
	if err != nil {
		k.fault.Store(&keyFault{err, time.Now()})
		return nil, err
	}
	return k.makeSealers([][]byte{key})
}

func (k *keyring) makeSealers(secrets [][]byte) (*sealers, error) {
	s, err := sealersOf(secrets)
	if err == nil {
		k.ready.Store(s)
	}
	return s, err
}

// fromStore is on its own time: a visitor who leaves does not stop the making of the key.
func (k *keyring) fromStore() ([]byte, error) {
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
	return key, nil
}

func newKey() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(base64.StdEncoding.EncodeToString(b[:]))
}
