package session

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// opening returns a function that opens any text as the session with that number, and counts.
func opening(number byte, times *int) func(*Session) bool {
	return func(s *Session) bool {
		*times++
		*s = *sessionOf(int(number))
		return true
	}
}

func TestATextIsOpenedOnce(t *testing.T) {
	o, times := NewOpened(), 0
	here := Sealed{1, "h5.example.com", "text"}
	first, second := o.Open(here, opening(1, &times)), o.Open(here, opening(2, &times))
	if times != 1 || first != second || first.ID != sessionOf(1).ID {
		t.Errorf("opened %d times", times)
	}
}

func TestATextIsOpenedAnewElsewhere(t *testing.T) {
	o, times := NewOpened(), 0
	o.Open(Sealed{1, "h5.example.com", "text"}, opening(1, &times))
	for _, elsewhere := range []Sealed{
		{2, "h5.example.com", "text"}, {1, "www.example.com", "text"}, {1, "h5.example.com", "Text"}, {1, "h5.example.co", "mtext"},
	} {
		if s := o.Open(elsewhere, func(*Session) bool { return false }); s != nil {
			t.Errorf("%v opens", elsewhere)
		}
	}
}

func TestTwoWhoOpenTheSameTextBothRememberIt(t *testing.T) {
	o, times := NewOpened(), 0
	for range 3 {
		for opener := range uint64(2) {
			o.Open(Sealed{opener, "h5.example.com", "text"}, opening(byte(opener), &times))
		}
	}
	if times != 2 {
		t.Errorf("opened %d times, want 2", times)
	}
}

func TestWhatDoesNotOpenIsTriedAgain(t *testing.T) {
	o, times := NewOpened(), 0
	here := Sealed{1, "h5.example.com", "text"}
	if s := o.Open(here, func(*Session) bool { return false }); s != nil {
		t.Error("it opens")
	}
	if s := o.Open(here, opening(1, &times)); s == nil {
		t.Error("it does not open")
	}
}

func TestALongTextIsOpenedEachTime(t *testing.T) {
	o := NewOpened()
	for length, want := range map[int]int{maxOpened: 1, maxOpened + 1: 2} {
		times := 0
		for range 2 {
			if o.Open(Sealed{1, "", strings.Repeat("x", length)}, opening(1, &times)) == nil {
				t.Error("it does not open")
			}
		}
		if times != want {
			t.Errorf("%d bytes: opened %d times, want %d", length, times, want)
		}
		if o.Open(Sealed{2, "", strings.Repeat("x", length)}, func(*Session) bool { return false }) != nil {
			t.Error("it opens elsewhere")
		}
	}
}

// More sessions than there are places, from many sides at a time: each text is always its own session.
func TestNobodyGetsAnothersSession(t *testing.T) {
	o := NewOpened()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 3 * len(o.places) {
				text := strconv.Itoa(i % (2 * len(o.places)))
				if s := o.Open(Sealed{1, "", text}, func(s *Session) bool {
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
