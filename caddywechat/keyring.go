package caddywechat

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

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
	// revocations prove what instances tell one another in the store.
	revocations []seal.Key
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
	revocations, err := seal.NewKeys("revocation", secrets...)
	if err != nil {
		return nil, err
	}
	return &sealers{
		session: [forms]*seal.Sealer{asCookie: cookie, asToken: token},
		attempt: attempt, store: store, state: state, marks: marks, revocations: revocations,
	}, nil
}

// keyring has the sealers, made at first use: from the configured keys, and from one that the store keeps. Where none
// are configured that one is made if it is not there; else it only opens, and for a while, see [keyring.formerKey].
type keyring struct {
	ready   atomic.Pointer[readySealers]
	secrets [][]byte // the configured keys
	store   store.Store
	// keepsKeys says that the store is a place for a key.
	keepsKeys bool
	// replaces names the site and its keys in the store, for when they came in place of a made one.
	replaces func(mark string) string
	lifetime time.Duration // of the site's sessions
	now      func() time.Time
	logger   func() *zap.Logger
	// dropped is called when a key does not open any more.
	dropped func()

	group singleflight.Group
	fault atomic.Pointer[keyFault]
	// told says that the log has a line about the key that cannot be had.
	told atomic.Bool
}

// readySealers are sealers to work with.
type readySealers struct {
	*sealers
	// isFinal says that it is known whether a made key is to open what the configured ones do not.
	isFinal bool
	// until is when the made key among them opens no more, in Unix seconds; 0: there is none, or it is the only one.
	until int64
}

// keyFault is the last failure to get the key from the store.
type keyFault struct {
	err error
	at  time.Time
}

// sealers returns the sealers. The error is the store's, or that of ctx, and goes away when the store works again; with
// a configured key there is none.
func (k *keyring) sealers(ctx context.Context) (*sealers, error) {
	if s := k.ready.Load(); s != nil && (s.until == 0 || k.now().Unix() < s.until) {
		return s.sealers, nil
	}
	if f := k.fault.Load(); f != nil && time.Since(f.at) < madeKeyPause {
		return nil, f.err
	}
	load := k.loadMadeKey
	if len(k.secrets) > 0 {
		load = k.loadConfigured
	}
	select {
	case result := <-k.group.DoChan("", load):
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*sealers), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// existing returns the sealers like sealers does, nil where no key was made yet. It makes none.
func (k *keyring) existing(ctx context.Context) (*sealers, error) {
	if k.ready.Load() == nil && len(k.secrets) == 0 {
		_, err := k.store.Get(ctx, madeKeyName)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return k.sealers(ctx)
}

// has reports whether the sealers can be had without the store.
func (k *keyring) has() bool { return len(k.secrets) > 0 || k.ready.Load() != nil }

func (k *keyring) use(s readySealers, secrets ...[]byte) (*sealers, error) {
	var err error
	if s.sealers, err = sealersOf(secrets); err != nil {
		return nil, err
	}
	before := k.ready.Swap(&s)
	if before != nil && before.until != 0 && s.until == 0 {
		k.dropped()
	}
	return s.sealers, nil
}
