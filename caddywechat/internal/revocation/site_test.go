package revocation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func end(t *testing.T, s *Site, sessions ...*session.Session) {
	t.Helper()
	if err := s.EndSessions(t.Context(), sessions...); err != nil {
		t.Fatal(err)
	}
}

func TestSite_ALogoutIsHeardElsewhere(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere, stranger := w.instance(t), w.instance(t), w.instance(t)
	a, b, c := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyTwo, keyOne), stranger.site(t, nil, keyTwo)
	gone, stays := a.begin("o1"), a.begin("o1")
	end(t, a, gone)
	a.wantEnds(t, true, gone)
	b.wantEnds(t, false, gone, stays)
	for range 2 {
		for _, i := range []*instance{here, elsewhere, stranger} {
			i.exchange(t)
		}
		a.wantEnds(t, true, gone)
		b.wantEnds(t, true, gone)
		a.wantEnds(t, false, stays)
		b.wantEnds(t, false, stays)
	}
	c.wantEnds(t, false, gone) // a site with another key knows nobody's session ids
	if here.log.Len()+elsewhere.log.Len() != 0 || stranger.said("other session keys") != 1 || stranger.log.Len() != 1 {
		t.Errorf("%d and %d lines, and %d at a stranger's", here.log.Len(), elsewhere.log.Len(), stranger.log.Len())
	}
	if n := elsewhere.asked("Put"); n != 0 {
		t.Errorf("%d probes of a store that works", n)
	}
}

func TestSite_ALogoutEndsOnlyItsOwnSessions(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	others := s.begin("o1")
	others.Account = "wxb"
	over := s.begin("o1")
	over.Expires = w.now()
	end(t, s, others, over)
	s.wantEnds(t, false, others)
	if n := i.asked("Append"); n != 0 {
		t.Errorf("%d records of nothing", n)
	}
}

func TestSite_WithoutAKeyNobodyIsLoggedOut(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil)
	one := s.begin("o1")
	i.fail("Get")
	if err := s.EndSessions(t.Context(), one); !errors.Is(err, store.ErrStore) {
		t.Error(err)
	}
}

func TestSite_EndPersonEndsThemAtAllSitesOfTheProcess(t *testing.T) {
	w, now := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	two := here.site(t, nil, keyTwo)
	one := here.site(t, nil, keyOne)
	far := elsewhere.site(t, nil, keyTwo)
	mine, others := one.begin("o1"), one.begin("o2")
	if err := one.EndPerson(t.Context(), "uo1"); err != nil {
		t.Fatal(err)
	}
	elsewhere.exchange(t)
	for _, s := range []*Site{one, two, far} {
		s.wantEnds(t, true, mine)
		s.wantEnds(t, false, others)
	}
	again := one.begin("o1")
	*now = now.Add(time.Hour)
	for _, s := range []*Site{one, two, far} {
		s.wantEnds(t, false, again, s.begin("o1"))
	}
	stranger := one.begin("o1")
	if stranger.Survives.IsZero() {
		t.Error("a session does not say which revocation it survives")
	}
	stranger.Account, stranger.Survives = "wxb", time.Time{}
	one.wantEnds(t, false, stranger) // no account of the site's vouches
	if !one.Survives("wxb", of("o1", "uo1"), *now).IsZero() {
		t.Error("whom no account vouches for survives something")
	}
}

