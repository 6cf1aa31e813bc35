package session

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// sessionOf is a session with that number.
func sessionOf(n int) *Session {
	return &Session{ID: ID{byte(n)}, Created: login, Identity: identity.Identity{}.With(identity.OpenID, "oSomebody")}
}

// opening returns a function that opens any text as the session with that number, and counts.
func opening(number byte, times *int) func(*Session) bool {
	return func(s *Session) bool {
		*times++
		*s = *sessionOf(int(number))
		return true
	}
}

func TestATextIsOpenedOnce(t *testing.T) {
	o, times := NewCache(), 0
	here := Sealed{Opener: 1, Host: "h5.example.com", Text: "text"}
	first, second := o.Open(here, opening(1, &times)), o.Open(here, opening(2, &times))
	if times != 1 || first != second || first.ID != sessionOf(1).ID {
		t.Errorf("opened %d times", times)
	}
}

func TestATextIsOpenedAnewElsewhere(t *testing.T) {
	o, times := NewCache(), 0
	o.Open(Sealed{Opener: 1, Host: "h5.example.com", Text: "text"}, opening(1, &times))
	for _, elsewhere := range []Sealed{
		{Opener: 2, Host: "h5.example.com", Text: "text"},
		{Opener: 1, Host: "www.example.com", Text: "text"},
		{Opener: 1, Host: "h5.example.com", Text: "Text"},
		{Opener: 1, Host: "h5.example.co", Text: "mtext"},
	} {
		if s := o.Open(elsewhere, func(*Session) bool { return false }); s != nil {
			t.Errorf("%v opens", elsewhere)
		}
	}
}

func TestTwoWhoOpenTheSameTextBothRememberIt(t *testing.T) {
	o, times := NewCache(), 0
	for range 3 {
		for opener := range uint64(2) {
			o.Open(Sealed{Opener: opener, Host: "h5.example.com", Text: "text"}, opening(byte(opener), &times))
		}
	}
	if times != 2 {
		t.Errorf("opened %d times, want 2", times)
	}
}

func TestWhatDoesNotOpenIsTriedAgain(t *testing.T) {
	o, times := NewCache(), 0
	here := Sealed{Opener: 1, Host: "h5.example.com", Text: "text"}
	if s := o.Open(here, func(*Session) bool { return false }); s != nil {
		t.Error("it opens")
	}
	if s := o.Open(here, opening(1, &times)); s == nil {
		t.Error("it does not open")
	}
}

func TestALongTextIsOpenedEachTime(t *testing.T) {
	o := NewCache()
	for length, want := range map[int]int{maxCached: 1, maxCached + 1: 2} {
		times := 0
		for range 2 {
			if o.Open(Sealed{Opener: 1, Host: "", Text: strings.Repeat("x", length)}, opening(1, &times)) == nil {
				t.Error("it does not open")
			}
		}
		if times != want {
			t.Errorf("%d bytes: opened %d times, want %d", length, times, want)
		}
		elsewhere := Sealed{Opener: 2, Host: "", Text: strings.Repeat("x", length)}
		if o.Open(elsewhere, func(*Session) bool { return false }) != nil {
			t.Error("it opens elsewhere")
		}
	}
}

// More sessions than there are places, from many sides at a time: each text is always its own session.
func TestNobodyGetsAnothersSession(t *testing.T) {
	o := NewCache()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 3 * len(o.slots) {
				text := strconv.Itoa(i % (2 * len(o.slots)))
				if s := o.Open(Sealed{Opener: 1, Host: "", Text: text}, func(s *Session) bool {
					*s = Session{}
					copy(s.ID[:], text)
					return true
				}); string(s.ID[:len(text)]) != text {
					t.Errorf("%s: %v", text, s.ID)
					return
				}
			}
		})
	}
	all.Wait()
}
