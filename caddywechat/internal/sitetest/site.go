// Package sitetest makes the parts of a site for tests of what stands on them: without Caddy, on a store in memory,
// with an account, a clock and a web server of the test's. It knows nothing of logins, nor of who may enter, whose
// tests use it.
package sitetest

import (
	"cmp"
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/background"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

const (
	// Host is what visitors call the site, by https.
	Host = "h5.example.com"
	// Platform is the URL of WeChat's pages.
	Platform = "https://open.example.net"
	// Key is the site's session key.
	Key = "a key with at least 32 bytes in it, for tests"
	// Prefix is the path below which the module answers itself.
	Prefix = "/_wechat"
	// Lifetime is how long sessions live.
	Lifetime = 24 * time.Hour
)

// Options are what differs from a site with one [Account]. The zero Options differ in nothing.
type Options struct {
	Accounts []account.Account
	UserID   account.UserID
	Public   *visitor.Origin
	Domain   string
	Cookie   string        // name of the session's cookie
	Idle     time.Duration // after which a session ends
	MaxAge   time.Duration // of a profile
	MadeKey  bool          // the session key is made, and kept in the store
	Key      string        // "": [Key]
	// Other is another instance of the site: it has the same store and clock, and nothing else.
	Other *Parts
}

// Parts are what a site consists of, as far as several packages know them.
type Parts struct {
	T        testing.TB
	Clock    *Clock
	Account  *Account // the only one, unless the options name others
	Store    *Store
	Status   *store.Status
	Site     *site.Site
	Accounts *account.Set
	Keyring  *keyring.Keyring
	Vault    *keyring.Vault
	Grants   *grant.Keeper
	Sync     *revocation.Sync
	Revoked  *revocation.Site
	Sessions *session.Manager
	Answers  *problem.Writer
	Events   *Events
	Work     *background.Group
	Logger   *zap.Logger
	Logs     *observer.ObservedLogs
}

// New makes the parts of a site. What goes on behind them ends with the test.
func New(t testing.TB, o Options) *Parts {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	p := &Parts{
		T: t, Account: &Account{}, Status: new(store.Status), Events: new(Events), Work: background.NewGroup(),
		Logger: zap.New(core), Logs: logs,
	}
	if o.Other != nil {
		p.Clock, p.Store = o.Other.Clock, o.Other.Store
	} else {
		p.Clock = NewClock()
		p.Store = new(Store)
		p.Store.UseClock(p.Clock.Now)
	}
	if len(o.Accounts) == 0 {
		o.Accounts = []account.Account{p.Account}
	}
	var err error
	if p.Accounts, err = account.NewSet(o.UserID, o.Accounts...); err != nil {
		t.Fatal(err)
	}
	p.Site = site.New(site.Config{
		Public: o.Public, Prefix: Prefix, Domain: o.Domain, Platform: Platform, Logger: p.Logger,
	})
	p.join(o)
	return p
}

// join makes what needs the store.
func (p *Parts) join(o Options) {
	secrets := [][]byte{[]byte(cmp.Or(o.Key, Key))}
	if o.MadeKey {
		secrets = nil
	}
	watched := store.Watch(p.Store, p.Status, p.Logger, func() string { return "a test goes on" })
	p.Keyring = keyring.New(keyring.Config{
		Secrets: secrets, Store: watched, KeepsKey: o.MadeKey, Lifetime: Lifetime, Platform: Platform,
		Accounts: p.Accounts, Now: p.Clock.Now, Logger: p.Logger,
	})
	p.Vault = &keyring.Vault{Keyring: p.Keyring, Store: watched}
	p.Grants = grant.NewKeeper(grant.Config{
		Vault: p.Vault, Accounts: p.Accounts, Platform: Platform, Lifetime: Lifetime, Refresh: o.MaxAge, Work: p.Work,
		Now: p.Clock.Now, Logger: p.Logger,
	})
	p.Sync = revocation.NewSync(p.Status)
	p.Revoked = p.Sync.NewSite(revocation.Config{
		Store: watched, Keyring: p.Keyring, Accounts: p.Accounts, Grants: p.Grants, Lifetime: Lifetime,
		Now: p.Clock.Now, Logger: p.Logger,
	})
	p.Sync.Join(p.Revoked, func() iter.Seq[*session.Session] { return func(func(*session.Session) bool) {} })
	p.T.Cleanup(func() { p.Sync.Close(); p.Work.Close() })
	p.Sessions = session.NewManager(session.Config{
		Site: p.Site, Policy: session.Policy{Lifetime: Lifetime, Idle: o.Idle},
		Cookies: session.Cookies{Name: o.Cookie, Domain: o.Domain}, Keys: p.Keyring, Accounts: p.Accounts,
		Revoked: p.Revoked, Cache: session.NewCache(), Now: p.Clock.Now,
	})
	p.Answers = &problem.Writer{Pages: page.BuiltIn(), Logger: p.Logger}
}

// Works reports whether the store can be read.
func (p *Parts) Works(ctx context.Context) bool {
	_, err := p.Vault.Get(ctx, "probe")
	return err == nil
}

// Session returns a new session of a person of an account, with further fields by name and value.
func (p *Parts) Session(a account.Account, openID string, more ...string) session.Session {
	p.T.Helper()
	id := Identity(a, openID, more...)
	return p.Sessions.New(p.T.Context(), account.Ref(a), id, Lifetime)
}

// Identity is that of a person for whom an account vouches.
func Identity(a account.Account, openID string, more ...string) identity.Identity {
	id := Named(openID, more...)
	return id.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID())
}

// Named is an identity as an account makes it, with further fields by name and value.
func Named(openID string, more ...string) identity.Identity {
	id := identity.Identity{}.With(identity.OpenID, openID)
	for i := 0; i < len(more); i += 2 {
		id = id.With(more[i], more[i+1])
	}
	return id
}

// Idle waits until nothing goes on in the background that was started before.
func (p *Parts) Idle() { <-p.Work.Idle() }

// WantLines fails the test unless the log has that many lines with a message, and returns their fields.
func (p *Parts) WantLines(message string, n int) (fields []map[string]any) {
	p.T.Helper()
	for _, line := range p.Logs.FilterMessageSnippet(message).All() {
		fields = append(fields, line.ContextMap())
	}
	if len(fields) != n {
		p.T.Errorf("%d lines %q, want %d: %v", len(fields), message, n, p.Logs.All())
	}
	return fields
}

// Clock is one that a test moves. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at a moment within a second.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 20, 9, 0, 0, 300e6, time.UTC)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Events is a sink that remembers. It is safe for concurrent use.
type Events struct {
	mu  sync.Mutex
	all []event.Event
}

// Emit implements [event.Sink].
func (e *Events) Emit(one event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
}

// Take returns the events that came since it was called last.
func (e *Events) Take() []event.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}
