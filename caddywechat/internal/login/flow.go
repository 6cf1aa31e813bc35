// Package login owns the way through a login: the attempt that a browser carries to WeChat and back, the state that
// names it, the exchange of the code, once for a cluster, the address to return to, the results of the last minute, the
// end of loops, and the logout. It asks nobody who may enter a page, which is the gate's; it only makes and ends
// sessions.
package login

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Config is what a [Flow] is made of. What is not marked as optional is needed.
type Config struct {
	Site     *site.Site
	Accounts *account.Set
	Sessions *session.Manager
	Revoked  *revocation.Site
	Grants   *grant.Keeper
	Vault    *keyring.Vault
	// Cluster is the store where its PutIfAbsent tells at once which instance was first; nil: instances know nothing of
	// one another's logins.
	Cluster store.Store
	Status  *store.Status
	Answers *problem.Writer
	Events  event.Sink
	Memory  *Memory
	Timeout time.Duration // of one call to WeChat
	// KeepFragment keeps what stands behind # in a page's address across the login.
	KeepFragment bool
	Now          func() time.Time
	Logger       *zap.Logger
}

// Memory is what a process remembers of the logins of all its sites, beyond reloads of the configuration. The zero
// Memory is ready to use.
type Memory struct {
	recent     Recent
	unreturned unreturned
}

// Flow is the login of one site. It is safe for concurrent use.
type Flow struct {
	Config
	targets waitingTargets

	domainHint, targetHint, unreturnedHint, demandHint event.Hint
}

// NewFlow returns the flow of a site.
func NewFlow(c Config) *Flow { return &Flow{Config: c} }

// keys are those of the logins of a moment.
type keys struct {
	attempt *seal.Sealer
	store   *seal.Sealer
	state   StateKey
}

// keys returns what attempts are sealed with. The error is the store's.
func (f *Flow) keys(r *visitor.Request) (*keys, error) {
	set, err := f.Vault.Keyring.Keyset(r.Context())
	if err != nil {
		return nil, err
	}
	return keysOf(set), nil
}

func keysOf(set *seal.Keyset) *keys {
	return &keys{
		attempt: set.Sealer("login attempt"),
		store:   set.Sealer("store"),
		state:   StateKey(set.Derive("login state")),
	}
}

// hasProfile reports whether an identity that an account of the site made holds the person's profile.
func (f *Flow) hasProfile(a account.Account, id identity.Identity) bool {
	return f.Accounts.HasProfile(account.Ref(a), id)
}

// satisfies reports whether a live session, nil for none, is as good as the one that a login would make.
func (f *Flow) satisfies(s *session.Session, profile bool) bool {
	return s != nil && s.Identity.Get(identity.Snapshot) == "" &&
		(!profile || f.Accounts.HasProfile(s.Account, s.Identity))
}

// emit tells of how something ended.
func (f *Flow) emit(subject event.Subject, outcome event.Outcome, r *visitor.Request, e event.Event) {
	e.Subject, e.Outcome, e.Request = subject, outcome, r
	f.Events.Emit(e)
}

func setCookies(w http.ResponseWriter, cookies ...*http.Cookie) {
	for _, c := range cookies {
		http.SetCookie(w, c)
	}
}
