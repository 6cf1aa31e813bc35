package revocation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// endPending ends sessions of a site whose store fails.
func endPending(t *testing.T, s *Site, sessions ...*session.Session) {
	t.Helper()
	for _, one := range sessions {
		if err := s.EndSessions(t.Context(), one); !errors.Is(err, store.ErrStore) {
			t.Fatalf("nobody says that the store fails: %v", err)
		}
	}
	s.wantEnds(t, true, sessions...)
}

func TestSync_WhatTheStoreDidNotTakeIsToldLater(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, b := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	one, two, three := a.begin("o1"), a.begin("o2"), a.begin("o3")
	here.fail("Append", "Put probe")
	endPending(t, a, one, two, three)
	here.exchange(t)
	here.asked("")
	here.exchange(t)
	if probes := here.asked("Put probe"); probes != 1 {
		t.Errorf("%d probes", probes)
	}
	elsewhere.exchange(t)
	b.wantEnds(t, false, one, two, three)

	taken := 0 // until it fails again
	here.failing = func(call string) bool {
		if call != "Append "+sessionJournal {
			return false
		}
		taken++
		return taken > 1
	}
	here.exchange(t)
	elsewhere.exchange(t)
	b.wantEnds(t, true, one)
	b.wantEnds(t, false, two, three)

	here.fail()
	here.exchange(t)
	elsewhere.exchange(t)
	b.wantEnds(t, true, one, two, three)
	here.asked("")
	here.exchange(t)
	if n := here.asked("Append"); n != 0 {
		t.Errorf("%d told twice", n)
	}
}

func TestSync_WhatIsOverIsToldNobody(t *testing.T) {
	w, now := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	i.fail("Append")
	endPending(t, s, s.begin("o1"))
	*now = now.Add(7 * day)
	i.asked("")
	i.exchange(t)
	i.fail()
	i.exchange(t)
	if n := i.asked("Append"); n != 0 {
		t.Errorf("%d told", n)
	}
}

// The sites that were there when a person was revoked are those that are to hear.
func TestSync_WhoLeavesMeanwhileIsToldAllTheSame(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, leaving, far := here.site(t, nil, keyOne), here.site(t, nil, keyTwo), elsewhere.site(t, nil, keyTwo)
	one := a.begin("o1")
	here.exchange(t)
	for _, s := range []*Site{a, leaving} {
		if _, err := s.Keyring.Known(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	here.fail("Append")
	if err := a.EndPerson(t.Context(), "uo1"); !errors.Is(err, store.ErrStore) {
		t.Fatal(err)
	}
	here.Leave(leaving)
	here.fail()
	here.exchange(t)
	elsewhere.exchange(t)
	far.wantEnds(t, true, one)
}

func TestSync_WithoutKnowledgeOfTheKeysNobodyIsTold(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, far := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	one := a.begin("o1")
	here.fail("Get")
	if err := a.EndPerson(t.Context(), "uo1"); !errors.Is(err, store.ErrStore) {
		t.Errorf("nobody says so: %v", err)
	}
	here.fail()
	here.exchange(t)
	elsewhere.exchange(t)
	far.wantEnds(t, true, one)
}

func TestSync_FlushTellsAllByTheLastThatLeave(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, b, far := here.site(t, nil, keyOne), here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	var all []*session.Session
	here.fail("Append")
	for range 2*maxSent + 1 {
		all = append(all, a.begin("o1"))
	}
	endPending(t, a, all[:10]...)
	for _, one := range all[10:] {
		a.postpone(pendingRecord{sessionJournal, [][]byte{[]byte(keyOne)}, []Revocation{
			OfSession(one.ID, nobody, w.now(), one.Expires),
		}})
	}
	here.asked("")
	here.Flush(t.Context(), a)
	if n := here.asked("Append"); n != 0 {
		t.Errorf("%d told by one who leaves others behind", n)
	}
	here.Flush(t.Context(), a, b)
	if here.asked("Append") == 0 || here.said("revocations are lost") != 1 {
		t.Error("what a store that fails loses is not said")
	}
	here.fail()
	here.Flush(t.Context(), b, a)
	elsewhere.exchange(t)
	far.wantEnds(t, true, all...)
	if here.said("revocations are lost") != 1 {
		t.Error("it is said again")
	}
	w.instance(t).Flush(t.Context()) // where there is nobody
}

func TestSync_TheLastThatLeavesTellsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newWorld()
		here, elsewhere := w.instance(t), w.instance(t)
		stranger := here.site(t, nil, keyOne)
		here.Leave(stranger)
		here.Leave(stranger) // which left before
		synctest.Wait()
		a, b, far := here.site(t, nil, keyOne), here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
		one := a.begin("o1")
		here.fail("Append")
		endPending(t, a, one)
		here.fail()
		here.asked("")
		here.Leave(a)
		here.Leave(stranger)
		synctest.Wait()
		if n := here.asked("Append"); n != 0 {
			t.Errorf("%d told while a site is there", n)
		}
		here.Leave(b)
		synctest.Wait()
		elsewhere.exchange(t)
		far.wantEnds(t, true, one)
		if len(here.Sites()) != 0 || here.Exchange(t.Context()) {
			t.Error("a site is there, or nobody reads all there is")
		}
	})
}

func TestSync_RemembersOnlySoMuchForAStoreThatFails(t *testing.T) {
	var p pendingRecords
	if lost := p.add(make([]pendingRecord, maxPending-1)); lost != 0 {
		t.Errorf("%d lost", lost)
	}
	if lost := p.add(make([]pendingRecord, 3)); lost != 2 {
		t.Errorf("%d lost, want 2", lost)
	}
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	i.pending.records = make([]pendingRecord, maxPending)
	i.fail("Append")
	endPending(t, s, s.begin("o1"))
	if i.said("revocations are lost to other instances") != 1 {
		t.Error("not said")
	}
}

func TestSync_ALogoutOutlivesItsRequest(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	one := s.begin("o1")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Keyring.Keyset(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.EndSessions(ctx, one); err != nil {
		t.Error(err)
	}
}
