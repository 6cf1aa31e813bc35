package revocation

import (
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// old is a revocation of a session that may be forged.
func old(n int, end time.Time) Revocation {
	r := OfSession(number(n*parts), nobody, login, end)
	r.old = true
	return r
}

// filled is a list of which one part is full of proven revocations that end a day later, but for n of them.
func filled(n int) *List {
	l := new(List)
	for i := n; i < maxRevoked/parts; i++ {
		l.Apply(OfSession(number((i+1000)*parts), nobody, login, login.Add(day)), login)
	}
	return l
}

func TestList_WhatEndsFirstOfWhatMayBeForgedGoesFirst(t *testing.T) {
	const some = 50
	l := filled(some)
	for n := range some {
		l.Apply(old(n, login.Add(day+time.Duration((n+7)%some)*time.Hour)), login)
	}
	for gone := range 3 {
		l.Apply(OfSession(number((gone+20_000)*parts), nobody, login, login.Add(day)), login)
		first := (some - 7 + gone) % some
		if l.Ends(sessionOf(first * parts)) {
			t.Errorf("number %d, which ends first, is there", first)
		}
	}
	if n := l.remembered(); n != maxRevoked/parts {
		t.Errorf("%d remembered", n)
	}
}

func TestList_WhatMayBeForgedMakesRoomForItsLike(t *testing.T) {
	l := filled(1)
	l.Apply(old(1, login.Add(time.Hour)), login)
	if l.Apply(old(2, login.Add(2*day)), login) {
		t.Error("nothing was lost")
	}
	if l.Ends(sessionOf(parts)) || !l.Ends(sessionOf(2*parts)) {
		t.Error("the first one stays, or the second one is not there")
	}
}

func TestList_ARevocationThatIsKnownStaysAsItWas(t *testing.T) {
	for name, again := range map[string]func(n int, end time.Time) Revocation{
		"forged": old,
		"proven": func(n int, end time.Time) Revocation { return OfSession(number(n*parts), nobody, login, end) },
	} {
		var l List
		l.Apply(again(1, login.Add(time.Hour)), login)
		l.Apply(again(1, login.Add(day)), login)
		l.forgetOver(&l.parts[0], login.Add(2*time.Hour))
		if n := l.remembered(); n != 0 {
			t.Errorf("%s: it lives longer for being read twice", name)
		}
	}
}

func TestList_ApplyTellsWhereOneOfSeveralNamesFoundNoRoom(t *testing.T) {
	l := filled(0)
	full, free := Subject(number(parts)), Subject(number(parts+1))
	for _, subjects := range [][]Subject{{full, free}, {Subject(number(2 * parts)), free}} {
		if l.Apply(OfPerson(login, login.Add(day), subjects...), login) {
			t.Error("nothing was lost")
		}
	}
	if !l.Apply(OfPerson(login, login.Add(day), free), login) {
		t.Error("something was lost")
	}
}

func TestList_NobodysSessionsAreNotCounted(t *testing.T) {
	var l List
	l.Apply(OfSession(number(1), nobody, login, login.Add(day)), login)
	if n := l.countOf(short(nobody)).of(short(nobody)); n != 0 {
		t.Errorf("%d are", n)
	}
}

func TestList_ASessionNeedNotSurviveWhatWouldNotEndIt(t *testing.T) {
	var l List
	if at := l.Survives(login, somebody); !at.IsZero() {
		t.Errorf("nothing was revoked: %s", at)
	}
	l.Apply(OfPerson(login, login.Add(session.MaxLifetime), somebody), login)
	for after, want := range map[time.Duration]bool{time.Hour: true, reach: true, reach + time.Second: false} {
		if at := l.Survives(login.Add(after), somebody); !at.IsZero() != want {
			t.Errorf("after %s: %s", after, at)
		}
	}
	if at := l.Survives(login, other); !at.IsZero() {
		t.Errorf("somebody else: %s", at)
	}
}

func TestList_NextInPlaceOfIsLaterThanAllThatIsKnown(t *testing.T) {
	s := sessionOf(1)
	at := func(d time.Duration) time.Time { return toTheSecond(login.Add(d)) }
	for name, tt := range map[string]struct {
		survives, revoked, all time.Duration // before now
		want                   time.Duration // of the revocation, before now
		wait                   time.Duration
	}{
		"long ago":     {survives: day, revoked: day, all: day, want: 2 * hearsWithin * time.Second},
		"a while ago":  {survives: 8 * time.Second, revoked: day, all: day, want: 7 * time.Second},
		"just now":     {survives: day, revoked: 2 * time.Second, all: day, wait: 4 * time.Second},
		"all just now": {survives: day, revoked: day, all: 3 * time.Second, wait: 3 * time.Second},
		"in time":      {survives: day, revoked: 6 * time.Second, all: day, want: 5 * time.Second},
		"to come":      {survives: -time.Hour, revoked: day, all: day, want: -time.Hour - time.Second},
		"person ahead": {survives: day, revoked: -time.Minute, all: day, want: -time.Minute - time.Second},
	} {
		var l List
		l.Apply(OfPerson(at(-tt.revoked), login.Add(day), somebody), login)
		l.Apply(OfAll(at(-tt.all), login.Add(day)), login)
		s.Survives = at(-tt.survives)
		got, wait := l.NextInPlaceOf(s, login, other, somebody)
		if wait != tt.wait || wait == 0 && !got.Equal(at(-tt.want)) {
			t.Errorf("%s: %s before now, wait %s; want %s, %s", name, login.Sub(got), wait, tt.want, tt.wait)
		}
	}
}
