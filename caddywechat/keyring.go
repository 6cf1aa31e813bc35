package caddywechat

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"golang.org/x/sync/singleflight"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
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

// keyring has a site's sealers, made at first use: from the configured keys, and from one that the store keeps. Where
// none are configured that one is made if it is not there; else it only opens, and for a while, see
// [keyring.formerKey].
type keyring struct {
	site    *Handler // whose store, clock and log it uses
	secrets [][]byte // the configured keys
	ready   atomic.Pointer[readySealers]
	settled atomic.Pointer[settledKeys]
	group   singleflight.Group
	fault   atomic.Pointer[keyFault]
	told    atomic.Bool // whether the log has a line about the key that cannot be had
}

// readySealers are sealers to work with.
type readySealers struct {
	*sealers
	keys *settledKeys // that they are made from
}

// settledKeys are the keys of a site, as far as that is known.
type settledKeys struct {
	secrets [][]byte // the first seals, all open
	// until is when the last one, which was made, opens no more, in Unix seconds; 0: never.
	until int64
	// isFinal says that it is known whether a made key is to open what the configured ones do not.
	isFinal bool
}

func (s *settledKeys) isOver(now time.Time) bool { return s.until != 0 && now.Unix() >= s.until }

// keyFault is the last failure to get the key from the store.
type keyFault struct {
	err error
	at  time.Time
}

// sealers returns the sealers. The error is the store's, or that of ctx, and goes away when the store works again; with
// a configured key there is none.
func (k *keyring) sealers(ctx context.Context) (*sealers, error) {
	if s := k.ready.Load(); s != nil && (s.keys.until == 0 || !s.keys.isOver(k.site.now())) {
		return s.sealers, nil
	}
	keys, err := k.keys(ctx)
	if err != nil {
		return nil, err
	}
	return k.makeSealers(keys)
}

// keys returns what the sealers are made from, with the same errors.
func (k *keyring) keys(ctx context.Context) (*settledKeys, error) {
	if keys := k.settled.Load(); keys != nil && !keys.isOver(k.site.now()) {
		return keys, nil
	}
	if f := k.fault.Load(); f != nil && time.Since(f.at) < madeKeyPause {
		return nil, f.err
	}
	return k.load(ctx)
}

// load settles which keys there are. With configured ones there is no error but that of ctx.
func (k *keyring) load(ctx context.Context) (*settledKeys, error) {
	load := k.loadMadeKey
	if len(k.secrets) > 0 {
		load = k.loadConfigured
	}
	select {
	case result := <-k.group.DoChan("", load):
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*settledKeys), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *keyring) makeSealers(keys *settledKeys) (*sealers, error) {
	s, err := sealersOf(keys.secrets)
	if err != nil {
		return nil, err
	}
	if before := k.ready.Swap(&readySealers{s, keys}); before != nil && before.keys.until != 0 && keys.until == 0 {
		k.site.renewOpeners() // or sessions would be found again that the made key has opened
	}
	return s, nil
}

// settle takes note of the keys that there are.
func (k *keyring) settle(keys settledKeys) (*settledKeys, error) {
	k.settled.Store(&keys)
	if k.ready.Load() != nil { // of other keys
		if _, err := k.makeSealers(&keys); err != nil {
			return nil, err
		}
	}
	return &keys, nil
}

// known returns the keys that there are, nil where none is configured and none was got from the store yet. The error
// tells that the store does not say whether there is another one.
func (k *keyring) known(ctx context.Context) (*settledKeys, error) {
	settled := k.settled.Load()
	if settled == nil && len(k.secrets) == 0 {
		return nil, nil
	}
	if settled == nil || !settled.isFinal || settled.isOver(k.site.now()) {
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

// has reports whether the sealers can be had without the store.
func (k *keyring) has() bool { return len(k.secrets) > 0 || k.settled.Load() != nil }
