// Package store says what a store is: where a site keeps the little that a server must remember. Each is a Caddy module
// in the namespace wechat.stores; those in the folders below are built in, and anybody can add another. Package
// storetest says whether it keeps the contracts.
//
// The package owns the interfaces, what all stores check alike, and the wrapper that tells whether a store works. It
// knows nothing of what is kept; its users choose the keys, and encrypt what is secret.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is the error of an entry that is not there, or no more.
var ErrNotFound = errors.New("no such entry")

// ErrStore is what every other error of a store wraps. It holds no value and no secret.
var ErrStore = errors.New("the store failed")

// Store keeps small values: entries by key, and journals. Every module in the namespace wechat.stores must be one. All
// instances of a site that share a store see the same. A store is safe for concurrent use; what optional interfaces it
// may implement besides is listed at [Atomic].
//
// Keys, and names of journals, are words of lower-case letters, digits, hyphens and underscores with slashes between
// them. No key is the beginning of another one up to a slash. Whatever else names an entry stands in its key as a hash.
// A value has at most [MaxValue] bytes. Others may be able to read a store: its users encrypt secrets before they put
// them in.
//
// A ttl (time to live) says when an entry expires. It does so by itself, up to a second late, and is never dropped
// before: a store that is full refuses new entries. A call returns soon after its context ends. A store that is down
// returns [ErrStore], and works again when it can. While a configuration is loaded nothing is read from a store or
// written to it.
//
// A store that can't keep a promise for all instances at once says so: Caddy's storage has locks, which nearly always
// hold. What must never happen twice is harmless twice, or asks for Redis.
type Store interface {
	// Get returns the value of key, or an error that wraps [ErrNotFound] or [ErrStore].
	Get(ctx context.Context, key string) ([]byte, error)

	// Put keeps value under key for ttl, which is more than 0, in place of what is there.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// PutIfAbsent keeps value under key for ttl, 0 for ever, unless there is a value already, and returns the one that
	// is there afterwards. When several instances call it at once, all of them get the same value: whoever gets a value
	// of its own making, say a random one, knows that it was first. After an error the value may be there or not.
	PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error)

	// Take returns the value of key and removes it, or returns an error that wraps [ErrNotFound] or [ErrStore]. Of all
	// who call it, on whichever instance, at most one gets the value. After an error it may be lost to everybody.
	Take(ctx context.Context, key string) ([]byte, error)

	// Delete removes the value of key. It is no error that there is none.
	Delete(ctx context.Context, key string) error

	// Append adds a value to a journal, where it stays for ttl, which is more than 0.
	//
	// Journals are how instances tell one another what each must know within seconds, such as which sessions are
	// revoked: each reads on from where it was. Entries listed by prefix would not do: in Redis that means looking
	// through all keys again and again, and one entry that holds the whole list has no room for it.
	Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error

	// Follow returns a reader of a journal that begins at its beginning. It touches nothing.
	Follow(journal string) Reader
}

// Reader reads a journal on. It is for one goroutine.
type Reader interface {
	// Read returns the values that it did not return before, in no particular order. Every value is among them whose
	// Append, on whichever instance, returned without error before Read was called, unless its time is over. One may
	// come twice. An error comes with the values that were read before it, and the next call goes on from there.
	// Entries that are not understood are passed over. Where nothing is new, Read is cheap enough to call every second;
	// what it costs else depends on what is new, not on how much was read before.
	Read(ctx context.Context) ([][]byte, error)
}