// A site whose made key is only in the store yet has to hear as well.
func TestSite_EndPersonIsForMadeKeysToo(t *testing.T) {
	for name, lacks := range map[string]bool{"made elsewhere": true, "made here": false} {
		w, _ := newWorld()
		here, elsewhere := w.instance(t), w.instance(t)
		far := elsewhere.site(t, nil)
		if _, err := far.Keyring.Keyset(t.Context()); err != nil { // which makes the key
			t.Fatal(err)
		}
		made := here.site(t, nil)
		if !lacks {
			if _, err := made.Keyring.Keyset(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s := here.site(t, func(c *Config) { c.Keyring.KeepsKey = false }, keyOne)
		if _, err := s.Keyring.Known(t.Context()); err != nil {
			t.Fatal(err)
		}
		one := s.begin("o1")
		if err := s.EndPerson(t.Context(), "uo1"); err != nil {
			t.Fatal(err)
		}
		elsewhere.exchange(t)
		far.wantEnds(t, true, one)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestSite_NoKeyIsMadeOfNothing(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil) // whose key nobody made yet
	if secrets, err := i.secrets(t.Context()); len(secrets) != 0 || err != nil {
		t.Errorf("%q, %v", secrets, err)
	}
	one := s.begin("o1")
	empty := Records(keysOf(t, ""), operatorJournal, OfAll(w.now(), w.now().Add(day)))
	if err := i.store.Append(t.Context(), operatorJournal, empty[0], day); err != nil {
		t.Fatal(err)
	}
	i.exchange(t)
	s.wantEnds(t, false, one)
}

func TestSite_ThePersonWhoLogsOutFiftyTimesIsLoggedOutEverywhere(t *testing.T) {
	for name, atOnce := range map[string]bool{"one by one": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			w, now := newWorld()
			here, elsewhere := w.instance(t), w.instance(t)
			long := here.site(t, func(c *Config) { c.Lifetime = 30 * day }, keyTwo)
			s := here.site(t, nil, keyOne)
			far := elsewhere.site(t, nil, keyTwo)
			var all []*session.Session
			for range manyEntries - 1 {
				all = append(all, s.begin("o1"))
			}
			last, phone, others := s.begin("o1"), long.begin("o1"), long.begin("o2")
			if atOnce {
				end(t, s, all...)
				all = nil
			}
			for _, one := range all {
				end(t, s, one)
			}
			s.wantEnds(t, false, phone)
			end(t, s, last)
			*now = now.Add(20 * day)
			elsewhere.exchange(t)
			for _, site := range []*Site{s, long, far} {
				site.wantEnds(t, true, phone, last)
				site.wantEnds(t, false, others)
			}
		})
	}
}

func TestSite_EndOthersEndsAllButTheOneInItsPlace(t *testing.T) {
	w, now := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	a, b := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	one, phone, others := a.begin("o1"), b.begin("o1"), b.begin("o2")
	live := func() bool { return !a.Ends(one) }
	*now = now.Add(time.Minute)
	fresh, stored, wait := a.EndOthers(t.Context(), one, live)
	if !stored || wait != 0 || fresh.ID == one.ID {
		t.Errorf("got %+v, stored %v, wait %s", fresh, stored, wait)
	}
	if !fresh.Created.Equal(one.Created) || !fresh.Expires.Equal(one.Expires) {
		t.Errorf("from %s to %s", fresh.Created, fresh.Expires)
	}
	elsewhere.exchange(t)
	for _, s := range []*Site{a, b} {
		s.wantEnds(t, true, one, phone)
		s.wantEnds(t, false, &fresh, others)
	}
	// Another request with the same session comes late, and so do other instances.
	if _, stored, wait := a.EndOthers(t.Context(), one, live); stored || wait != time.Second {
		t.Errorf("in place of one that is over: stored %v, wait %s", stored, wait)
	}
	a.wantEnds(t, false, &fresh)
}

func TestSite_EndOthersWaitsUntilAllHaveHeard(t *testing.T) {
	w, now := newWorld()
	s := w.instance(t).site(t, nil, keyOne)
	live := func() bool { return true }
	if err := s.EndPerson(t.Context(), "uo1"); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(2 * time.Second)
	one := s.begin("o1")
	_, stored, wait := s.EndOthers(t.Context(), one, live)
	if stored || wait <= 0 {
		t.Fatalf("stored %v, wait %s", stored, wait)
	}
	s.wantEnds(t, false, one)
	*now = now.Add(wait)
	if fresh, stored, wait := s.EndOthers(t.Context(), one, live); !stored || wait != 0 || s.Ends(&fresh) {
		t.Errorf("after the wait: stored %v, wait %s, over %v", stored, wait, s.Ends(&fresh))
	}
	stranger := s.begin("o1")
	stranger.Account = "wxb"
	if _, stored, wait := s.EndOthers(t.Context(), stranger, live); stored || wait != time.Second {
		t.Errorf("a stranger's: stored %v, wait %s", stored, wait)
	}
}

func TestSite_EndOthersGoesOnWhereTheStoreFails(t *testing.T) {
	w, now := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	one := s.begin("o1")
	*now = now.Add(time.Minute)
	i.fail("Append")
	fresh, stored, wait := s.EndOthers(t.Context(), one, func() bool { return true })
	if stored || wait != 0 || !s.Ends(one) || s.Ends(&fresh) {
		t.Errorf("stored %v, wait %s", stored, wait)
	}
}

// WeChat gives several people whom it makes up for snapshot pages the same unionid.
func TestSite_PeopleOfASnapshotPageAreNotRevokedTogether(t *testing.T) {
	w, now := newWorld()
	s := w.instance(t).site(t, func(c *Config) {
		var err error
		if c.Accounts, err = account.NewSet(account.ByUnionID, wxa); err != nil {
			t.Fatal(err)
		}
	}, keyOne)
	known := func(openID, snapshot string) *session.Session {
		one := session.New(of(openID, "u").With(identity.Snapshot, snapshot), *now, time.Hour)
		return &one
	}
	one, two, real := known("o1", "1"), known("o2", "1"), known("o3", "")
	*now = now.Add(time.Minute)
	live := func() bool { return true }
	if _, stored, wait := s.EndOthers(t.Context(), one, live); !stored || wait != 0 {
		t.Fatalf("stored %v, wait %s", stored, wait)
	}
	s.wantEnds(t, true, one)
	s.wantEnds(t, false, two, real)
	if _, stored, wait := s.EndOthers(t.Context(), real, live); !stored || wait != 0 {
		t.Fatalf("stored %v, wait %s", stored, wait)
	}
	s.wantEnds(t, true, real)
	s.wantEnds(t, false, two)
}

// Who is revoked costs nobody else an allocation.
func TestSite_EndsAllocatesNothingWherePeopleAreRevoked(t *testing.T) {
	w, _ := newWorld()
	s := w.instance(t).site(t, nil, keyOne)
	if err := s.EndPerson(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	one := s.begin("oABC-def_0123456789abcdefghi")
	if n := testing.AllocsPerRun(100, func() {
		if s.Ends(one) {
			t.Error("over")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSite_EndsAsksForNobodyWhereNobodyIsRevoked(t *testing.T) {
	w, _ := newWorld()
	s := w.instance(t).site(t, nil, keyOne)
	one := s.begin("o1")
	for _, isSomebody := range []bool{false, true} {
		if isSomebody {
			if err := s.EndPerson(t.Context(), "another"); err != nil {
				t.Fatal(err)
			}
		}
		before := wxa.asked.Load()
		s.wantEnds(t, false, one)
		if got := wxa.asked.Load() > before; got != isSomebody {
			t.Errorf("somebody is revoked: %v, asked %v", isSomebody, got)
		}
	}
}

func TestSite_SaysThatAListIsFull(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	for n := range maxRevoked / parts {
		i.list.Apply(OfSession(number(n*parts), nobody, w.now(), w.now().Add(day)), w.now())
	}
	one := s.begin("o1")
	one.ID = number(maxRevoked * parts)
	end(t, s, one)
	s.wantEnds(t, true, one)
	if i.said("more sessions are revoked than") != 1 {
		t.Error("not said")
	}
}

func TestSync_WithoutStoreSaysWhatALackOfKeysMeans(t *testing.T) {
	w, _ := newWorld()
	for name, tt := range map[string]struct {
		keys []string // of each site, "" for a made one
		want bool     // whether a key is lacking
	}{
		"none": {}, "configured": {[]string{keyOne}, false}, "made": {[]string{""}, true},
		"made last": {[]string{keyOne, ""}, true}, "made first": {[]string{"", keyOne}, true},
	} {
		i := w.instance(t)
		for _, key := range tt.keys {
			if key == "" {
				i.site(t, nil)
			} else {
				i.site(t, nil, key)
			}
		}
		if got := strings.Contains(i.WithoutStore(), "session key"); got != tt.want {
			t.Errorf("%s: %s", name, i.WithoutStore())
		}
	}
}

func TestSync_AMadeKeyThatMayBeReplacedIsAskedForBefore(t *testing.T) {
	w, _ := newWorld()
	here, elsewhere := w.instance(t), w.instance(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := here.site(t, nil).Keyring.Keyset(ctx); err != nil {
		t.Fatal(err)
	}
	here.Leave(here.Sites()[0])
	s, far := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
	here.fail("Get session_key_replaced")
	one := s.begin("o1")
	if err := s.EndPerson(ctx, "uo1"); !errors.Is(err, store.ErrStore) {
		t.Errorf("nobody says that the keys are not known: %v", err)
	}
	here.fail()
	here.exchange(t)
	elsewhere.exchange(t)
	far.wantEnds(t, true, one)
}
