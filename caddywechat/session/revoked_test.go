package session

import (
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

func number(n int) (id ID) {
	binary.LittleEndian.PutUint64(id[:], uint64(n))
	return id
}

// sessionOf is a session with that number, of somebody, begun at the login.
func sessionOf(n int) Session {
	return Session{ID: number(n), Created: login, Identity: identity.Identity{}.With(identity.OpenID, "oSomebody")}
}

func (r *Revoked) remembered() (n int) {
	for i := range r.parts {
		n += len(r.parts[i].of)
	}
	return n
}

func TestAnEndedSessionIsRevokedAndNoOther(t *testing.T) {
	var r Revoked
	if r.Has(sessionOf(1), "somebody") {
		t.Error("the zero Revoked holds a session")
	}
	r.Add(RevokeSession(number(1), login, login.Add(day)), login)
	r.Add(RevokeSession(number(1), login.Add(time.Minute), login.Add(day)), login.Add(time.Minute))
	if !r.Has(sessionOf(1), "somebody") {
		t.Error("not revoked")
	}
	if r.Has(sessionOf(2), "somebody") {
		t.Error("another session is revoked")
	}
	if n := r.remembered(); n != 1 {
		t.Errorf("ended twice it is kept %d times", n)
	}
}

func TestWhoIsRevokedHasNoSessionFromBefore(t *testing.T) {
	for name, revocation := range map[string]Revocation{
		"user":   RevokeUser("somebody", login.Add(time.Hour)),
		"openid": RevokeOpenID("oSomebody", login.Add(time.Hour)),
		"all":    RevokeAll(login.Add(time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			var r Revoked
			r.Add(revocation, login.Add(time.Hour))
			s := sessionOf(1)
			if !r.Has(s, "somebody") {
				t.Error("not revoked")
			}
			s.Created = login.Add(time.Hour)
			if !r.Has(s, "somebody") {
				t.Error("a session of the same second lives on")
			}
			s.Created = login.Add(time.Hour + time.Second)
			if r.Has(s, "somebody") {
				t.Error("a login after that is revoked, too")
			}
			s.Created, s.Identity = login, identity.Identity{}.With(identity.OpenID, "oOther")
			if r.Has(s, "other") != (name == "all") {
				t.Error("somebody else is revoked, or not with all")
			}
			r.Add(RevokeUser("somebody", login.Add(time.Minute)), login.Add(time.Hour)) // which was read late
			if !r.Has(sessionOf(1), "somebody") {
				t.Error("an older revocation takes the place of a newer one")
			}
		})
	}
}

func TestAUserIsNoOpenID(t *testing.T) {
	var r Revoked
	r.Add(RevokeUser("oSomebody", login), login)
	if r.Has(sessionOf(1), "somebody") {
		t.Error("a user of that name is taken for an openid")
	}
}

func TestASessionThatIsOverNeedNotBeRemembered(t *testing.T) {
	var r Revoked
	r.Add(RevokeSession(number(1), login, login), login)
	r.Add(RevokeSession(number(2), login, login.Add(-time.Second)), login)
	if n := r.remembered(); n != 0 {
		t.Errorf("%d are remembered", n)
	}
}

func TestWhatIsOverMakesRoom(t *testing.T) {
	var r Revoked
	const full = maxRevoked / parts
	for i := range full {
		if !r.Add(RevokeSession(number(i*parts), login, login.Add(day)), login) {
			t.Fatalf("number %d is one too many", i)
		}
	}
	if !r.Add(RevokeSession(number(full*parts), login, login.Add(3*day)), login.Add(day)) || r.remembered() != 1 {
		t.Errorf("%d are remembered after their end, want 1", r.remembered())
	}
}

func TestRevokedIsBounded(t *testing.T) {
	var r Revoked
	person := RevokeUser("somebody", login)
	r.Add(person, login)
	ok := true
	for i := range maxRevoked/parts*parts + 50*parts {
		ok = r.Add(RevokeSession(number(i), login, login.Add(day+time.Duration(i)*time.Millisecond)), login) && ok
	}
	if n := r.remembered(); n > maxRevoked || ok {
		t.Errorf("%d are remembered, at most %d may be; something was lost: %v", n, maxRevoked, !ok)
	}
	if r.Has(sessionOf(0), "") || !r.Has(sessionOf(maxRevoked), "") {
		t.Error("not those that end first went")
	}
	if !r.Has(sessionOf(0), "somebody") || r.people.Load() != 1 {
		t.Error("who was named by an operator was forgotten")
	}
}

func TestAClockThatIsAheadRevokesNobodyToCome(t *testing.T) {
	var r Revoked
	r.Add(RevokeAll(login.Add(time.Hour)), login)
	r.Add(RevokeUser("somebody", login.Add(time.Hour)), login)
	s := sessionOf(1)
	s.Created = login.Add(maxSkew)
	if !r.Has(s, "somebody") {
		t.Error("a session of an instance whose clock is a little ahead lives on")
	}
	s.Created = login.Add(maxSkew + time.Second)
	if r.Has(s, "somebody") {
		t.Error("a login after the revocation is revoked")
	}
}

func TestRevokedIsSafeForConcurrentUse(t *testing.T) {
	var r Revoked
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				r.Add(RevokeSession(number(g*200+i), login, login.Add(day)), login)
				r.Add(RevokeUser(string(rune('a'+g)), login), login)
				if !r.Has(sessionOf(g*200+i), "") || !r.Has(sessionOf(9999), string(rune('a'+g))) {
					t.Error("not revoked")
				}
			}
		})
	}
	wg.Wait()
}

