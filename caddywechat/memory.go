package caddywechat

import (
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// memory is what the process remembers beyond a reload of the configuration, whatever the store. All handlers share it: what
// it holds is named by random ids or by digests; sessions that were opened, by the handler that opened them, so that those
// of a handler that has gone are found no more and make room in time.
type memory struct {
	recent     login.Recent
	opened     *session.Opened
	renewals   renewals
	refusals   refusals
	unreturned unreturned
	streams    streams
}

func newMemory() *memory { return &memory{opened: session.NewOpened()} }

// Destruct implements [caddy.Destructor].
func (*memory) Destruct() error { return nil }

var memories = caddy.NewUsagePool()

// lastOpener is the last number that a handler was given to tell the sessions that it opened from others'.
var lastOpener atomic.Uint64

// renewOpeners lets this handler find no session any more that it opened before.
func (h *Handler) renewOpeners() {
	for form := range h.openers {
		h.openers[form].Store(lastOpener.Add(1))
	}
}

const memoryKey = "memory"

func acquireMemory() *memory {
	m, _, _ := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) { return newMemory(), nil })
	return m.(*memory)
}

func releaseMemory() error {
	_, err := memories.Delete(memoryKey)
	return err
}
