package session

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"
)

func number(n int) (id ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

func TestAnEndedSessionIsRevokedAndNoOther(t *testing.T) {
	var r Revoked
	if r.Has(number(1)) {
		t.Error("the zero Revoked holds a session")
	}
	r.Add(number(1), login.Add(day), login)
	r.Add(number(1), login.Add(day), login.Add(time.Minute))
	if !r.Has(number(1)) {
		t.Error("not revoked")
	}
	if r.Has(number(2)) {
		t.Error("another session is revoked")
	}
	if len(r.order) != 1 {
		t.Errorf("ended twice it is kept %d times", len(r.order))
	}
}

func TestASessionThatIsOverNeedNotBeRemembered(t *testing.T) {
	var r Revoked
	r.Add(number(1), login, login)
	r.Add(number(2), login.Add(-time.Second), login)
	if len(r.end) != 0 || len(r.order) != 0 {
		t.Errorf("%d are remembered", len(r.end))
	}
}

func TestRevokedSessionsAreForgottenWhenTheyWouldHaveEnded(t *testing.T) {
	var r Revoked
	for i := range 100 {
		r.Add(number(i), login.Add(day), login)
	}
	r.Add(number(100), login.Add(3*day), login.Add(day-time.Second))
	if len(r.end) != 101 {
		t.Errorf("%d are remembered before their end, want 101", len(r.end))
	}
	r.Add(number(101), login.Add(3*day), login.Add(day))
	if len(r.end) != 2 || len(r.order) != 2 {
		t.Errorf("%d are remembered after their end, want 2", len(r.end))
	}
	if !r.Has(number(100)) {
		t.Error("one that still lives was forgotten")
	}
}

func TestRevokedIsBounded(t *testing.T) {
	var r Revoked
	const more = 50
	for i := range maxRevoked + more {
		r.Add(number(i), login.Add(day), login)
	}
	if len(r.end) != maxRevoked || len(r.order) != maxRevoked {
		t.Errorf("%d are remembered, at most %d may be", len(r.end), maxRevoked)
	}
	if r.Has(number(more-1)) || !r.Has(number(more)) || !r.Has(number(maxRevoked+more-1)) {
		t.Error("not the oldest went first")
	}
}

func TestRevokedIsSafeForConcurrentUse(t *testing.T) {
	var r Revoked
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				r.Add(number(g*200+i), login.Add(day), login)
				if !r.Has(number(g*200 + i)) {
					t.Error("not revoked")
				}
			}
		})
	}
	wg.Wait()
}
