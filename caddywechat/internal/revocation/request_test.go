package revocation

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestRequest_NamesExactlyOne(t *testing.T) {
	id := session.NewID().String()
	for _, tt := range []struct {
		request Request
		ok      bool
		text    string
	}{
		{Request{User: "uA"}, true, `the sessions of user "uA"`},
		{Request{OpenID: "oA"}, true, `the sessions of openid "oA"`},
		{Request{Session: id}, true, "session " + id},
		{Request{All: true}, true, "everybody's sessions"},
		{Request{}, false, ""},
		{Request{User: "uA", OpenID: "oA"}, false, ""},
		{Request{Session: id, All: true}, false, ""},
		{Request{Session: "uA"}, false, ""},
	} {
		if err := tt.request.Check(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.request, err)
		}
		if got := tt.request.String(); tt.ok && got != tt.text {
			t.Errorf("got %s, want %s", got, tt.text)
		}
	}
}

func TestSync_RevokesWhatARequestNames(t *testing.T) {
	w, now := newWorld()
	for name, tt := range map[string]struct {
		request func(gone *session.Session) Request
		others  bool // whether they end as well
		again   bool // whether the person's other session ends
	}{
		"user":          {func(*session.Session) Request { return Request{User: "uo1"} }, false, true},
		"qualified":     {func(*session.Session) Request { return Request{User: "wxa:o1"} }, false, true},
		"in upper case": {func(*session.Session) Request { return Request{User: "UO1"} }, false, true},
		"openid":        {func(*session.Session) Request { return Request{OpenID: "o1"} }, false, true},
		"session":       {func(s *session.Session) Request { return Request{Session: s.ID.String()} }, false, false},
		"all":           {func(*session.Session) Request { return Request{All: true} }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			*now = now.Add(3 * day) // beyond what was revoked before
			here, elsewhere := w.instance(t), w.instance(t)
			a, b := here.site(t, nil, keyOne), elsewhere.site(t, nil, keyOne)
			gone, again, others := a.begin("o1"), a.begin("o1"), a.begin("o2")
			a.seen = func() iter.Seq[*session.Session] {
				return slices.Values([]*session.Session{gone, again, others, gone})
			}
			want := 1
			for _, is := range []bool{tt.again, tt.others} {
				if is {
					want++
				}
			}
			if seen, err := here.Revoke(t.Context(), tt.request(gone)); err != nil || seen != want {
				t.Errorf("seen %d, %v, want %d", seen, err, want)
			}
			elsewhere.exchange(t)
			for _, s := range []*Site{a, b} {
				s.wantEnds(t, true, gone)
				s.wantEnds(t, tt.again, again)
				s.wantEnds(t, tt.others, others)
			}
			*now = now.Add(time.Minute)
			a.wantEnds(t, false, a.begin("o1"), a.begin("o2"))
		})
	}
}

func TestSync_RevokeForgetsWhatIsKeptOfThePerson(t *testing.T) {
	for name, request := range map[string]Request{
		"user": {User: "o1"}, "openid": {OpenID: "o1"}, "session": {Session: session.NewID().String()},
		"all": {All: true},
	} {
		w, _ := newWorld()
		i := w.instance(t)
		s := i.site(t, nil, keyOne)
		for _, openID := range []string{"o1", "o2"} {
			s.Grants.Keep(t.Context(), wxa, of(openID, ""), account.Grant{RefreshToken: "token"})
		}
		if _, err := i.Revoke(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		forgets := name == "user" || name == "openid"
		for openID, want := range map[string]bool{"o1": !forgets, "o2": true} {
			if token, err := s.Grants.RefreshToken(t.Context(), wxa, openID); err != nil || (token != "") != want {
				t.Errorf("%s: the token of %s is %q, %v", name, openID, token, err)
			}
		}
	}
}

func TestSync_RevokeSaysWhatTheStoreDidNotTake(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	s := i.site(t, nil, keyOne)
	one := s.begin("o1")
	i.fail("Append")
	_, err := i.Revoke(t.Context(), Request{OpenID: "o1"})
	if !errors.Is(err, ErrNotStored) || !errors.Is(err, store.ErrStore) {
		t.Error(err)
	}
	s.wantEnds(t, true, one)
	i.fail("Delete")
	_, err = i.Revoke(t.Context(), Request{OpenID: "o1"})
	if errors.Is(err, ErrNotStored) || !errors.Is(err, store.ErrStore) {
		t.Errorf("what could not be forgotten: %v", err)
	}
}

func TestSync_RevokesNothingWhereNobodyUsesTheStore(t *testing.T) {
	w, _ := newWorld()
	i := w.instance(t)
	if seen, err := i.Revoke(t.Context(), Request{All: true}); seen != 0 || err != nil {
		t.Errorf("%d, %v", seen, err)
	}
}

func TestRequest_NamesNobodyElse(t *testing.T) {
	// Somebody's user id may be another person's openid, where an operator has both.
	if got := (Request{OpenID: "oA"}).subjects(); !slices.Equal(got, []Subject{OpenIDSubject("oA")}) {
		t.Errorf("got %x", got)
	}
	if got := (Request{User: "a"}).subjects(); !slices.Equal(got, []Subject{UserSubject("a")}) {
		t.Errorf("got %x", got)
	}
	if got := (Request{Session: "a"}).subjects(); len(got) != 0 {
		t.Errorf("got %x", got)
	}
}
