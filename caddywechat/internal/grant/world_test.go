package grant

import (
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

const (
	day    = 24 * time.Hour
	secret = "a key with at least 32 bytes in it, for tests"
)

var begin = time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)

// plain is an account whose people have an openid, and some a name everywhere that is no unionid.
type plain struct{ kind, appID string }

func (p plain) Kind() string                     { return p.kind }
func (p plain) AppID() string                    { return p.appID }
func (plain) Person(id identity.Identity) string { return id.Get(identity.OpenID) }
func (plain) PersonEverywhere(id identity.Identity) string {
	if userID := id.Get(identity.UserID); userID != "" {
		return userID
	}
	return id.Get(identity.UnionID)
}

// program is an account that offers more to programs, for which it needs a secret.
type program struct{ plain }

func (program) Endpoints() []account.Endpoint { return nil }

var official, mini = plain{"official_account", "wxa"}, program{plain{"mini_program", "wxb"}}

// world is a keeper, over a store that fails on demand, with a clock that stands still until a test turns it.
type world struct {
	*Keeper
	now time.Time
	log *observer.ObservedLogs

	mu      sync.Mutex
	failing string // the beginning of calls that fail
	calls   []string
}

// newWorld returns the keeper of a site with these accounts.
func newWorld(t *testing.T, userID account.UserID, refresh time.Duration, all ...account.Account) *world {
	t.Helper()
	w := &world{now: begin}
	clock := func() time.Time { return w.now }
	memory := new(storetest.Memory)
	memory.UseClock(clock)
	faulty := storetest.Faulty{Store: memory, Fail: w.fail}
	accounts, err := account.NewSet(userID, all...)
	if err != nil {
		t.Fatal(err)
	}
	core, log := observer.New(zap.InfoLevel)
	w.log = log
	ring := keyring.New(keyring.Config{
		Secrets: [][]byte{[]byte(secret)}, Store: faulty, Accounts: accounts, Now: clock, Logger: zap.New(core),
	})
	w.Keeper = NewKeeper(Config{
		Vault: &keyring.Vault{Keyring: ring, Store: faulty}, Accounts: accounts, Platform: "https://open.weixin.qq.com",
		Lifetime: 7 * day, Refresh: refresh, Now: clock, Logger: zap.New(core),
	})
	return w
}

func (w *world) fail(method, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	call := method + " " + key
	w.calls = append(w.calls, call)
	if w.failing != "" && strings.HasPrefix(call, w.failing) {
		return store.ErrStore
	}
	return nil
}

// asked returns how many calls of the store there were that begin so, and forgets them.
func (w *world) asked(beginning string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range w.calls {
		if strings.HasPrefix(call, beginning) {
			n++
		}
	}
	w.calls = nil
	return n
}

// work gives the keeper something that runs its work.
func (w *world) work(t *testing.T) {
	w.Work = background.NewGroup()
	t.Cleanup(w.Work.Close)
}

// of is an identity that an account made.
func of(a account.Account, fields ...string) identity.Identity {
	id := identity.Identity{}.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID())
	for i := 0; i < len(fields); i += 2 {
		id = id.With(fields[i], fields[i+1])
	}
	return id
}

// wantSecret fails unless that is what endpoints of an account know of a person.
func (w *world) wantSecret(t *testing.T, a account.Account, userID, want string) {
	t.Helper()
	if got, err := w.Secret(t.Context(), a, userID); err != nil || got != want {
		t.Errorf("%s of %s: secret %q, %v, want %q", userID, a.Kind(), got, err, want)
	}
}

// wantRefreshToken fails unless that is a person's.
func (w *world) wantRefreshToken(t *testing.T, a account.Account, userID, want string) {
	t.Helper()
	if got, err := w.RefreshToken(t.Context(), a, userID); err != nil || got != want {
		t.Errorf("%s of %s: refresh token %q, %v, want %q", userID, a.Kind(), got, err, want)
	}
}
