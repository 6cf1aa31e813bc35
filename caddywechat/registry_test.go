package caddywechat

import (
	"strconv"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"
)

// registry holds values of tests by the name that a configuration has for them.
type registry[T any] struct {
	mu sync.Mutex
	of map[string]T
	n  int
}

// add returns a name for a value until the test ends.
func (r *registry[T]) add(t *testing.T, value T) (name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	name = strconv.Itoa(r.n)
	if r.of == nil {
		r.of = make(map[string]T)
	}
	r.of[name] = value
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.of, name)
	})
	return name
}

func (r *registry[T]) get(name string) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[name]
}

var (
	logCores      registry[zapcore.Core]
	storeControls registry[*storeControl]
)

func init() {
	caddy.RegisterModule(new(testCore))
	caddy.RegisterModule(new(testStore))
}

// testCore is a logging core of a test.
type testCore struct {
	Name string `json:"name"`
	zapcore.Core
}

func (*testCore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.cores.test", New: func() caddy.Module { return new(testCore) }}
}

func (c *testCore) Provision(caddy.Context) error {
	c.Core = logCores.get(c.Name)
	return nil
}
