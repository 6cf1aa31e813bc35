package session

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

var (
	errNoKeys = errors.New("no keys")
	h5        = visitor.NewOrigin("https", "h5.example.com")
)

const secret = "a key with at least 32 bytes in it, for tests"

// keys are a [Keyring] that may fail, and counts how often it is asked.
type keys struct {
	set   *seal.Keyset
	err   error
	asked int
}

func (k *keys) Keyset(context.Context) (*seal.Keyset, error) {
	k.asked++
	if k.err != nil {
		return nil, k.err
	}
	return k.set, nil
}

// accounts are [Accounts] of one app. What identifies a person to the app is the openid behind a prefix.
type accounts struct {
	ref    string
	barred map[string]bool // by openid
	host   string          // the only one that the account serves, "" for all
}

func (a *accounts) IsServed(ref string, _ identity.Identity, host string) bool {
	return ref == a.ref && (a.host == "" || host == a.host)
}

func (a *accounts) UserID(ref string, id identity.Identity) string {
	if ref != a.ref {
		return ""
	}
	return "user " + id.Get(identity.OpenID)
}

func (a *accounts) Admits(ref string, id identity.Identity) bool {
	return ref == a.ref && !a.barred[id.Get(identity.OpenID)]
}

// revoked are [Revoked].
type revoked struct {
	ended    map[ID]bool
	survives time.Time
	awaited  int
}

func (r *revoked) Await(context.Context) { r.awaited++ }
func (r *revoked) Ends(s *Session) bool  { return r.ended[s.ID] }
func (r *revoked) Survives(string, identity.Identity, time.Time) time.Time {
	return r.survives
}

// world is a site with a clock that stands still until a test turns it.
type world struct {
	*Manager
	now      time.Time
	keys     *keys
	accounts *accounts
	revoked  *revoked
}

// newWorld returns a site at which nobody is idle for more than an hour. change may alter the configuration first.
func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	set, err := seal.NewKeyset([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		now: login, keys: &keys{set: set}, revoked: &revoked{ended: make(map[ID]bool)},
		accounts: &accounts{ref: "wx0123456789abcdef", barred: make(map[string]bool)},
	}
	c := Config{
		Site:   site.New(site.Config{Prefix: "/wechat", Platform: "https://open.weixin.qq.com"}),
		Policy: Policy{Lifetime: day, Idle: time.Hour},
		Keys:   w.keys, Accounts: w.accounts, Revoked: w.revoked, Cache: NewCache(),
		Now: func() time.Time { return w.now },
	}
	if change != nil {
		change(&c)
	}
	w.Manager = NewManager(c)
	return w
}

// login returns a session of somebody that starts now.
func (w *world) login(t *testing.T) Session {
	t.Helper()
	return w.New(t.Context(), w.accounts.ref, silent(), w.Policy.Lifetime)
}

// cookie returns the cookie of a session at an origin.
func (w *world) cookie(t *testing.T, o visitor.Origin, s Session) visitor.Cookie {
	t.Helper()
	c, err := w.Cookie(t.Context(), o, s)
	if err != nil {
		t.Fatal(err)
	}
	return visitor.Cookie{Name: c.Name, Value: c.Value}
}

// token returns the token of a session.
func (w *world) token(t *testing.T, s Session) string {
	t.Helper()
	token, _, err := w.Token(t.Context(), h5, s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// get is a navigation to an origin.
func get(t *testing.T, o visitor.Origin, cookies ...visitor.Cookie) *visitor.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, o.String()+"/page", nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return &visitor.Request{Request: r, Origin: o, Cookies: cookies}
}

// withTokens is a request of a program.
func withTokens(t *testing.T, tokens ...string) *visitor.Request {
	t.Helper()
	r := get(t, h5)
	r.Tokens = tokens
	return r
}

// finds reports whether a request has that session, and fails if it has another one or nobody can know.
func (w *world) finds(t *testing.T, r *visitor.Request, s Session) bool {
	t.Helper()
	found, err := w.Find(r)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil && found.ID != s.ID {
		t.Errorf("found %s, want %s", found.ID, s.ID)
	}
	return found != nil
}
