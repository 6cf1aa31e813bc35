package login_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// timeout bounds a call to WeChat.
const timeout = 5 * time.Second

// world is a site with logins.
type world struct {
	*sitetest.Parts
	*login.Flow
	config login.Config
}

// newWorld makes a site, whose flow is changed by with.
func newWorld(t *testing.T, o sitetest.Options, with ...func(*login.Config)) *world {
	t.Helper()
	p := sitetest.New(t, o)
	w := &world{Parts: p, config: login.Config{
		Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Revoked: p.Revoked, Grants: p.Grants, Vault: p.Vault,
		Cluster: p.Store, Status: p.Status, Answers: p.Answers, Events: p.Events, Memory: new(login.Memory),
		Timeout: timeout, Now: p.Clock.Now, Logger: p.Logger,
	}}
	for _, change := range with {
		change(&w.config)
	}
	w.Flow = login.NewFlow(w.config)
	return w
}

// keepsFragment is an option.
func keepsFragment(c *login.Config) { c.KeepFragment = true }

// another returns another instance of the site, with its own memory.
func (w *world) another(t *testing.T) *world {
	t.Helper()
	return newWorld(t, sitetest.Options{Other: w.Parts, Accounts: w.Parts.Accounts.All()})
}

// protected is a page that asks for a login.
func (w *world) protected(rw http.ResponseWriter, r *visitor.Request) error {
	s, err := w.config.Sessions.Find(r)
	if err != nil {
		return err
	}
	return w.Challenge(rw, r, s, false)
}

// profiled is a page that asks for the profile.
func (w *world) profiled(rw http.ResponseWriter, r *visitor.Request) error {
	s, err := w.config.Sessions.Find(r)
	if err != nil {
		return err
	}
	return w.Challenge(rw, r, s, true)
}

// begin opens a page and returns the callback with a code to which WeChat sends the browser then.
func (w *world) begin(b *sitetest.Browser, target, code string) string {
	w.T.Helper()
	return w.back(b.Open(w.protected, target), code)
}

// back returns the callback to which WeChat sends a browser that it got by an answer: without a code for "".
func (w *world) back(a *sitetest.Answer, code string) string {
	w.T.Helper()
	a.Want(w.T, http.StatusFound)
	u, err := url.Parse(a.To())
	if err != nil || !strings.HasPrefix(a.To(), sitetest.Platform) {
		w.T.Fatalf("%q does not lead to WeChat: %v", a.To(), err)
	}
	to, ok := strings.CutPrefix(u.Query().Get("redirect_uri"), "https://"+sitetest.Host)
	if !ok {
		w.T.Fatalf("%q does not lead back", a.To())
	}
	join := "?"
	if strings.Contains(to, "?") {
		join = "&"
	}
	if code != "" {
		code = "code=" + code + "&"
	}
	return to + join + code + "state=" + u.Query().Get("state")
}

// logIn logs a browser in.
func (w *world) logIn(b *sitetest.Browser, code string) *session.Session {
	w.T.Helper()
	b.Open(w.Callback, w.begin(b, "/page", code)).WantTo(w.T, "/page")
	w.Events.Take()
	return b.Session()
}

// wantEvent fails the test unless one event came, and returns it.
func (w *world) wantEvent(outcome event.Outcome, reason string) event.Event {
	w.T.Helper()
	all := w.Events.Take()
	if len(all) != 1 || all[0].Outcome != outcome || !strings.Contains(all[0].Reason, reason) {
		w.T.Fatalf("got %+v, want one %s: %s", all, outcome, reason)
	}
	return all[0]
}

// wantExchanges fails the test unless WeChat was given that many codes.
func (w *world) wantExchanges(n int) {
	w.T.Helper()
	if got := w.Account.Calls("Exchange"); got != n {
		w.T.Errorf("%d exchanges, want %d", got, n)
	}
}

// fails lets exchanges of codes fail.
func (w *world) fails(err error) {
	w.Account.Exchanges = func(string, bool) (account.Grant, error) { return account.Grant{}, err }
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
	w.Flow = login.NewFlow(w.config)
	return keys
}

// inWeCom is a browser's account that serves WeCom alone, or what else is named.
func inWeCom(name string) *sitetest.Account {
	return &sitetest.Account{Name: name, ID: "ww-" + name, ServesClient: func(c visitor.Client) bool { return c.WeCom }}
}

// everywhere serves all browsers.
func everywhere(name string) *sitetest.Account {
	return &sitetest.Account{Name: name, ID: "wx-" + name, ServesClient: func(visitor.Client) bool { return true }}
}
