package caddywechat

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/session"
)

// memory is what the process remembers beyond a reload of the configuration. All handlers share it: what it holds is
// named by random ids or by digests.
type memory struct {
	recent   login.Recent
	revoked  session.Revoked
	renewals renewals
	refusals refusals
}

// Destruct implements [caddy.Destructor].
func (*memory) Destruct() error { return nil }

var memories = caddy.NewUsagePool()

const memoryKey = "memory"

func acquireMemory() *memory {
	m, _, _ := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) { return new(memory), nil })
	return m.(*memory)
}

func releaseMemory() error {
	_, err := memories.Delete(memoryKey)
	return err
}
