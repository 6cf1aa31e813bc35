package revocation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// appendTo puts a record into a journal, as anybody can who can write to the store.
func (w *world) appendTo(t *testing.T, journal string, record []byte) {
	t.Helper()
	if err := w.memory.Append(t.Context(), journal, record, session.MaxLifetime); err != nil {
		t.Fatal(err)
	}
}

func TestSync_WhatIsForgedDoesNotCountAndIsSaidOnce(t *testing.T) {
	w, now := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	one := s.begin("o1")
	all := OfAll(w.now(), w.now().Add(day))
	mine := keysOf(t, keyOne)
	for range 2 {
		w.appendTo(t, operatorJournal, Records([]seal.Key{{ID: mine[0].ID}}, operatorJournal, all)[0])
		w.appendTo(t, operatorJournal, Records(mine, sessionJournal, all)[0]) // moved
		w.appendTo(t, sessionJournal, []byte{recordVersion})
		w.appendTo(t, sessionJournal, []byte{recordVersion + 1})
		w.appendTo(t, sessionJournal, Records(keysOf(t, keyTwo), sessionJournal, all)[0])
	}
	texts := []string{"is forged or damaged", "is not understood", "other session keys"}
	for said := 1; said <= 2; said++ {
		i.exchange(t)
		s.wantEnds(t, false, one)
		for _, text := range texts {
			if n := i.said(text); n != said {
				t.Errorf("%s: said %d times, want %d", text, n, said)
			}
		}
		*now = now.Add(hintEvery)
		s = i.site(t, nil, keyOne) // a reload, which reads from the beginning
	}
	if i.log.Len() != 2*len(texts) {
		t.Errorf("%d lines", i.log.Len())
	}
}

func TestSync_OldRecordsCountWhereWhoeverWritesThemCouldBeAnybody(t *testing.T) {
	until := login.Add(day)
	person := func(*session.Session) Revocation { return OfPerson(login, until, UserSubject("uo1")) }
	all := func(*session.Session) Revocation { return OfAll(login, until) }
	one := func(s *session.Session) Revocation { return OfSession(s.ID, nobody, login, until) }
	for name, tt := range map[string]struct {
		keepsKey bool
		record   func(*session.Session) Revocation
		want     bool
	}{
		"a person": {false, person, false}, "all": {false, all, false}, "a session": {false, one, true},
		"a person, kept": {true, person, true}, "all, kept": {true, all, true},
	} {
		w, _ := newWorld()
		i := w.instance(t)
		s := i.site(t, func(c *Config) { c.Keyring.KeepsKey = tt.keepsKey }, keyOne)
		one := s.begin("o1")
		for _, journal := range []string{sessionJournal, operatorJournal} {
			w.appendTo(t, journal, oldRecord(tt.record(one)))
		}
		i.exchange(t)
		s.wantEnds(t, tt.want, one)
		if said := i.said("an older version wrote"); (said == 1) == tt.want || i.log.Len() != said {
			t.Errorf("%s: said %d times, %d lines", name, said, i.log.Len())
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// oldRecord is a revocation as version 1 wrote it.
func oldRecord(r Revocation) []byte {
	record := []byte{oldVersion, byte(r.scope)}
	of := r.id
	if r.scope == onePerson {
		record[1], of = aUser, session.ID(r.subjects[0])
	}
	record = append(record, of[:]...)
	return seal.AppendNumber(seal.AppendNumber(record, uint64(r.At.Unix())), uint64(r.Expires.Unix()))
}

func TestSync_AProvenRevocationCountsEverywhere(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a := here.site(t, nil, keyOne)
	b := elsewhere.site(t, func(c *Config) { c.Keyring.KeepsKey = false }, keyOne)
	one := a.begin("o1")
	if err := a.EndPerson(t.Context(), "uo1"); err != nil {
		t.Fatal(err)
	}
	elsewhere.exchange(t)
	b.wantEnds(t, true, one)
}

func TestSync_ExchangeSaysWhetherAllCouldBeRead(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, b := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	one, two := a.begin("o1"), a.begin("o2")
	end(t, a, one)
	if err := a.EndPerson(t.Context(), "uo2"); err != nil {
		t.Fatal(err)
	}
	elsewhere.fail("Get")
	if elsewhere.Exchange(t.Context()) || elsewhere.asked("Read") != 0 {
		t.Error("read without the keys, for what is read is not read again")
	}
	elsewhere.fail("Read " + operatorJournal)
	if elsewhere.Exchange(t.Context()) {
		t.Error("the second journal could not be read")
	}
	b.wantEnds(t, true, one)
	b.wantEnds(t, false, two)
	elsewhere.failing = func(call string) bool { return call == "Read "+sessionJournal }
	if elsewhere.Exchange(t.Context()) {
		t.Error("the first journal could not be read")
	}
	b.wantEnds(t, true, two)
	elsewhere.fail()
	elsewhere.exchange(t)
}

func TestSync_AReloadReadsFromTheBeginningWithItsKeys(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, b := here.site(t, nil, keyTwo), elsewhere.site(t, nil, keyOne)
	one := a.begin("o1")
	end(t, a, one)
	elsewhere.exchange(t)
	b.wantEnds(t, false, one)
	again := elsewhere.site(t, nil, keyOne, keyTwo)
	elsewhere.exchange(t)
	again.wantEnds(t, true, one)
}

func TestSync_ProbesAStoreThatCannotBeWritten(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	i.fail("Append", "Put")
	endPending(t, s, s.begin("o1"))
	i.exchange(t)
	if n := i.asked("Put probe"); n != 1 {
		t.Errorf("%d probes", n)
	}
	i.fail()
	i.exchange(t)
	i.asked("")
	i.exchange(t)
	if n := i.asked("Put probe"); n != 0 || i.status.FailsToWrite() {
		t.Errorf("%d probes of a store that works", n)
	}
}

// following is a world by the clock of the bubble, with an instance that follows a store.
func following(t *testing.T) (w *world, here, elsewhere *instance) {
	t.Helper()
	w, _ = newWorld()
	w.now = time.Now
	w.memory.UseClock(time.Now)
	return w, w.instance(t), w.instance(t)
}

func TestSync_AllKnowWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, here, elsewhere := following(t)
		defer elsewhere.stop()
		a, b := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
		before, after := a.begin("o1"), a.begin("o1")
		end(t, a, before)
		b.Await(t.Context())
		b.wantEnds(t, true, before)
		end(t, a, after)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		b.wantEnds(t, true, after)
		if elsewhere.log.Len() != 0 {
			t.Errorf("%d lines, although the store told all in time", elsewhere.log.Len())
		}
	})
}

func TestSync_NobodyWaitsLongForAStoreThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, i := following(t)
		defer i.stop()
		s := i.site(t, nil, keyOne)
		i.failing = func(call string) bool {
			if call == "Read "+sessionJournal {
				time.Sleep(2500 * time.Millisecond)
			}
			return false
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if s.Await(ctx); time.Since(begun) != time.Second {
			t.Errorf("who leaves waited %s", time.Since(begun))
		}
		if s.Await(t.Context()); time.Since(begun) != firstReadTimeout {
			t.Errorf("waited %s", time.Since(begun))
		}
		if s.Await(t.Context()); time.Since(begun) != firstReadTimeout {
			t.Errorf("waited again: %s", time.Since(begun))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if i.said("did not tell in time") != 1 {
			t.Error("not said")
		}
		time.Sleep(time.Minute)
		if i.said("did not tell in time") != 1 {
			t.Error("said again, although it is known")
		}
	})
}

func TestSync_SaysThatWhatWasRevokedBeforeIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, here, i := following(t)
		defer i.stop()
		a, s := here.site(t, nil, keyOne), i.site(t, nil, keyOne)
		one := a.begin("o1")
		end(t, a, one)
		i.fail("Read")
		begun := time.Now()
		s.Await(t.Context())
		synctest.Wait()
		if time.Since(begun) != 0 || i.said("did not tell in time") != 1 {
			t.Errorf("waited %s, said %d times", time.Since(begun), i.said("did not tell in time"))
		}
		s.wantEnds(t, false, one)
		i.fail()
		time.Sleep(2 * readEvery)
		synctest.Wait()
		s.wantEnds(t, true, one)
		said := i.log.Len()
		i.fail("Read")
		time.Sleep(10 * readEvery)
		if i.log.Len() != said {
			t.Error("said of a store that fails later")
		}
	})
}

func TestSync_ReadsOnlyWhereASiteIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, i := following(t)
		defer i.stop()
		i.Follow()
		time.Sleep(time.Minute)
		if n := i.asked(""); n != 0 {
			t.Errorf("asked %d times for nobody", n)
		}
	})
}

func TestSync_WhoseStoreNobodyUsesAnyMoreWaitsForNothing(t *testing.T) {
	i := &instance{Sync: NewSync(new(store.Status))}
	i.Close()
	i.Await(t.Context())
}
