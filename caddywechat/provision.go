package caddywechat

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
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
	errNoAccount = errors.New("no account vouches for visitors: " +
		"write official_account <app_id> <app_secret> into its block")
	errHostsAndDomain = errors.New("hosts and session domain exclude each other: a session of one account's host is " +
		"none at another's, so remove domain")
	isHost = func(pattern string) error {
		_, err := account.CanonicalHost(pattern)
		return err
	}
	checkOutsideWeChat = config.OneOf(outsidePage, outsidePass)
	checkUserID        = config.OneOf(string(account.ByOpenID), string(account.ByUnionID), string(account.Qualified))
)

// Provision sets the handler up. It does not touch the network or the store.
func (h *Handler) Provision(ctx caddy.Context) error {
	variables := h.environmentVariables() // before modules are loaded from it
	h.lease = newLease(ctx.Logger(), environmentOf(ctx))
	if err := inSite(ctx, wire(ctx, h)); err != nil {
		return err
	}
	if err := h.checkPlacement(ctx); err != nil {
		return err
	}
	app, err := ctx.App(appName)
	if err != nil {
		return err
	}
	h.lease.join(h.sessions)
	app.(*App).add(h.lease, variables)
	return nil
}

// Cleanup gives back what Provision took. It is also called when Provision failed, and while requests are still on
// their way through the handler.
func (h *Handler) Cleanup() error {
	if h.lease == nil {
		return nil
	}
	return h.lease.giveBack()
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

// matcher loads the matchers of a field.
func (w *wiring) matcher(module any, field string) (func(*http.Request) (bool, error), error) {
	loaded, err := w.ctx.LoadModule(module, field)
	if err != nil {
		return nil, fmt.Errorf("loading the matcher: %w", err)
	}
	var sets caddyhttp.MatcherSets
	if err := sets.FromInterface(loaded); err != nil {
		return nil, err
	}
	return sets.AnyMatchWithError, nil
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
