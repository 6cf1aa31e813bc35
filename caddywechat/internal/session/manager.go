package session

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Keyring has the keys that seal and open sessions.
type Keyring interface {
	// Keyset returns the keys of this moment. The error tells that they can't be had.
	Keyset(context.Context) (*seal.Keyset, error)
}

// Accounts vouch for the people of sessions. They are named by reference, see [Session.Account].
type Accounts interface {
	// UserID returns what identifies a person to the app, "" where no account of that name vouches for the identity.
	UserID(account string, id identity.Identity) string
	// IsServed reports whether that account serves a host, so that its sessions count there.
	IsServed(account string, id identity.Identity, host string) bool
	// Admits reports whether the account lets the person in by the configuration of today.
	Admits(account string, id identity.Identity) bool
}

// Revoked knows which sessions ended before their time.
type Revoked interface {
	// Await waits until what was revoked before this process started is known, as far as the store tells in time.
	Await(context.Context)
	// Ends reports whether a session is over.
	Ends(*Session) bool
	// Survives returns the last revocation of the person that a session which starts now is to survive; zero where none
	// would end it.
	Survives(account string, id identity.Identity, now time.Time) time.Time
}

// Config is what a [Manager] is made of. All of it is needed.
type Config struct {
	Site     *site.Site
	Policy   Policy
	Cookies  Cookies
	Keys     Keyring
	Accounts Accounts
	Revoked  Revoked
	Cache    *Cache // of the process
	Now      func() time.Time
}

// Manager finds, issues and touches the sessions of one site. It owns the policy of how long they live and in which
// cookie, and judges them with every request: nobody else says that a session counts. It is safe for concurrent use.
type Manager struct {
	Config
	opener uint64 // with [opener]+1 for tokens: what this manager's sessions are called in the cache
}

// NewManager returns the manager of a site's sessions.
func NewManager(c Config) *Manager { return &Manager{Config: c, opener: lastOpener.Add(uint64(forms))} }

// lastOpener is the last number that a manager has to tell the sessions that it opened from others'.
var lastOpener atomic.Uint64

// form is how a session travels.
type form uint64

const (
	asCookie form = iota
	asToken
	forms // is how many there are
)

// purpose is what the keys of a form are derived for.
func (f form) purpose() string {
	if f == asToken {
		return "token"
	}
	return "session"
}

const (
	// maxCookies is how many cookies of the session's name are looked at. A browser sends one.
	maxCookies = 4
	// maxLogoutCookies is how many a logout looks at: planted ones must not keep the real one alive.
	maxLogoutCookies = 64
)

// Find returns the visitor's session with the field id of the person, nil where there is none. Nobody may change it.
// Two cookies that both open are none: one of them was planted. The error tells that nobody can know, for want of the
// key.
func (m *Manager) Find(r *visitor.Request) (*Session, error) {
	sessions, err := m.find(r, maxCookies)
	if len(sessions) != 1 { // none where there is an error
		return nil, err
	}
	return sessions[0], nil
}

// FindAll returns all sessions that a browser carries, for a logout: whatever opens ends.
func (m *Manager) FindAll(r *visitor.Request) ([]*Session, error) { return m.find(r, maxLogoutCookies) }

// find returns the live session in the token that a program sent, else those in the cookies that the browser sent, none
// where there are more than limit.
func (m *Manager) find(r *visitor.Request, limit int) ([]*Session, error) {
	if len(r.Tokens) > 0 {
		return m.findToken(r)
	}
	var sessions []*Session
	seen := 0
	for _, c := range r.Cookies {
		if !m.Cookies.HasFullName(c.Name, r.Origin.Secure()) {
			continue
		}
		if seen++; seen > limit {
			return nil, nil
		}
		s, err := m.open(r, asCookie, c.Value)
		if err != nil {
			return nil, err
		}
		if s != nil && m.IsLive(s, m.Policy) {
			sessions = append(sessions, s)
		}
	}
	return sessions, nil
}

// findToken returns the live session in the token that a program sent, none where it sent two that differ: one of them
// is not its own.
func (m *Manager) findToken(r *visitor.Request) ([]*Session, error) {
	for _, token := range r.Tokens[1:] {
		if token != r.Tokens[0] {
			return nil, nil
		}
	}
	s, err := m.open(r, asToken, strings.TrimPrefix(r.Tokens[0], tokenPrefix))
	if s == nil || !m.IsLive(s, m.PolicyOf(r)) {
		return nil, err
	}
	return []*Session{s}, nil
}

