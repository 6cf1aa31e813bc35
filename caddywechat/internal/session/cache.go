package session

import (
	"hash/maphash"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// Cache remembers sealed sessions that did open, since opening one takes far longer than finding it again. It does not
// judge: whoever finds a session asks as much of it as of one that was just opened.
//
// It is safe for concurrent use, nobody waits in it for anybody, and it does not grow: each text has one slot among
// 16,384, where the session that came last stands, and texts of more than 1,536 bytes have none.
type Cache struct {
	seed  maphash.Seed
	slots [16384]atomic.Pointer[cached]
}

// maxCached is the length in bytes of the longest text that has a slot. Most are shorter than half of it.
const maxCached = 1536

// Sealed names a text and where it is opened: a session with one key or at one host is none with another.
type Sealed struct {
	Opener uint64 // whose configuration, and whether as a cookie or as a token
	Keys   *seal.Keyset
	Host   string
	Text   string
}

type cached struct {
	sealed  Sealed
	session Session
}

// NewCache returns a Cache that remembers nothing yet.
func NewCache() *Cache { return &Cache{seed: maphash.MakeSeed()} }

// Open returns the session in a text: the one that is remembered, or what open makes of the text, nil where that is
// false. Nobody may change the session from then on.
func (c *Cache) Open(sealed Sealed, open func(*Session) bool) *Session {
	if len(sealed.Text) > maxCached {
		s := new(Session)
		if !open(s) {
			return nil
		}
		return s
	}
	// With the opener, or those of two parts of one site would take turns in the same slot.
	slot := &c.slots[(maphash.String(c.seed, sealed.Text)+sealed.Opener)%uint64(len(c.slots))]
	if found := slot.Load(); found != nil && found.sealed == sealed {
		return &found.session
	}
	found := new(cached)
	if !open(&found.session) {
		return nil
	}
	// Copies: these are parts of whole headers.
	found.sealed = sealed
	found.sealed.Host, found.sealed.Text = strings.Clone(sealed.Host), strings.Clone(sealed.Text)
	slot.Store(found)
	return &found.session
}

// All returns the sessions that are remembered, each with the opener of its text. One may come several times.
func (c *Cache) All() iter.Seq2[uint64, *Session] {
	return func(yield func(uint64, *Session) bool) {
		for i := range c.slots {
			if found := c.slots[i].Load(); found != nil && !yield(found.sealed.Opener, &found.session) {
				return
			}
		}
	}
}
