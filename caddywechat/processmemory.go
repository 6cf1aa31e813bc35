package caddywechat

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/profile"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// memory is what the process remembers beyond a reload of the configuration, whatever the store. All sites share it:
// what it holds is named by random ids or by digests; sessions that were opened, by the site that opened them, so that
// those of a site that has gone are found no more and make room in time.
type memory struct {
	sessions *session.Cache
	logins   login.Memory
	profiles profile.Jobs
	codes    api.Limiter
	streams  streams
}

func newMemory() *memory { return &memory{sessions: session.NewCache()} }

// Destruct implements [caddy.Destructor].
func (*memory) Destruct() error { return nil }

// memories has it by its name, see [environment].
var memories = caddy.NewUsagePool()

func acquireMemory(name string) *memory {
	m, _, _ := memories.LoadOrNew(name, func() (caddy.Destructor, error) { return newMemory(), nil })
	return m.(*memory)
}

func releaseMemory(name string) error {
	_, err := memories.Delete(name)
	return err
}
