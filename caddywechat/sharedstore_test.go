package caddywechat

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	memorystore "github.com/caddywechat/caddy-wechat/caddywechat/store/memory"
)

// watchingStore is a store that looks, while a site is being provisioned, which sites there are that others work with.
type watchingStore struct{ memorystore.Store }

func init() { caddy.RegisterModule(new(watchingStore)) }

func (*watchingStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.watching", New: func() caddy.Module { return new(watchingStore) }}
}

func (*watchingStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

var observedSites []*revocation.Site

func (*watchingStore) CheckKeyStorage() (warning string, err error) {
	observedSites = joinedSites()
	return "", nil
}

var _ store.KeyStorage = (*watchingStore)(nil)

func joinedSites() (sites []*revocation.Site) {
	sharedStores.Range(func(_, value any) bool {
		sites = append(sites, value.(*sharedStore).revoked.Sites()...)
		return true
	})
	return sites
}

// TestSharedStore_SiteJoinsWhenProvisioned: what reads revocations in the background takes the newest site's configuration, and did
// so while that was being made.
func TestSharedStore_SiteJoinsWhenProvisioned(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	h := w.newHandler(officialAccount, "store watching")
	if len(observedSites) != 0 {
		t.Error("a site that is being provisioned is among those that others work with")
	}
	if sites := joinedSites(); len(sites) != 1 || sites[0] != h.lease.revoked {
		t.Errorf("when it is ready there are %d sites", len(sites))
	}
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if sites := joinedSites(); len(sites) != 0 {
		t.Errorf("when it is over there are %d sites", len(sites))
	}
}
