package revocation

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

const day = 24 * time.Hour

var login = time.Date(2026, 3, 1, 8, 30, 15, 999, time.UTC)

func number(n int) (id session.ID) {
	binary.LittleEndian.PutUint64(id[:], uint64(n))
	return id
}

// sessionOf is a session with that number, of somebody, begun at the login.
func sessionOf(n int) *session.Session {
	return &session.Session{
		ID: number(n), Created: login, Identity: identity.Identity{}.With(identity.OpenID, "oSomebody"),
	}
}

// begun is a session of somebody that knows of what is revoked.
func (r *List) begun(at time.Time, subjects ...Subject) *session.Session {
	s := session.New(nil, at, 7*day)
	s.Survives = r.Survives(at, subjects...)
	return &s
}

func (r *List) ends(s *session.Session, subjects ...Subject) bool {
	return r.Ends(s) || r.EndsPerson(s, subjects...)
}

var somebody, other = UserSubject("somebody"), UserSubject("other")

// nobody is whose a session is where that is not known.
var nobody Subject

func (r *List) remembered() (n int) {
	for i := range r.parts {
		n += len(r.parts[i].sessions) + len(r.parts[i].people)
	}
	return n
}

func TestAnEndedSessionIsRevokedAndNoOther(t *testing.T) {
	var r List
	if r.Ends(sessionOf(1)) {
		t.Error("the zero List holds a session")
	}
	r.Apply(OfSession(number(1), nobody, login, login.Add(day)), login)
	r.Apply(OfSession(number(1), nobody, login.Add(time.Minute), login.Add(day)), login.Add(time.Minute))
	if !r.Ends(sessionOf(1)) {
		t.Error("not revoked")
	}
	if r.Ends(sessionOf(2)) {
		t.Error("another session is revoked")
	}
	if n := r.remembered(); n != 1 {
		t.Errorf("ended twice it is kept %d times", n)
	}
}

func TestWhoIsRevokedHasNoSessionFromBefore(t *testing.T) {
	at, end := login.Add(time.Hour), login.Add(session.MaxLifetime)
	for name, revocation := range map[string]Revocation{
		"person":              OfPerson(at, end, somebody),
		"by one of the names": OfPerson(at, end, OpenIDSubject("x"), somebody),
		"all":                 OfAll(at, end),
	} {
		t.Run(name, func(t *testing.T) {
			var r List
			r.Apply(revocation, at)
			if r.NamesPeople() != (name != "all") {
				t.Errorf("names people: %v", r.NamesPeople())
			}
			s := sessionOf(1)
			if !r.ends(s, other, somebody) {
				t.Error("not revoked")
			}
			if s.Created = at; !r.ends(s, somebody) {
				t.Error("a session of the same second lives on")
			}
			// Whatever the clocks say, of an instance that did not know, which may be ahead.
			for _, ahead := range []time.Duration{time.Second, time.Minute, 10 * time.Minute, 14 * time.Hour} {
				if s.Created = at.Add(ahead); !r.ends(s, somebody) {
					t.Errorf("a session of a clock that is %s ahead lives on", ahead)
				}
			}
			if s.Created = at.Add(2 * day); r.ends(s, somebody) {
				t.Error("a session that began two days after is over")
			}
			// One that does know, which may be behind.
			for _, later := range []time.Duration{-14 * time.Hour, 0, time.Second, time.Hour, 2 * day} {
				if r.ends(r.begun(at.Add(later), somebody), somebody) {
					t.Errorf("a session that began %s later and knows of it is over", later)
				}
			}
			if s := sessionOf(2); r.ends(s, other) != (name == "all") {
				t.Error("somebody else is revoked, or not with all")
			}
			late := r.begun(at, somebody)
			r.Apply(OfPerson(login.Add(time.Minute), end, somebody), at) // which was read late
			if r.ends(late, somebody) || !r.ends(sessionOf(1), somebody) {
				t.Error("an older revocation takes the place of a newer one")
			}
		})
	}
}

// Who was revoked logs in again in the same second, and is revoked again.
func TestRevokedInTheSameSecond(t *testing.T) {
	end := login.Add(session.MaxLifetime)
	person := func(r *List) Revocation { return OfPerson(r.NextTime(login), end, somebody) }
	all := func(r *List) Revocation { return OfAll(r.NextTime(login), end) }
	for name, orders := range map[string][2]func(*List) Revocation{
		"person, person": {person, person}, "person, all": {person, all},
		"all, person": {all, person}, "all, all": {all, all},
	} {
		t.Run(name, func(t *testing.T) {
			var r List
			s := r.begun(login, somebody)
			for _, order := range orders {
				if r.ends(s, somebody) {
					t.Error("it is over before")
				}
				r.Apply(order(&r), login)
				if !r.ends(s, somebody) {
					t.Error("it is not over after")
				}
				s = r.begun(login, somebody)
			}
			if r.ends(s, somebody) {
				t.Error("it is over at last")
			}
		})
	}
}

