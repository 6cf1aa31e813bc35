package session

import (
	"hash/maphash"
	"iter"
	"strings"
	"sync/atomic"
)

// Opened remembers sealed sessions that did open, since opening one takes far longer than finding it again.
// It does not judge: whoever finds a session asks as much of it as of one that was just opened.
//
// It is safe for concurrent use, nobody waits in it for anybody, and it does not grow: each text has one place among
// 16,384, where the session that came last stands, and texts of more than 1,536 bytes have none.
type Opened struct {
	seed   maphash.Seed
	places [16384]atomic.Pointer[opened]
}

// maxOpened is the length in bytes of the longest text that has a place. Most are shorter than half of it.
const maxOpened = 1536

// Sealed names a text and where it is opened: a session with one key or at one host is none with another.
type Sealed struct {
	Opener uint64 // whose keys and configuration
	Host   string
	Text   string
}

type opened struct {
	sealed  Sealed
	session Session
}

// NewOpened returns an Opened that remembers nothing yet.
func NewOpened() *Opened { return &Opened{seed: maphash.MakeSeed()} }

// Open returns the session in a text: the one that is remembered, or what open makes of the text, nil where that is
// false. Nobody may change the session from then on.
func (o *Opened) Open(sealed Sealed, open func(*Session) bool) *Session {
	if len(sealed.Text) > maxOpened {
		s := new(Session)
		if !open(s) {
			return nil
		}
		return s
	}
	// With the opener, or those of two parts of one site would take turns in the same place.
	place := &o.places[(maphash.String(o.seed, sealed.Text)+sealed.Opener)%uint64(len(o.places))]
	if found := place.Load(); found != nil && found.sealed == sealed {
		return &found.session
	}
	found := new(opened)
	if !open(&found.session) {
		return nil
	}
	// Copies: these are parts of whole headers.
	found.sealed = Sealed{sealed.Opener, strings.Clone(sealed.Host), strings.Clone(sealed.Text)}
	place.Store(found)
	return &found.session
}

// All returns the sessions that are remembered, each with the opener of its text. One may come several times.
func (o *Opened) All() iter.Seq2[uint64, *Session] {
	return func(yield func(uint64, *Session) bool) {
		for i := range o.places {
			if found := o.places[i].Load(); found != nil && !yield(found.sealed.Opener, &found.session) {
				return
			}
		}
	}
}
