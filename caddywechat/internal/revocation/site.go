package revocation

import (
	"context"
	"iter"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Config is what a [Site] is made of. All of it is needed.
type Config struct {
	Store    store.Store
	Keyring  *keyring.Keyring
	Accounts *account.Set
	Grants   *grant.Keeper
	Lifetime time.Duration // of the site's sessions
	Now      func() time.Time
	Logger   *zap.Logger
}

// Site is a site's part in what is revoked at the sites of one store. It implements [session.Revoked].
type Site struct {
	Config
	sync     *Sync
	fullHint event.Hint
	seen     func() iter.Seq[*session.Session] // live sessions of the site that came lately
}

// NewSite returns the part of a site, which has to [Sync.Join] before others count on it.
func (s *Sync) NewSite(c Config) *Site {
	return &Site{Config: c, sync: s}
}

// Await implements [session.Revoked].
func (s *Site) Await(ctx context.Context) { s.sync.Await(ctx) }

// Ends implements [session.Revoked].
func (s *Site) Ends(one *session.Session) bool { return s.endedBy(&s.sync.list, one) }

func (s *Site) endedBy(list *List, one *session.Session) bool {
	if list.Ends(one) {
		return true
	}
	if !list.NamesPeople() {
		return false
	}
	a := s.Accounts.Of(one.Account, one.Identity)
	if a == nil {
		return false
	}
	subjects := subjectsOf(a, one.Identity)
	return list.EndsPerson(one, subjects[:]...)
}

// Survives implements [session.Revoked].
func (s *Site) Survives(ref string, id identity.Identity, now time.Time) time.Time {
	a := s.Accounts.Of(ref, id)
	if a == nil {
		return time.Time{}
	}
	subjects := subjectsOf(a, id)
	return s.sync.list.Survives(now, subjects[:]...)
}

// manyEntries is from which entry of a person on one entry ends all of their sessions: nobody fills the list.
const manyEntries = 50

// EndSessions ends sessions of this site, here at once and on other instances as soon as they read on. The error is the
// store's; then they are over here, and the others are told when the store works again.
func (s *Site) EndSessions(ctx context.Context, sessions ...*session.Session) error {
	secrets, err := s.Keyring.Secrets(ctx)
	if err != nil {
		return err
	}
	now := s.Now()
	entries := make(map[Subject]int) // of this logout
	p := pendingRecord{journal: sessionJournal, secrets: secrets.All}
	for _, one := range sessions {
		a := s.Accounts.Of(one.Account, one.Identity)
		if a == nil {
			continue // no session of this site's
		}
		subjects := ownSubjects(a, one.Identity)
		person := subjects[0]
		entries[person]++
		if !s.sync.list.HasMany(person, manyEntries-entries[person], now) {
			p.revocations = append(p.revocations, OfSession(one.ID, person, now, one.Expires))
			continue
		}
		end := one.Expires
		for _, site := range s.sync.Sites() { // at all of which the person's sessions end
			if e := now.Add(site.Lifetime); e.After(end) {
				end = e
			}
		}
		p.revocations = append(p.revocations, OfPerson(s.sync.list.NextTime(now), end, subjects...))
		p.secrets = nil // as an operator's
	}
	return s.revoke(ctx, p)
}

// EndPerson ends all sessions of somebody as the app knows them, at all sites of the store, those included that have
// other keys.
func (s *Site) EndPerson(ctx context.Context, userID string) error {
	now := s.Now()
	r := OfPerson(s.sync.list.NextTime(now), now.Add(session.MaxLifetime), UserSubject(userID))
	return s.revoke(ctx, pendingRecord{operatorJournal, nil, []Revocation{r}})
}

// EndOthers ends all sessions of a person, for another one to survive that: of the same login as one, and with its end.
// Of several requests with the same session one is the first, and isLive tells the others that it has ended. Where it
// cannot be yet it ends none, and returns how long to wait.
func (s *Site) EndOthers(
	ctx context.Context, one *session.Session, isLive func() bool,
) (fresh session.Session, stored bool, wait time.Duration) {
	r, at, wait := s.replace(one, isLive)
	if wait > 0 {
		return fresh, false, wait
	}
	// A store that fails is logged by its watch. The sessions are over here all the same.
	err := s.revoke(ctx, pendingRecord{operatorJournal, nil, []Revocation{r}})
	fresh = *one
	fresh.ID, fresh.Survives = session.NewID(), at
	return fresh, err == nil, 0
}

func (s *Site) replace(one *session.Session, isLive func() bool) (r Revocation, at time.Time, wait time.Duration) {
	s.sync.replacing.Lock()
	defer s.sync.replacing.Unlock()
	a := s.Accounts.Of(one.Account, one.Identity)
	if a == nil || !isLive() {
		return r, at, time.Second
	}
	subjects, now := ownSubjects(a, one.Identity), s.Now()
	if at, wait = s.sync.list.NextInPlaceOf(one, now, subjects...); wait > 0 {
		return r, at, wait
	}
	r = OfPerson(at, now.Add(session.MaxLifetime), subjects...)
	s.apply(r)
	return r, at, 0
}

// apply puts a revocation in force in this process.
func (s *Site) apply(r Revocation) {
	if s.sync.list.Apply(r, s.Now()) {
		return
	}
	s.fullHint.Do(s.Now(), func() {
		s.Logger.Warn("more sessions are revoked than this process remembers: those that end first go on")
	})
}

// purpose is what the keys are for that prove revocations.
const purpose = "revocation"

func keysByID(secrets [][]byte) map[seal.KeyID]seal.Key {
	found, _ := seal.NewKeys(purpose, secrets...) // what a session key can be was judged before
	keys := make(map[seal.KeyID]seal.Key, len(found))
	for _, key := range found {
		keys[key.ID] = key
	}
	return keys
}

// secrets returns the session keys of the sites, each once. The error is the store's, which does not say what keys
// there are.
func (s *Sync) secrets(ctx context.Context) ([][]byte, error) {
	secrets, lacking, err := s.knownSecrets(ctx)
	if lacking == nil {
		return secrets, err
	}
	made, err := keyring.MadeKey(ctx, lacking.Store) // by somebody else
	if made == nil {
		return secrets, err
	}
	return append(secrets, made), nil
}

// secretsAtHand returns the session keys, none where not all can be had without asking the store.
func (s *Sync) secretsAtHand() [][]byte {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	secrets, lacking, _ := s.knownSecrets(done) // none with an error
	if lacking != nil {
		return nil
	}
	return secrets
}

// knownSecrets returns the session keys of the sites, each once, and a site that lacks its one, if any does.
func (s *Sync) knownSecrets(ctx context.Context) (secrets [][]byte, lacking *Site, err error) {
	seen := make(map[string]bool)
	for _, site := range s.Sites() {
		known, err := site.Keyring.Known(ctx)
		if err != nil {
			return nil, nil, err
		}
		if known == nil {
			lacking = site
			continue
		}
		for _, secret := range known.All {
			if !seen[string(secret)] {
				seen[string(secret)] = true
				secrets = append(secrets, secret)
			}
		}
	}
	return secrets, lacking, nil
}

// WithoutStore says what a store that fails leaves to its sites.
func (s *Sync) WithoutStore() string {
	lacksKey := false
	for _, site := range s.Sites() {
		lacksKey = site.Keyring.NeedsStore() || lacksKey
	}
	if lacksKey {
		return "sites without session key keep theirs there, and nobody logs in to them and no session opens " +
			"until it can be read; with session { key … } they don't need the store for that"
	}
	return "sessions and silent logins go on, what needs memory does not"
}