// An instance whose clock is years ahead revokes somebody: that ends what there is, and nothing that comes.
func TestAClockThatIsAheadRevokesNobodyToCome(t *testing.T) {
	for name, revoke := range map[string]func(at time.Time) Revocation{
		"person": func(at time.Time) Revocation { return OfPerson(at, login.Add(session.MaxLifetime), somebody) },
		"all":    func(at time.Time) Revocation { return OfAll(at, login.Add(session.MaxLifetime)) },
	} {
		t.Run(name, func(t *testing.T) {
			var r List
			r.Apply(revoke(login.Add(1000*day)), login)
			if !r.ends(sessionOf(1), somebody) {
				t.Error("a session from before lives on")
			}
			s := r.begun(login.Add(time.Minute), somebody)
			if r.ends(s, somebody) {
				t.Error("a session from after is over")
			}
			r.Apply(OfPerson(r.NextTime(login.Add(time.Hour)), login.Add(session.MaxLifetime), somebody), login)
			if !r.ends(s, somebody) {
				t.Error("what is revoked afterwards does not end it")
			}
			s = r.begun(login.Add(2*time.Hour), somebody)
			r.Apply(OfAll(r.NextTime(login.Add(time.Hour)), login.Add(session.MaxLifetime)), login)
			if !r.ends(s, somebody) {
				t.Error("all that is revoked afterwards does not end it")
			}
		})
	}
}

func TestASessionThatIsOverNeedNotBeRemembered(t *testing.T) {
	var r List
	r.Apply(OfSession(number(1), nobody, login, login), login)
	r.Apply(OfSession(number(2), nobody, login, login.Add(-time.Second)), login)
	r.Apply(OfPerson(login, login, somebody), login)
	r.Apply(OfAll(login, login), login)
	if n := r.remembered(); n != 0 || r.Ends(sessionOf(1)) {
		t.Errorf("%d are remembered", n)
	}
}

func TestWhatIsOverMakesRoom(t *testing.T) {
	var r List
	const full = maxRevoked / parts
	for i := range full {
		if !r.Apply(OfSession(number(i*parts), somebody, login, login.Add(day)), login) {
			t.Fatalf("number %d is one too many", i)
		}
	}
	longer := OfSession(number(full*parts), somebody, login, login.Add(3*day))
	if !r.Apply(longer, login.Add(day)) || r.remembered() != 1 {
		t.Errorf("%d are remembered after their end, want 1", r.remembered())
	}
	if n := r.countOf(short(somebody)).of(short(somebody)); n != 1 {
		t.Errorf("%d of somebody's are counted, want 1", n)
	}
}

func TestRevokedIsBounded(t *testing.T) {
	var r List
	r.Apply(OfPerson(login, login.Add(session.MaxLifetime), somebody), login)
	ok := true
	for i := range maxRevoked/parts*parts + 50*parts {
		end := login.Add(day + time.Duration(i)*time.Millisecond)
		ok = r.Apply(OfSession(number(i), other, login, end), login) && ok
	}
	if n := r.remembered(); n > maxRevoked || ok {
		t.Errorf("%d are remembered, at most %d may be; something was lost: %v", n, maxRevoked, !ok)
	}
	if r.Ends(sessionOf(0)) || !r.Ends(sessionOf(maxRevoked)) {
		t.Error("not those that end first went")
	}
	if !r.EndsPerson(sessionOf(0), somebody) || r.people.Load() != 1 {
		t.Error("who was named by an operator was forgotten")
	}
}

func TestPeopleAreBounded(t *testing.T) {
	var r List
	const full = maxRevoked / parts
	ok := true
	for i := range full + 10 {
		end := login.Add(day + time.Duration(i)*time.Second)
		ok = r.Apply(OfPerson(login, end, Subject(number(i*parts))), login) && ok
	}
	if n := r.remembered(); n != full || ok || r.people.Load() != full {
		t.Errorf("%d are remembered, at most %d may be; something was lost: %v", n, full, !ok)
	}
	if r.EndsPerson(sessionOf(1), Subject(number(9*parts))) || !r.EndsPerson(sessionOf(1), Subject(number(10*parts))) {
		t.Error("not those that end first went")
	}
}