func TestRevocationsTravel(t *testing.T) {
	for _, want := range []Revocation{
		RevokeSession(number(7), login, login.Add(day)), RevokeUser("somebody", login), RevokeOpenID("oSomebody", login), RevokeAll(login),
	} {
		text, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got Revocation
		if err := got.UnmarshalBinary(text); err != nil || got.subject != want.subject || got.of != want.of || got.At.Unix() != want.At.Unix() || got.End.Unix() != want.End.Unix() {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if strings.Contains(string(text), "omebody") {
			t.Errorf("%q tells who it is", text)
		}
	}
}

func TestIDsAsText(t *testing.T) {
	id := number(77)
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", "x", id.String()[1:], id.String() + "0", strings.Repeat("g", 32), strings.Repeat("é", 16)} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzRevocation(f *testing.F) {
	for _, r := range []Revocation{RevokeAll(login), RevokeSession(number(1), login, login.Add(day))} {
		text, _ := r.MarshalBinary()
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Revocation
		if r.UnmarshalBinary(text) == nil {
			if _, err := r.MarshalBinary(); err != nil {
				t.Error(err)
			}
			new(Revoked).Add(r, login)
		}
	})
}

func BenchmarkRevoked(b *testing.B) {
	var r Revoked
	for i := range 10_000 {
		r.Add(RevokeSession(number(i), login, login.Add(day)), login)
	}
	r.Add(RevokeUser("x", login), login)
	s := sessionOf(20_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r.Has(s, "somebody") {
				b.Error("revoked")
			}
		}
	})
}

func TestWhatComesNextIsAfterWhatWasRevoked(t *testing.T) {
	for name, tt := range map[string]struct {
		revoked []Revocation
		want    time.Time
	}{
		"nothing":                  {nil, login},
		"the person, a second ago": {[]Revocation{RevokeUser("somebody", login.Add(-time.Second))}, login},
		"the person, now":          {[]Revocation{RevokeUser("somebody", login)}, login.Add(time.Second)},
		"somebody else, now":       {[]Revocation{RevokeUser("another", login)}, login},
		"all, now":                 {[]Revocation{RevokeAll(login)}, login.Add(time.Second)},
		"the openid, by another's clock": {
			[]Revocation{RevokeOpenID("oSomebody", login.Add(30*time.Second)), RevokeUser("somebody", login)},
			login.Add(31 * time.Second),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r Revoked
			for _, revocation := range tt.revoked {
				r.Add(revocation, login)
			}
			got := r.Next("somebody", "oSomebody", login)
			if got.Unix() != tt.want.Unix() {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			s := sessionOf(1)
			s.Created = got
			if r.Has(s, "somebody") {
				t.Error("a session that begins then is over")
			}
			r.Add(RevokeAll(r.Now(login)), login)
			if !r.Has(s, "somebody") {
				t.Error("what is revoked now does not end it")
			}
		})
	}
}
