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

// watchingStore is a store that records which sites have joined while another one is being provisioned.
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

// The sync of revocations uses the newest site's configuration, so a site joins only when it is complete.
func TestSharedStore_SiteJoinsWhenProvisioned(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	h := w.newHandler(officialAccount, "store watching")
	if len(observedSites) != 0 {
		t.Error("a site that is being provisioned has joined")
	}
	if sites := joinedSites(); len(sites) != 1 || sites[0] != h.lease.revoked {
		t.Errorf("when it is provisioned there are %d sites", len(sites))
	}
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if sites := joinedSites(); len(sites) != 0 {
		t.Errorf("after its cleanup there are %d sites", len(sites))
	}
}
