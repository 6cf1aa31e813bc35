package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// Keyset is what is derived from a site's secrets: sealers for any purpose by name. The first secret seals, all of them
// open. Each purpose has keys of its own (HKDF), so nothing that was sealed for one opens for another. It is safe for
// concurrent use.
type Keyset struct {
	secrets [][]byte
	ids     []string
	sealers atomic.Pointer[map[string]*Sealer] // by purpose; whoever adds one puts another map in place
	mu      sync.Mutex                         // held while one is added
}

// keysets has, by a digest of the secrets, the key sets that somebody uses: sites with the same secrets share one.
var keysets sync.Map // of digest to weak.Pointer[Keyset]

// NewKeyset returns the key set of the secrets, of which there must be one at least: those of [New]. While somebody
// uses it, the same secrets give the same key set.
func NewKeyset(secrets ...[]byte) (*Keyset, error) {
	digest := digestOf(secrets)
	if known, ok := keysets.Load(digest); ok {
		if k := known.(weak.Pointer[Keyset]).Value(); k != nil {
			return k, nil
		}
	}
	k := &Keyset{secrets: secrets}
	k.sealers.Store(new(map[string]*Sealer))
	if len(secrets) == 0 {
		return nil, fmt.Errorf("no secret to derive keys from")
	}
	for _, secret := range secrets {
		id, err := hkdf.Key(sha256.New, secret, nil, "caddywechat key mark", 8)
		if err != nil {
			return nil, fmt.Errorf("deriving the id of a key: %w", err)
		}
		k.ids = append(k.ids, hex.EncodeToString(id))
	}
	pointer := weak.Make(k)
	keysets.Store(digest, pointer)
	runtime.AddCleanup(k, func(digest [sha256.Size]byte) { keysets.CompareAndDelete(digest, pointer) }, digest)
	return k, nil
}

func digestOf(secrets [][]byte) (digest [sha256.Size]byte) {
	for _, secret := range secrets {
		sum := sha256.Sum256(secret)
		digest = sha256.Sum256(append(digest[:], sum[:]...))
	}
	return digest
}

// IDs returns what names the keys without telling them, the first one's first.
func (k *Keyset) IDs() []string { return k.ids }

// Sealer returns the sealer for a purpose.
func (k *Keyset) Sealer(purpose string) *Sealer {
	if s := (*k.sealers.Load())[purpose]; s != nil {
		return s
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := *k.sealers.Load()
	if s := known[purpose]; s != nil {
		return s
	}
	s, err := New(purpose, k.secrets...)
	if err != nil {
		panic(err) // HKDF refuses keys that are far longer than ours, and nothing else
	}
	more := maps.Clone(known)
	if more == nil {
		more = make(map[string]*Sealer)
	}
	more[purpose] = s
	k.sealers.Store(&more)
	return s
}

// Derive returns n bytes for a purpose, from the first secret.
func (k *Keyset) Derive(purpose string, n int) []byte {
	key, err := hkdf.Key(sha256.New, k.secrets[0], nil, "caddywechat "+purpose, n)
	if err != nil {
		panic(err) // see Sealer
	}
	return key
}

// Keys returns the keys that authenticate for a purpose, the first secret's first.
func (k *Keyset) Keys(purpose string) []Key {
	keys, err := NewKeys(purpose, k.secrets...)
	if err != nil {
		panic(err) // see Sealer
	}
	return keys
}
