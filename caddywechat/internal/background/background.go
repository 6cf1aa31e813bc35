// Package background owns work that goes on behind requests: it ends with whoever owns the [Group], and not with the
// handler, the request or the configuration that started it.
package background

import (
	"context"
	"sync"
)

// Group is work that ends together. The zero Group is not usable.
type Group struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when nothing runs
}

// NewGroup returns a Group with nothing to do.
func NewGroup() *Group {
	g := &Group{idle: make(chan struct{})}
	close(g.idle)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Go starts work, whose context ends with the group, and reports whether it did: after [Group.Close] it does nothing.
func (g *Group) Go(work func(context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	if g.running == 0 {
		g.idle = make(chan struct{})
	}
	g.running++
	go func() {
		defer g.done()
		work(g.ctx)
	}()
	return true
}

func (g *Group) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.running == 0 {
		close(g.idle)
	}
}

// Close tells all work to end, and does not wait for it.
func (g *Group) Close() { g.cancel() }

// Idle returns a channel that is closed as soon as nothing runs that was started before.
func (g *Group) Idle() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.idle
}
