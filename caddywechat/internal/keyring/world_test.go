package keyring

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

const (
	day      = 24 * time.Hour
	lifetime = 7 * day
	one      = "one key with at least 32 bytes in it, for tests"
	two      = "two key with at least 32 bytes in it, for tests"
)

var begin = time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)

// plain is an account.
type plain string

func (plain) Kind() string                              { return "plain" }
func (p plain) AppID() string                           { return string(p) }
func (plain) Person(id identity.Identity) string        { return id.Get(identity.OpenID) }
func (plain) PersonEverywhere(identity.Identity) string { return "" }

// world is a store that fails on demand, and a clock that stands still until a test turns it.
type world struct {
	now     time.Time
	store   storetest.Faulty
	failing string // the beginning of calls that fail, such as "Get" or "Get session_key"
	calls   []string
	log     *observer.ObservedLogs
	logger  *zap.Logger
}

func newWorld() *world {
	w := &world{now: begin}
	memory := new(storetest.Memory)
	memory.UseClock(func() time.Time { return w.now })
	w.store = storetest.Faulty{Store: memory, Fail: func(method, key string) error {
		call := method + " " + key
		w.calls = append(w.calls, call)
		if w.failing != "" && strings.HasPrefix(call, w.failing) {
			return store.ErrStore
		}
		return nil
	}}
	core, log := observer.New(zap.InfoLevel)
	w.log, w.logger = log, zap.New(core)
	return w
}

// keyring returns the keyring of a site with these keys configured.
func (w *world) keyring(t *testing.T, secrets ...string) *Keyring {
	t.Helper()
	accounts, err := account.NewSet("", plain("wx0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Store: w.store, KeepsKey: true, Lifetime: lifetime, Platform: "https://open.weixin.qq.com", Accounts: accounts,
		Now: func() time.Time { return w.now }, Logger: w.logger,
	}
	for _, secret := range secrets {
		c.Secrets = append(c.Secrets, []byte(secret))
	}
	return New(c)
}

// ids returns what names the keys of a site.
func ids(t *testing.T, k *Keyring) []string {
	t.Helper()
	keys, err := k.Keyset(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys.IDs()
}

// known returns the secrets of a site as others may ask for them.
func known(t *testing.T, k *Keyring) []string {
	t.Helper()
	secrets, err := k.Known(t.Context())
	if err != nil || secrets == nil {
		t.Fatalf("known: %v, %v", secrets, err)
	}
	var all []string
	for _, secret := range secrets.All {
		all = append(all, string(secret))
	}
	return all
}

// asked returns how many calls began so.
func (w *world) asked(beginning string) (n int) {
	for _, call := range w.calls {
		if strings.HasPrefix(call, beginning) {
			n++
		}
	}
	return n
}
