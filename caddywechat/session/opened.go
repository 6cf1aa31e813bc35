package session

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// Opened remembers sealed sessions that did open, since opening one takes a hundred times as long as finding it again.
// It does not judge: whoever finds a session asks as much of it as of one that was just opened.
//
// It is safe for concurrent use, nobody waits in it for anybody, and it does not grow: of more sessions than it has
// places for, and of texts of more than 1,536 bytes, some are opened again.
type Opened struct {
	seed maphash.Seed
	sets [openedSets][openedWays]atomic.Pointer[opened]
}

const (
	// A session has its place in one set, by the hash of its text: any of so many ways.
	openedSets = 4096
	openedWays = 4
	// maxOpened is the length in bytes of the longest text that is remembered. Most are shorter than half of it.
	maxOpened = 1536
)

// Sealed names a text and where it was opened. The same text may be a session with one key or at one host, and none with
// another.
type Sealed struct {
	Opener uint64 // whose keys and configuration
	Host   string
	Text   string
}

type opened struct {
	sealed  Sealed
	session *Session
}

// NewOpened returns an Opened that remembers nothing yet.
func NewOpened() *Opened { return &Opened{seed: maphash.MakeSeed()} }

// Get returns the session in a text that was opened before, nil where it was not. Nobody may change it.
func (o *Opened) Get(sealed Sealed) *Session {
	set := o.set(sealed.Text)
	for i := range set {
		if found := set[i].Load(); found != nil && found.sealed == sealed {
			return found.session
		}
	}
	return nil
}

// Put remembers a session that a text was found to hold. Nobody may change it from now on.
func (o *Opened) Put(sealed Sealed, s *Session) {
	if len(sealed.Text) > maxOpened {
		return
	}
	// Copies: these are parts of whole headers.
	sealed.Text = strings.Clone(sealed.Text)
	sealed.Host = strings.Clone(sealed.Host)
	found, set := &opened{sealed, s}, o.set(sealed.Text)
	for i := range set {
		if set[i].CompareAndSwap(nil, found) {
			return
		}
	}
	set[rand.IntN(openedWays)].Store(found)
}

func (o *Opened) set(text string) *[openedWays]atomic.Pointer[opened] {
	return &o.sets[maphash.String(o.seed, text)%openedSets]
}
