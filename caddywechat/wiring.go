package caddywechat

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/observe"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/profile"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// wiring makes the parts of a site from its configuration and joins them. It touches neither the network nor the store.
type wiring struct {
	h   *Handler
	ctx caddy.Context

	site     site.Config
	timeout  time.Duration // of one call to WeChat
	policy   session.Policy
	refresh  time.Duration
	cookies  session.Cookies
	secrets  [][]byte
	pages    *page.Pages
	accounts *account.Set
	vault    *keyring.Vault
	bare     store.Store // which nobody watches
	keepsKey bool
	rules    []gate.Rule
}

// wire makes the parts of a handler.
func wire(ctx caddy.Context, h *Handler) error {
	w := &wiring{h: h, ctx: ctx, vault: new(keyring.Vault)}
	for _, step := range []func() error{
		w.readOptions, w.loadAccounts, w.readIdentity, w.loadRules, w.readSession, w.loadStore,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	w.join()
	return nil
}

func (w *wiring) readOptions() (err error) {
	h := w.h
	w.site.Logger = h.lease.logger
	if h.Prefix, err = config.ResolveOr(defaultPrefix, "prefix", h.Prefix, config.Prefix); err != nil {
		return err
	}
	w.site.Prefix = h.Prefix
	h.OutsideWeChat, err = config.ResolveOr(outsidePage, "outside_wechat", h.OutsideWeChat, checkOutsideWeChat)
	if err != nil {
		return err
	}
	if err := w.loadPages(); err != nil {
		return err
	}
	if h.PublicURL == "" {
		return nil
	}
	text, err := config.Resolve("public_url", h.PublicURL, config.Origin)
	if err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	w.site.Public = &visitor.Origin{Scheme: u.Scheme, Host: visitor.CanonicalHost(u.Scheme, u.Host)}
	return nil
}

func (w *wiring) loadPages() error {
	w.pages = page.BuiltIn()
	if w.h.Pages == "" {
		return nil
	}
	dir, err := config.Resolve("pages", w.h.Pages, anything)
	if err != nil {
		return err
	}
	if w.pages, err = page.Load(dir); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	return nil
}

func (w *wiring) loadAccounts() error {
	client, err := w.client()
	if err != nil {
		return err
	}
	h := w.h
	if len(h.AccountsRaw) == 0 {
		return errNoAccount
	}
	guests, err := w.ctx.LoadModule(h, "AccountsRaw")
	if err != nil {
		return fmt.Errorf("loading accounts: %w", err)
	}
	var accounts []account.Account
	for _, guest := range guests.([]any) {
		a, ok := guest.(account.Account)
		if !ok {
			return fmt.Errorf("accounts: %T is no account", guest)
		}
		accounts = append(accounts, a)
	}
	userID, err := config.ResolveOr("", "user_id", h.UserID, checkUserID)
	if err != nil {
		return err
	}
	hosts, err := w.hosts()
	if err != nil {
		return err
	}
	if w.accounts, err = account.NewSetAt(hosts, account.UserID(userID), accounts...); err != nil {
		return err
	}
	for _, a := range accounts {
		if user, ok := a.(account.WeChatCaller); ok {
			user.UseWeChat(client.ForApp(account.Ref(a)), w.vault)
		}
	}
	return nil
}

// hosts returns which hosts the accounts serve.
func (w *wiring) hosts() (account.Hosts, error) {
	if len(w.h.Hosts) == 0 {
		return nil, nil
	}
	if w.h.Session != nil && w.h.Session.Domain != "" {
		return nil, errHostsAndDomain
	}
	hosts := make(account.Hosts, len(w.h.Hosts))
	for text, patterns := range w.h.Hosts {
		appID, err := config.Resolve("hosts", text, anything)
		if err != nil {
			return nil, err
		}
		for _, pattern := range patterns {
			host, err := config.Resolve("hosts "+appID, pattern, isHost)
			if err != nil {
				return nil, err
			}
			hosts[appID] = append(hosts[appID], host)
		}
	}
	return hosts, nil
}

// client returns what accounts call WeChat by.
func (w *wiring) client() (*weixin.Client, error) {
	var err error
	h := w.h
	if w.timeout, err = resolveDuration(weixin.DefaultTimeout, "timeout", h.Timeout, config.Duration); err != nil {
		return nil, err
	}
	hosts := weixin.WeChatHosts()
	if h.Platform == "" && h.PlatformFallback != "" {
		return nil, errors.New("platform_fallback stands in for platform: set that, too")
	}
	if h.Platform != "" {
		base, err := config.Resolve("platform", h.Platform, config.Platform)
		if err != nil {
			return nil, err
		}
		fallback, err := config.ResolveOr("", "platform fallback", h.PlatformFallback, config.Platform)
		if err != nil {
			return nil, err
		}
		hosts = weixin.HostsAt(base, fallback)
		h.lease.logger.Warn("platform is set: visitors log in at a simulator, which also receives the app secret; "+
			"remove it in production", zap.String("platform", base))
	}
	w.site.Platform = hosts.Open
	return &weixin.Client{Hosts: hosts, Timeout: w.timeout, Now: h.lease.now, Logger: h.lease.logger}, nil
}

// readIdentity settles how the app is told who is asking.
func (w *wiring) readIdentity() (err error) {
	if w.h.headers, err = w.h.Headers.provision(); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	w.h.reserved = w.h.headers.Reserved()
	return nil
}

func (w *wiring) loadRules() error {
	h := w.h
	covers, err := w.matcher(h, "MatchRaw")
	if err != nil {
		return fmt.Errorf("match: %w", err)
	}
	if err := checkOrder(h.Rules); err != nil {
		return err
	}
	for i, rule := range h.Rules {
		place := rule.place(i + 1)
		if !slices.Contains([]gate.Ask{gate.Public, gate.Optional, gate.Login, gate.Userinfo}, rule.Ask) {
			return fmt.Errorf("rules: ask of %s is %.40q: write public, optional, login or userinfo", place, rule.Ask)
		}
		match, err := w.matcher(rule, "MatchRaw")
		if err != nil {
			return fmt.Errorf("rules: match of %s: %w", place, err)
		}
		w.rules = append(w.rules, gate.Rule{Ask: rule.Ask, Place: place, Match: match})
	}
	h.gate = gate.New(gate.Config{
		Covers: covers, Rules: w.rules, PassOutside: h.OutsideWeChat == outsidePass, Accounts: w.accounts,
	})
	if h.Observe {
		h.gate.Observer = observe.New(h.lease.now, h.lease.logger)
		h.lease.logger.Warn("observe is set: the rules stop nobody, and requests that they would stop go on without " +
			"an identity; remove it when the log is as you want it")
	}
	return nil
}

// readSession settles how long sessions live, in which cookie, and with which secrets.
func (w *wiring) readSession() (err error) {
	var c SessionConfig
	if w.h.Session != nil {
		c = *w.h.Session
	}
	w.policy.Lifetime, err = resolveDuration(defaultLifetime, "session lifetime", c.Lifetime, config.Lifetime)
	if err != nil {
		return err
	}
	if w.policy.Idle, err = resolveDuration(0, "session idle", c.Idle, config.Lifetime); err != nil {
		return err
	}
	if w.refresh, err = resolveDuration(0, "session refresh", c.Refresh, config.Lifetime); err != nil {
		return err
	}
	if w.cookies.Name, err = config.ResolveOr("", "session cookie", c.Cookie, config.CookieName); err != nil {
		return err
	}
	if w.cookies.Domain, err = config.ResolveOr("", "session domain", c.Domain, config.Domain); err != nil {
		return err
	}
	w.site.Domain = w.cookies.Domain
	w.h.site = site.New(w.site)
	if public := w.site.Public; public != nil && !w.h.site.InDomain(*public) {
		return fmt.Errorf("session domain: %s does not cover public_url %s: no browser would keep the cookie",
			w.cookies.Domain, public)
	}
	for i, key := range c.Keys {
		secret, err := config.Resolve(fmt.Sprintf("session key %d", i+1), key, config.Key)
		if err != nil {
			return err
		}
		w.secrets = append(w.secrets, []byte(secret))
	}
	return nil
}

func (w *wiring) loadStore() error {
	h := w.h
	if h.StoreRaw == nil {
		h.StoreRaw = []byte(`{"module":"caddy"}`)
	}
	raw := h.StoreRaw
	guest, err := w.ctx.LoadModule(h, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading the store: %w", err)
	}
	var ok bool
	if w.bare, ok = guest.(store.Store); !ok {
		return fmt.Errorf("store: %T is no store", guest)
	}
	if clocked, ok := w.bare.(store.Clocked); ok {
		clocked.UseClock(h.lease.now)
	}
	h.lease.takeStore(w.bare, keyOf(w.bare, raw))
	var warning string
	if keeper, ok := w.bare.(store.KeyStorage); ok {
		warning, err = keeper.CheckKeyStorage()
	}
	w.keepsKey = err == nil
	if len(w.secrets) == 0 && err != nil {
		return fmt.Errorf("session key: %w", err)
	}
	if len(w.secrets) == 0 && warning != "" {
		h.lease.logger.Warn(warning)
	}
	return nil
}

// join makes what stands on all that was read.
func (w *wiring) join() {
	h, l := w.h, w.h.lease
	l.keyring = keyring.New(keyring.Config{
		Secrets: w.secrets, Store: l.store, KeepsKey: w.keepsKey, Lifetime: w.policy.Lifetime,
		Platform: w.site.Platform, Accounts: w.accounts, Now: l.now, Logger: l.logger,
	})
	w.vault.Keyring, w.vault.Store = l.keyring, l.store
	grants := grant.NewKeeper(grant.Config{
		Vault: w.vault, Accounts: w.accounts, Platform: w.site.Platform,
		Lifetime: w.policy.Lifetime, Refresh: w.refresh, Work: l.shared.work,
		Now: l.now, Logger: l.logger,
	})
	l.revoked = l.shared.revoked.NewSite(revocation.Config{
		Store: l.store, Keyring: l.keyring, Accounts: w.accounts, Grants: grants, Lifetime: w.policy.Lifetime,
		Now: l.now, Logger: l.logger,
	})
	h.sessions = session.NewManager(session.Config{
		Site: h.site, Policy: w.policy, Cookies: w.cookies, Keys: l.keyring, Accounts: w.accounts, Revoked: l.revoked,
		Cache: l.memory.sessions, Now: l.now,
	})
	h.answers = &problem.Writer{Pages: w.pages, Logger: l.logger}
	h.verification = newVerification(h.answers, l.now)
	h.profiles = profile.NewRefresher(profile.Config{
		MaxAge: w.refresh, Accounts: w.accounts, Grants: grants, Vault: w.vault, Revoked: l.revoked,
		Jobs: &l.memory.profiles, Work: l.shared.work, Now: l.now, Logger: l.logger,
	})
	w.joinRoutes(grants)
}

func (w *wiring) joinRoutes(grants *grant.Keeper) {
	h, l := w.h, w.h.lease
	events := event.Log{Logger: l.logger}
	h.login = login.NewFlow(login.Config{
		Site: h.site, Accounts: w.accounts, Sessions: h.sessions, Revoked: l.revoked, Grants: grants,
		Vault: w.vault, Cluster: w.atomicStore(), Status: &l.shared.status, Answers: h.answers, Events: events,
		Memory: &l.memory.logins, Timeout: w.timeout, KeepFragment: h.KeepFragment, Now: l.now, Logger: l.logger,
	})
	programs := api.New(api.Config{
		Site: h.site, Accounts: w.accounts, Sessions: h.sessions, Grants: grants, Login: h.login,
		Limiter: &l.memory.codes, Answers: h.answers, Events: events, Timeout: w.timeout, Works: l.works,
		Now: l.now, Logger: l.logger,
	})
	h.gate.Sessions, h.gate.Routes = h.sessions, gate.NewRoutes(h.login, programs, w.accounts)
}

// atomicStore returns the store, unwatched, where it tells at once which instance was first; else nil.
func (w *wiring) atomicStore() store.Store {
	if s, ok := w.bare.(store.Atomic); ok && s.IsAtomic() {
		return w.bare
	}
	return nil
}
