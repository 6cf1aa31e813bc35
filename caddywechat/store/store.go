// Package store is the little that a server must remember. Each store is a Caddy module in the namespace wechat.stores.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is the error of an entry that is not there.
var ErrNotFound = errors.New("no such entry")

// ErrStore is what every other error of a store wraps.
var ErrStore = errors.New("the store failed")

// Store keeps small values by key. Every module in the namespace wechat.stores must be one. A key is slash-separated
// words of lower-case letters, digits, hyphens and underscores; whatever else names an entry stands in it as a hash.
// Nothing is read from or written to a store while a configuration is loaded.
type Store interface {
	// Get returns the value of key, or an error that wraps [ErrNotFound] or [ErrStore].
	Get(ctx context.Context, key string) ([]byte, error)
	// Put keeps value under key for the given life, in place of what is there.
	Put(ctx context.Context, key string, value []byte, life time.Duration) error
	// PutIfAbsent keeps value under key for ever unless there is one already, and returns the one that is there afterwards. When
	// several instances that share the store call it at once, all of them get the same value.
	PutIfAbsent(ctx context.Context, key string, value []byte) ([]byte, error)
}
