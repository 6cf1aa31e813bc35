package weixin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// TokenCache is where the instances of a site share the server tokens and tickets that one of them got. It may be any
// key-value store: package weixin makes do without while it fails, and each instance asks WeChat for itself then.
//
// Keys are slash-separated words of lower-case letters, digits and hyphens, and reveal nothing. Values are secret:
// where others can read the store, whoever adapts it encrypts them, and returns nil for one that does not decrypt.
type TokenCache interface {
	// Get returns the value of key, nil where there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put keeps value under key for ttl, in place of what is there.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// PutIfAbsent keeps value under key for ttl unless there is one already, and returns the one that is there
	// afterwards. When several instances call it at once, all of them get the same value.
	PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error)
	// Delete removes the value of key. It is no error that there is none.
	Delete(ctx context.Context, key string) error
}

// cacheTimeout bounds each call of a cache.
const cacheTimeout = 5 * time.Second

// slot is the place of one credential in the cache, and of the lease of the instance that asks WeChat for it. Its calls
// are on their own time: what they do concerns others too.
type slot struct {
	cache    TokenCache
	name     string
	leaseTTL time.Duration
}

// slotName names a credential among those of all apps and hosts.
func (t *ServerToken) slotName(kind string) string {
	return digest(t.host, kind, t.app.ID, t.app.Auth.text())
}

// digest does not give away a secret among the parts: those have 128 bits and more.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}

func (s *slot) credentialKey() string { return "server-tokens/" + s.name }
func (s *slot) leaseKey() string      { return "server-token-leases/" + s.name }

// credential returns the credential in the cache, nil where there is none that can be read.
func (s *slot) credential() (*credential, error) {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	value, err := s.cache.Get(ctx, s.credentialKey())
	if err != nil {
		return nil, err
	}
	c := new(credential)
	if json.Unmarshal(value, c) != nil || !isCredential(c.Secret) {
		return nil, nil
	}
	return c, nil
}

func (s *slot) putCredential(c *credential, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	return s.cache.Put(ctx, s.credentialKey(), encode(c), ttl)
}

// lease is the right to ask WeChat, which one instance has at a time. It ends by itself, should that instance die.
// Where WeChat gave nothing, it stays for a while, to keep everybody from asking and to tell them why.
type lease struct {
	Holder  string   `json:"holder"` // a random text
	Refusal *refusal `json:"refusal,omitempty"`
}

// takeLease returns the lease that is there afterwards, and whether this call made it.
func (s *slot) takeLease() (l lease, mine bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	wanted := lease{Holder: rand.Text()}
	kept, err := s.cache.Get(ctx, s.leaseKey()) // while somebody waits this is all, and cheaper
	if err == nil && kept == nil {
		kept, err = s.cache.PutIfAbsent(ctx, s.leaseKey(), encode(wanted), s.leaseTTL)
	}
	if err != nil {
		return lease{}, false, err
	}
	if json.Unmarshal(kept, &l) != nil {
		return lease{}, false, nil // somebody's, until it ends
	}
	return l, l.Holder == wanted.Holder, nil
}

// endLease lets the next one ask at once.
func (s *slot) endLease() error {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	return s.cache.Delete(ctx, s.leaseKey())
}

// refuse keeps everybody from asking for a while.
func (s *slot) refuse(r refusal, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	return s.cache.Put(ctx, s.leaseKey(), encode(lease{Holder: rand.Text(), Refusal: &r}), ttl)
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own types come here
	}
	return b
}

// refusal is why an instance got nothing, for the others.
type refusal struct {
	Errcode int           `json:"errcode,omitempty"`
	Message string        `json:"message,omitempty"` // the beginning of errmsg
	WeCom   bool          `json:"wecom,omitempty"`
	Cause   string        `json:"cause,omitempty"` // one of causes, where there is no errcode
	Count   int           `json:"count"`           // of failures in a row
	Pause   time.Duration `json:"pause"`           // until somebody may ask again, in nanoseconds
}

var causes = map[string]error{"timeout": ErrTimeout, "unreachable": ErrUnreachable, "answer": ErrAnswer}

func newRefusal(err error, count int, pause time.Duration) refusal {
	r := refusal{Count: count, Pause: pause}
	if apiErr, ok := errors.AsType[*Error](err); ok {
		r.Errcode, r.Message, r.WeCom = apiErr.Code, apiErr.Message[:min(len(apiErr.Message), 200)], apiErr.WeCom
		return r
	}
	for name, cause := range causes {
		if errors.Is(err, cause) {
			r.Cause = name
		}
	}
	return r
}

func (r refusal) error() error {
	if r.Errcode != 0 {
		return &Error{Code: r.Errcode, Message: r.Message, WeCom: r.WeCom}
	}
	cause, ok := causes[r.Cause]
	if !ok {
		cause = ErrUnreachable
	}
	return fmt.Errorf("%w: another instance asked just now", cause)
}
