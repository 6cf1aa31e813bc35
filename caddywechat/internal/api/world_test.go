package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// timeout bounds a call to WeChat.
const timeout = 5 * time.Second

// world is a site with an API.
type world struct {
	*sitetest.Parts
	*api.API
	program *sitetest.Program
	config  api.Config
}

// newWorld makes a site with an account for programs, unless the options name others.
func newWorld(t *testing.T, o sitetest.Options) *world {
	t.Helper()
	w := &world{program: new(sitetest.Program)}
	if len(o.Accounts) == 0 {
		o.Accounts = []account.Account{w.program}
	} else {
		o.UserID = account.Qualified
	}
	p := sitetest.New(t, o)
	w.Parts = p
	flow := login.NewFlow(login.Config{
		Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Revoked: p.Revoked, Grants: p.Grants, Vault: p.Vault,
		Status: p.Status, Answers: p.Answers, Events: p.Events, Memory: new(login.Memory), Now: p.Clock.Now,
		Logger: p.Logger,
	})
	w.config = api.Config{
		Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Grants: p.Grants, Login: flow,
		Limiter: new(api.Limiter),
		Answers: p.Answers, Events: p.Events, Timeout: timeout, Works: p.Works, Now: p.Clock.Now, Logger: p.Logger,
	}
	w.API = api.New(w.config)
	return w
}

// login posts a program's code.
func (w *world) login(rw http.ResponseWriter, r *visitor.Request) error {
	return w.TokenLogin(rw, r, w.program)
}

// client returns a program at an address of its own.
func (w *world) client() *sitetest.Browser {
	b := w.Browser()
	b.Server.Address = netip.MustParseAddr("192.0.2.1")
	return b
}

// post posts a body as a program does.
func post(b *sitetest.Browser, serve sitetest.Serve, body string, lines ...string) *sitetest.Answer {
	lines = append([]string{sitetest.Fetch, "Content-Type: application/json"}, lines...)
	return b.Send(serve, "POST", "/_wechat/program/x", append(lines, "", body)...)
}

// switchedKeys are a session's keys that cannot be had while they are off.
type switchedKeys struct {
	session.Keyring
	off error
}

// Keyset implements [session.Keyring].
func (k *switchedKeys) Keyset(ctx context.Context) (*seal.Keyset, error) {
	if k.off != nil {
		return nil, k.off
	}
	return k.Keyring.Keyset(ctx)
}

// switchKeys lets the keys of sessions, and of nothing else, be switched off.
func (w *world) switchKeys() *switchedKeys {
	keys := &switchedKeys{Keyring: w.Parts.Keyring}
	c := w.Parts.Sessions.Config
	c.Keys = keys
	w.config.Sessions = session.NewManager(c)
	w.API = api.New(w.config)
	return keys
}