// open returns the session in a sealed text, nil where it does not open at this site, or stands for nobody here.
// Whether it counts is for IsLive to say.
func (m *Manager) open(r *visitor.Request, f form, text string) (*Session, error) {
	if len(text) > seal.MaxLength {
		return nil, nil
	}
	m.Revoked.Await(r.Context())
	keys, err := m.Keys.Keyset(r.Context())
	if err != nil {
		return nil, err
	}
	sealed := Sealed{Opener: m.opener - uint64(f), Keys: keys, Host: m.Site.Host(r.Origin), Text: text}
	return m.Cache.Open(sealed, func(s *Session) bool {
		if !keys.Sealer(f.purpose()).Open(m.Site.Scope(r.Origin), text, s) {
			return false
		}
		if !m.Accounts.IsServed(s.Account, s.Identity, r.Origin.Hostname()) {
			return false
		}
		userID := m.Accounts.UserID(s.Account, s.Identity)
		s.Identity = s.Identity.With(identity.ID, userID)
		return userID != ""
	}), nil
}

// Seen returns the live sessions that came to this instance lately, as far as the cache has them. One may come several
// times.
func (m *Manager) Seen() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		for opener, s := range m.Cache.All() {
			isOwn := m.opener-opener < uint64(forms) // a larger opener wraps around
			if isOwn && m.IsLive(s, m.Policy.WithoutIdle()) && !yield(s) {
				return
			}
		}
	}
}

// UserID returns what identifies a session's person to the app.
func (m *Manager) UserID(s *Session) string { return m.Accounts.UserID(s.Account, s.Identity) }

// New returns a session that starts now, of a person for whom an account vouches. What was revoked before does not end
// it.
func (m *Manager) New(ctx context.Context, account string, id identity.Identity, lifetime time.Duration) Session {
	m.Revoked.Await(ctx)
	now := m.Now()
	s := New(id, now, lifetime)
	s.Account = account
	s.Survives = m.Revoked.Survives(account, id, now)
	return s
}

// Fit returns a session as it fits into a cookie at o, perhaps without avatar and with less of the nickname. The error
// is an [ErrTooLong].
func (m *Manager) Fit(s Session, o visitor.Origin) (Session, error) {
	return s.fit(m.Cookies, o.Secure())
}

// Cookie returns the cookie that carries a session.
func (m *Manager) Cookie(ctx context.Context, o visitor.Origin, s Session) (*http.Cookie, error) {
	sealed, err := m.seal(ctx, o, asCookie, s)
	return m.Cookies.New(sealed, s.Expiry(m.Policy).Sub(m.Now()), o.Secure()), err
}

// Token returns the token that carries a session, and when it is over.
func (m *Manager) Token(ctx context.Context, o visitor.Origin, s Session) (token string, expires time.Time, err error) {
	sealed, err := m.seal(ctx, o, asToken, s)
	return tokenPrefix + sealed, s.Expiry(m.Policy.WithoutIdle()), err
}

func (m *Manager) seal(ctx context.Context, o visitor.Origin, f form, s Session) (string, error) {
	keys, err := m.Keys.Keyset(ctx)
	if err != nil {
		return "", err
	}
	s.Identity = s.Identity.Without(identity.ID) // which follows from the rest and from the configuration
	return keys.Sealer(f.purpose()).Seal(m.Site.Scope(o), s)
}

// Removal returns the cookie that makes a browser forget its session.
func (m *Manager) Removal(o visitor.Origin) *http.Cookie { return m.Cookies.New("", 0, o.Secure()) }

// Touch returns the cookie that notes that the visitor is there, where a session ends without that, or that the session
// was refreshed; nil where none is needed. Only navigations bring one: other answers may be cached and shared whatever
// their headers say.
func (m *Manager) Touch(r *visitor.Request, s *Session, isRefreshed bool) (*http.Cookie, error) {
	now := m.Now()
	isDue := isRefreshed || s.NeedsTouch(m.Policy, now)
	if len(r.Tokens) > 0 || !isDue || !visitor.IsNavigation(r.Request) {
		return nil, nil
	}
	touched := *s
	touched.Seen = now.Truncate(time.Second)
	touched.Identity = touched.Identity.Without(identity.ID)
	touched, err := m.Fit(touched, r.Origin)
	if err != nil {
		return nil, err
	}
	return m.Cookie(r.Context(), r.Origin, touched)
}
