package seal

import (
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
	sealers memo[*Sealer]
	derived memo[[]byte]
}

// memo remembers what was made for a purpose. Whoever adds something puts another map in place, so that nobody waits
// who finds what is there.
type memo[T any] struct {
	made atomic.Pointer[map[string]T]
	mu   sync.Mutex // held while something is added
}

// get returns what is remembered for a purpose, or else what make makes.
func (m *memo[T]) get(purpose string, make func() (T, error)) T {
	if made := m.made.Load(); made != nil {
		if value, ok := (*made)[purpose]; ok {
			return value
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	more := map[string]T{}
	if made := m.made.Load(); made != nil {
		maps.Copy(more, *made)
	}
	value, ok := more[purpose]
	if !ok {
		var err error
		if value, err = make(); err != nil {
			panic(err) // HKDF refuses keys that are far longer than ours, and nothing else
		}
		more[purpose] = value
		m.made.Store(&more)
	}
	return value
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
	if len(secrets) == 0 {
		return nil, fmt.Errorf("no secret to derive keys from")
	}
	for _, secret := range secrets {
		id, err := derive("key mark", secret, 8)
		if err != nil {
			return nil, err
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
	return k.sealers.get(purpose, func() (*Sealer, error) { return New(purpose, k.secrets...) })
}

// Derive returns 32 bytes for a purpose, from the first secret. Nobody may change them.
func (k *Keyset) Derive(purpose string) []byte {
	return k.derived.get(purpose, func() ([]byte, error) { return derive(purpose, k.secrets[0], sha256.Size) })
}