// What may be forged takes nobody's place.
func TestWhatMayBeForgedGoesFirst(t *testing.T) {
	old := func(n int) Revocation {
		r := OfSession(number(n*parts), nobody, login, login.Add(session.MaxLifetime))
		r.old = true
		return r
	}
	const full = maxRevoked / parts
	var r List
	for n := range full {
		r.Apply(OfSession(number(n*parts), nobody, login, login.Add(day)), login)
	}
	if r.Apply(old(full), login) || r.Ends(sessionOf(full*parts)) || !r.Ends(sessionOf(0)) {
		t.Error("a full list took what may be forged")
	}
	r = List{}
	proven := func(n int) { r.Apply(OfSession(number(n*parts), nobody, login, login.Add(time.Hour)), login) }
	for n := range full / 2 {
		proven(n)
	}
	for n := full / 2; n < full; n++ {
		r.Apply(old(n), login)
	}
	for n := full; n < full+20; n++ {
		proven(n)
	}
	for n := range full + 20 {
		if (n < full/2 || n >= full) && !r.Ends(sessionOf(n*parts)) {
			t.Fatalf("number %d made room", n)
		}
	}
	r = List{}
	r.Apply(old(1), login)
	r.Apply(OfSession(number(parts), somebody, login, login.Add(day)), login)
	if !r.HasMany(somebody, 1, login) {
		t.Error("what is proven stays taken for forged")
	}
}

func TestHasMany(t *testing.T) {
	var r List
	for n := range 10 {
		revocation := OfSession(number(n), somebody, login, login.Add(time.Duration(n+1)*time.Hour))
		r.Apply(revocation, login)
		r.Apply(revocation, login) // read back from the store
	}
	r.Apply(OfSession(number(100), other, login, login.Add(day)), login)
	r.Apply(OfSession(number(101), nobody, login, login.Add(day)), login)
	for _, tt := range []struct {
		person Subject
		n      int
		after  time.Duration
		want   bool
	}{
		{somebody, 10, 0, true},
		{somebody, 11, 0, false},
		{other, 1, 0, true},
		{other, 2, 0, false},
		{UserSubject("third"), 1, 0, false},
		{somebody, 8, 3 * time.Hour, false},
		{somebody, 7, 3 * time.Hour, true},
		{somebody, 1, 10 * time.Hour, false},
	} {
		if got := r.HasMany(tt.person, tt.n, login.Add(tt.after)); got != tt.want {
			t.Errorf("%d of %x after %s: %v", tt.n, tt.person[:2], tt.after, got)
		}
	}
}

func TestNames(t *testing.T) {
	if QualifiedSubject("wx1", "o1") != UserSubject("wx1:o1") {
		t.Error("a qualified subject is not the user's of that form")
	}
	if UserSubject("oSomebody") == OpenIDSubject("oSomebody") {
		t.Error("a user of that subject is taken for an openid")
	}
	long := string(make([]byte, 1000))
	if UserSubject(long) == UserSubject(long[:999]) {
		t.Error("a long subject is cut")
	}
	qualified := func() { QualifiedSubject("wx0123456789abcdef", "oABC-def_0123456789abcdefghi") }
	if n := testing.AllocsPerRun(100, qualified); n > 0 {
		t.Errorf("a subject takes %v allocations", n)
	}
}

func TestRevokedIsSafeForConcurrentUse(t *testing.T) {
	var r List
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			me := UserSubject(string(rune('a' + g)))
			for i := range 200 {
				r.Apply(OfSession(number(g*200+i), me, login, login.Add(day)), login)
				r.Apply(OfPerson(r.NextTime(login), login.Add(day), me), login)
				if !r.Ends(sessionOf(g*200+i)) || !r.EndsPerson(sessionOf(9999), me) || !r.HasMany(me, i+1, login) {
					t.Error("not revoked")
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkRevoked(b *testing.B) {
	var r List
	for i := range 10_000 {
		r.Apply(OfSession(number(i), nobody, login, login.Add(day)), login)
	}
	r.Apply(OfPerson(login, login.Add(day), other), login)
	s := sessionOf(20_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r.Ends(s) || r.EndsPerson(s, somebody, QualifiedSubject("wx0123456789abcdef", "oSomebody"),
				OpenIDSubject("oSomebody"), UserSubject("u")) {
				b.Error("revoked")
			}
		}
	})
}

// BenchmarkHasMany is what a logout costs somebody who logged out many times, where the list is full.
func BenchmarkHasMany(b *testing.B) {
	var r List
	for i := range maxRevoked {
		person := other
		if i%10_000 == 0 {
			person = somebody
		}
		r.Apply(OfSession(number(i), person, login, login.Add(day)), login)
	}
	for b.Loop() {
		if !r.HasMany(somebody, 49, login) {
			b.Fatal("not many")
		}
	}
}
