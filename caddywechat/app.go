package caddywechat

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
)

func init() { caddy.RegisterModule(new(App)) }

// App does for the sites of one configuration what must not happen while it is only loaded or validated. It has no
// options, and need not be configured: every wechat_auth brings it.
type App struct {
	config caddy.Context
	logger *zap.Logger
	ctx    context.Context // ends with Stop
	cancel context.CancelFunc

	mu        sync.Mutex
	sites     []*lease
	variables map[string]bool // the environment variables that the sites take values from
}

// appName is how the sites find it.
const appName = "wechat"

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  appName,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision sets the app up.
func (a *App) Provision(ctx caddy.Context) error {
	a.config, a.logger = ctx, ctx.Logger()
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return nil
}

// add makes a site that is ready one of the configuration's, with the environment variables that it takes values from.
func (a *App) add(site *lease, variables []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sites = append(a.sites, site)
	if a.variables == nil {
		a.variables = make(map[string]bool)
	}
	for _, name := range variables {
		a.variables[name] = true
	}
}

func (a *App) all() []*lease {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sites)
}

// loads counts the configurations that this process has started.
var loads atomic.Int64

// Start looks whether the stores answer, in the background: one that does not is logged at once and not when somebody
// comes.
func (a *App) Start() error {
	if loads.Add(1) > 1 {
		a.tellOfVariables()
	}
	go a.tellOfSharedPorts(a.siteAddrs())
	go a.askStores()
	return nil
}

// Stop lets no more be asked. Where nobody else uses a store, it is told what it did not take before, which no other
// site will do.
func (a *App) Stop() error {
	a.cancel()
	byStore := make(map[*revocation.Sync][]*revocation.Site)
	for _, site := range a.all() {
		byStore[site.shared.revoked] = append(byStore[site.shared.revoked], site.revoked)
	}
	var wait sync.WaitGroup
	for revoked, leaving := range byStore {
		wait.Go(func() { revoked.Flush(context.Background(), leaving...) })
	}
	wait.Wait()
	return nil
}

// Cleanup implements [caddy.CleanerUpper].
func (a *App) Cleanup() error {
	a.tellOfTakenPorts()
	return nil
}

// askStores asks each store once. Those who watch it log what is wrong.
func (a *App) askStores() {
	asked := make(map[*sharedStore]bool)
	failing := make(map[*sharedStore]bool)
	for _, site := range a.all() {
		if !asked[site.shared] {
			asked[site.shared] = true
			go site.works(a.ctx)
		}
	}
	for _, site := range a.all() {
		if failing[site.shared] {
			continue
		}
		_, err := site.keyring.Known(a.ctx)
		failing[site.shared] = err != nil
	}
}

// tellOfVariables says what nobody notices who changes an environment variable and reloads.
func (a *App) tellOfVariables() {
	a.mu.Lock()
	variables := slices.Sorted(maps.Keys(a.variables))
	a.mu.Unlock()
	if len(variables) > 0 {
		a.logger.Info("a reload does not change environment variables: these have the values that they had when this "+
			"process began; to change one, restart Caddy, or write {file./path} in place of {env.NAME}",
			zap.Strings("variables", variables))
	}
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
