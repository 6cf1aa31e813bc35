package caddywechat

import (
	"time"

	"github.com/caddyserver/caddy/v2"
)

// environment is what a process gives its sites beside their configuration: the clock, and the memory that they share.
// A context that has another one stands for another process.
type environment struct {
	now    func() time.Time
	memory string // names the memory
}

// environmentKey is what a context has its environment under.
type environmentKey struct{}

func environmentOf(ctx caddy.Context) environment {
	if e, ok := ctx.Value(environmentKey{}).(environment); ok {
		return e
	}
	return environment{now: time.Now, memory: "memory"}
}
