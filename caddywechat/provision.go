package caddywechat

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Namespaces of the guest modules.
const (
	accountNamespace = "wechat.accounts"
	storeNamespace   = "wechat.stores"
)

// Defaults of options.
const (
	defaultPrefix   = "/_wechat"
	defaultLifetime = 7 * 24 * time.Hour
)

// What outside_wechat can be.
const (
	outsidePage = "page"
	outsidePass = "pass"
)

var (
	errNoAccount       = errors.New("no account vouches for visitors: write official_account <app_id> <app_secret> into its block")
	checkOutsideWeChat = config.OneOf(outsidePage, outsidePass)
)

// Provision sets the handler up. It does not touch the network or the store.
func (h *Handler) Provision(ctx caddy.Context) error {
	variables := h.environmentVariables() // before modules are loaded from it
	if err := inSite(ctx, h.provision(ctx)); err != nil {
		return err
	}
	if err := h.checkPlacement(ctx); err != nil {
		return err
	}
	app, err := ctx.App(appName)
	if err != nil {
		return err
	}
	h.shared.join(h)
	app.(*App).add(h, variables)
	return nil
}

func (h *Handler) provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	h.now = time.Now
	h.memory = acquireMemory()
	h.renewOpeners()
	for _, step := range []func(caddy.Context) error{
		h.provisionOptions, h.provisionAccounts, h.provisionIdentity, h.provisionRules, h.provisionKeys,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Cleanup gives back what Provision took. It is also called when Provision failed, and while requests are still on
// their way through the handler.
func (h *Handler) Cleanup() (err error) {
	h.cleanup.Do(func() {
		if h.shared != nil {
			err = releaseStore(h)
		}
		if h.memory != nil {
			err = errors.Join(err, releaseMemory())
		}
		err = errors.Join(err, h.leaveServer())
	})
	return err
}

func (h *Handler) provisionOptions(caddy.Context) (err error) {
	if h.Prefix, err = config.ResolveOr(defaultPrefix, "prefix", h.Prefix, config.Prefix); err != nil {
		return err
	}
	if h.OutsideWeChat, err = config.ResolveOr(outsidePage, "outside_wechat", h.OutsideWeChat, checkOutsideWeChat); err != nil {
		return err
	}
	if err := h.provisionPages(); err != nil {
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
	h.public = &origin{scheme: u.Scheme, host: canonicalHost(u.Scheme, u.Host)}
	return nil
}

func (h *Handler) provisionPages() error {
	h.pages = page.BuiltIn()
	if h.Pages == "" {
		return nil
	}
	dir, err := config.Resolve("pages", h.Pages, anything)
	if err != nil {
		return err
	}
	if h.pages, err = page.Load(dir); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	return nil
}

func (h *Handler) provisionAccounts(ctx caddy.Context) error {
	client, err := h.weChatClient()
	if err != nil {
		return err
	}
	if len(h.AccountsRaw) == 0 {
		return errNoAccount
	}
	guests, err := ctx.LoadModule(h, "AccountsRaw")
	if err != nil {
		return fmt.Errorf("loading accounts: %w", err)
	}
	for _, guest := range guests.([]any) {
		a, ok := guest.(account.Account)
		if !ok {
			return fmt.Errorf("accounts: %T is no account", guest)
		}
		if h.accountOf(a.Kind()) != nil {
			return fmt.Errorf("accounts: %s is given twice: a site has at most one account of a kind", a.Kind())
		}
		if !strings.HasPrefix(account.Ref(a), a.AppID()) {
			return fmt.Errorf("accounts: %s is called %.80q, which does not begin with its app id", a.Kind(), account.Ref(a))
		}
		if user, ok := a.(account.WeChatCaller); ok {
			user.UseWeChat(client.ForApp(account.Ref(a)), shelf{h})
		}
		h.accounts = append(h.accounts, a)
	}
	if found := h.accountEndpoints(); len(found) > 0 {
		h.endpoints = found
	}
	return nil
}

// provisionIdentity settles how the app is told who is asking. It comes after the accounts.
func (h *Handler) provisionIdentity(caddy.Context) (err error) {
	if len(h.accounts) > 1 && h.UserID == "" {
		return errors.New("user_id is not set: where several accounts vouch, a person has several openids; write user_id unionid or user_id qualified")
	}
	if h.UserID, err = config.ResolveOr(userIDOpenID, "user_id", h.UserID, checkUserID); err != nil {
		return err
	}
	for _, a := range h.accounts {
		if l, ok := a.(account.LocalIDs); ok && l.HasLocalIDs() && len(h.accounts) > 1 && h.UserID == userIDOpenID {
			return fmt.Errorf("user_id openid: somebody in %s can have a name that is another account's openid; "+
				"write user_id unionid or user_id qualified", a.Kind())
		}
	}
	if h.headers, err = h.Headers.provision(); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	h.reserved = h.headers.Reserved()
	return nil
}

func (c *HeadersConfig) provision() (*identity.Headers, error) {
	if c == nil {
		return identity.NewHeaders(nil, nil)
	}
	var presets []string
	for _, preset := range c.Presets {
		name, err := config.Resolve("preset", preset, anything)
		if err != nil {
			return nil, err
		}
		presets = append(presets, name)
	}
	var named []identity.Header
	for _, f := range c.Fields {
		name, err := config.Resolve(f.Field, f.Header, anything)
		if err != nil {
			return nil, err
		}
		named = append(named, identity.Header{Field: f.Field, Name: name})
	}
	return identity.NewHeaders(presets, named)
}

func (h *Handler) weChatClient() (*weixin.Client, error) {
	var err error
	if h.timeout, err = resolveDuration(weixin.DefaultTimeout, "timeout", h.Timeout, config.Duration); err != nil {
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
		h.logger.Warn("platform is set: visitors log in at a simulator, which also receives the app secret; remove it in production",
			zap.String("platform", base))
	}
	h.platform = hosts.Open
	now := func() time.Time { return h.now() }
	return &weixin.Client{Hosts: hosts, Timeout: h.timeout, Now: now, Logger: h.logger}, nil
}

func (h *Handler) provisionRules(ctx caddy.Context) error {
	matchers, err := ctx.LoadModule(h, "MatchRaw")
	if err != nil {
		return fmt.Errorf("loading the matcher: %w", err)
	}
	if err := h.match.FromInterface(matchers); err != nil {
		return fmt.Errorf("match: %w", err)
	}
	if err := checkOrder(h.Rules); err != nil {
		return err
	}
	for i, rule := range h.Rules {
		place := rule.place(i + 1)
		if !slices.Contains([]Ask{AskNothing, AskOptional, AskLogin, AskUserinfo}, rule.Ask) {
			return fmt.Errorf("rules: ask of %s is %.40q: write public, optional, login or userinfo", place, rule.Ask)
		}
		matchers, err := ctx.LoadModule(rule, "MatchRaw")
		if err != nil {
			return fmt.Errorf("loading the matcher of %s: %w", place, err)
		}
		if err := rule.match.FromInterface(matchers); err != nil {
			return fmt.Errorf("rules: match of %s: %w", place, err)
		}
	}
	return nil
}

func (h *Handler) provisionKeys(ctx caddy.Context) (err error) {
	var session SessionConfig
	if h.Session != nil {
		session = *h.Session
	}
	if err := h.provisionSession(session); err != nil {
		return err
	}
	var secrets [][]byte
	for i, key := range session.Keys {
		secret, err := config.Resolve(fmt.Sprintf("session key %d", i+1), key, config.Key)
		if err != nil {
			return err
		}
		secrets = append(secrets, []byte(secret))
	}
	if h.StoreRaw == nil {
		h.StoreRaw = []byte(`{"module":"caddy"}`)
	}
	h.storeKey = string(h.StoreRaw)
	guest, err := ctx.LoadModule(h, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading the store: %w", err)
	}
	bare, ok := guest.(store.Store)
	if !ok {
		return fmt.Errorf("store: %T is no store", guest)
	}
	if clocked, ok := bare.(store.Clocked); ok {
		clocked.UseClock(h.now)
	}
	h.shared = shareStore(h.storeKey)
	h.store = h.watch(bare)
	if s, ok := bare.(store.Atomic); ok && s.IsAtomic() {
		h.instant = bare
	}
	warning, err := "", error(nil)
	if keeper, ok := bare.(store.KeyStorage); ok {
		warning, err = keeper.CheckKeyStorage()
	}
	h.keepsKeys = err == nil
	if len(secrets) == 0 && err != nil {
		return fmt.Errorf("session key: %w", err)
	}
	if len(secrets) == 0 && warning != "" {
		h.logger.Warn(warning)
	}
	h.keyring = &keyring{site: h, secrets: secrets}
	return nil
}

// provisionSession settles how long sessions live, and in which cookie.
func (h *Handler) provisionSession(c SessionConfig) (err error) {
	if h.lives.Lifetime, err = resolveDuration(defaultLifetime, "session lifetime", c.Lifetime, config.Lifetime); err != nil {
		return err
	}
	if h.lives.Idle, err = resolveDuration(0, "session idle", c.Idle, config.Lifetime); err != nil {
		return err
	}
	if h.refresh, err = resolveDuration(0, "session refresh", c.Refresh, config.Lifetime); err != nil {
		return err
	}
	if h.cookies.Name, err = config.ResolveOr("", "session cookie", c.Cookie, config.CookieName); err != nil {
		return err
	}
	if h.cookies.Domain, err = config.ResolveOr("", "session domain", c.Domain, config.Domain); err != nil {
		return err
	}
	if h.public != nil && !h.isInDomain(*h.public) {
		return fmt.Errorf("session domain: %s does not cover public_url %s: no browser would keep the cookie", h.cookies.Domain, h.public)
	}
	return nil
}

// accountOf returns the site's account of a kind, nil where there is none.
func (h *Handler) accountOf(kind string) account.Account {
	for _, a := range h.accounts {
		if a.Kind() == kind {
			return a
		}
	}
	return nil
}

// guestNames returns the names of the modules in a namespace.
func guestNames(namespace string) []string {
	var names []string
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	return names
}

func resolveDuration(fallback time.Duration, option, value string, check config.Check) (time.Duration, error) {
	if value == "" {
		return fallback, nil
	}
	text, err := config.Resolve(option, value, check)
	if err != nil {
		return 0, err
	}
	d, err := config.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", option, err)
	}
	return d, nil
}
