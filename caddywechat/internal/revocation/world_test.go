package revocation

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

const (
	keyOne = "one key with at least 32 bytes in it, for tests"
	keyTwo = "two key with at least 32 bytes in it, for tests"
)

// plain is an account, which counts how often it is asked for a person.
type plain struct {
	appID string
	asked *atomic.Int64
}

func (plain) Kind() string    { return "plain" }
func (p plain) AppID() string { return p.appID }
func (p plain) Person(id identity.Identity) string {
	p.asked.Add(1)
	return id.Get(identity.OpenID)
}
func (plain) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }

var wxa = plain{"wxa", new(atomic.Int64)}

// world is a store, and a clock that stands still until a test turns it.
type world struct {
	now    func() time.Time
	memory *storetest.Memory
}

// newWorld returns a world, and its clock.
func newWorld() (*world, *time.Time) {
	now := toTheSecond(login)
	clock := func() time.Time { return now }
	w := &world{now: clock, memory: new(storetest.Memory)}
	w.memory.UseClock(clock)
	return w, &now
}

// instance is a process that uses the store of a world, which may fail for it alone.
type instance struct {
	*Sync
	w      *world
	store  store.Store
	log    *observer.ObservedLogs
	logger *zap.Logger

	mu      sync.Mutex
	failing func(call string) bool // nil: nothing does
	calls   []string
}

func (w *world) instance(t *testing.T) *instance {
	t.Helper()
	core, log := observer.New(zap.InfoLevel)
	i := &instance{w: w, log: log, logger: zap.New(core)}
	status := new(store.Status)
	i.Sync = NewSync(status)
	t.Cleanup(i.Close)
	faulty := storetest.Faulty{Store: w.memory, Fail: i.call}
	i.store = store.Watch(faulty, status, zap.NewNop(), func() string { return "" })
	return i
}

func (i *instance) call(method, key string) error {
	i.mu.Lock()
	call := method + " " + key
	i.calls = append(i.calls, call)
	failing := i.failing
	i.mu.Unlock()
	if failing != nil && failing(call) {
		return store.ErrStore
	}
	return nil
}

// fail makes calls fail that begin in one of these ways, none without.
func (i *instance) fail(beginnings ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failing = func(call string) bool {
		return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(call, b) })
	}
}

// asked returns how many calls began so since it was asked last.
func (i *instance) asked(beginning string) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, call := range i.calls {
		if strings.HasPrefix(call, beginning) {
			n++
		}
	}
	i.calls = nil
	return n
}

// said returns how many lines of the log hold a text.
func (i *instance) said(text string) int { return i.log.FilterMessageSnippet(text).Len() }

// site returns a site that has joined, with these session keys. change may alter its configuration first.
func (i *instance) site(t *testing.T, change func(*Config), secrets ...string) *Site {
	t.Helper()
	accounts, err := account.NewSet("", wxa)
	if err != nil {
		t.Fatal(err)
	}
	k := keyring.Config{
		Store: i.store, KeepsKey: true, Lifetime: 7 * day, Accounts: accounts, Now: i.w.now, Logger: zap.NewNop(),
	}
	for _, secret := range secrets {
		k.Secrets = append(k.Secrets, []byte(secret))
	}
	c := Config{
		Store: i.store, Keyring: keyring.New(k), Accounts: accounts, Lifetime: 7 * day, Now: i.w.now, Logger: i.logger,
	}
	c.Grants = grant.NewKeeper(grant.Config{
		Vault: &keyring.Vault{Keyring: c.Keyring, Store: i.store}, Accounts: accounts, Refresh: day, Lifetime: 7 * day,
		Work: background.NewGroup(), Now: i.w.now, Logger: i.logger,
	})
	if change != nil {
		change(&c)
	}
	site := i.NewSite(c)
	i.Join(site, func() iter.Seq[*session.Session] { return slices.Values([]*session.Session(nil)) })
	return site
}

// exchange fails unless all that others revoked could be read.
func (i *instance) exchange(t *testing.T) {
	t.Helper()
	if !i.Exchange(t.Context()) {
		t.Error("not all could be read")
	}
}

// of is an identity that an account made.
func of(openID, unionID string) identity.Identity {
	return identity.Identity{}.With(identity.Account, "plain").With(identity.AppID, "wxa").
		With(identity.OpenID, openID).With(identity.UnionID, unionID)
}

// begin returns a session of a person that starts now at a site, and ends with its lifetime.
func (s *Site) begin(openID string) *session.Session {
	id := of(openID, "u"+openID)
	one := session.New(id, s.Now(), s.Lifetime)
	one.Survives = s.Survives(one.Account, id, s.Now())
	return &one
}

// wantEnds fails unless sessions are over at a site, or live on.
func (s *Site) wantEnds(t *testing.T, want bool, sessions ...*session.Session) {
	t.Helper()
	for n, one := range sessions {
		if s.Ends(one) != want {
			t.Errorf("session %d of %d: want over %v", n, len(sessions), want)
		}
	}
}

// stop ends what goes on in the background, and waits for it.
func (i *instance) stop() {
	i.Close()
	<-i.work.Idle()
}
