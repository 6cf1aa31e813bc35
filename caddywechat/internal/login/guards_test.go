package login

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestSlotOf_TakesItsOwnNamesOnly(t *testing.T) {
	for name, want := range map[string]int{
		"wechat_login_0": 0, "wechat_login_7": 7, "wechat_login_8": -1, "wechat_login_/": -1, "wechat_login_": -1,
		"wechat_login_10": -1, "5": -1, "": -1, "login_5": -1,
	} {
		slot, ok := slotOf(name)
		if !ok {
			slot = -1
		}
		if slot != want {
			t.Errorf("%q has slot %d, want %d", name, slot, want)
		}
	}
}

func TestReadAttempts_StraysAreThoseOfHTTPOnHTTPS(t *testing.T) {
	plain := visitor.Cookie{Name: "wechat_login_0", Value: "x"}
	host := visitor.Cookie{Name: "__Host-wechat_login_0", Value: "x"}
	s := newSealer(t)
	secure := ReadAttempts([]visitor.Cookie{plain, plain, host}, s, scope, true, now)
	if !slices.Equal(secure.strays, []string{plain.Name}) || secure.straysSize != 2*sizeOf(plain.Name, "x") {
		t.Errorf("on https: %v of %d bytes", secure.strays, secure.straysSize)
	}
	// On http nobody can remove what only https may set.
	if as := ReadAttempts([]visitor.Cookie{host}, s, scope, false, now); as.strays != nil || as.straysSize == 0 {
		t.Errorf("on http: %v of %d bytes", as.strays, as.straysSize)
	}
}

func TestAttempts_WhatStandsInForOneTakesNoOthersPlace(t *testing.T) {
	zero := 0
	var full Attempts
	for i := range maxAttempts {
		full.slot[i], full.size[i] = begun("s", time.Minute), 10
	}
	if leaving := full.leaving(10, &zero); leaving != nil {
		t.Errorf("%v leave where there is room", leaving)
	}
	var large Attempts
	large.slot[0], large.size[0] = begun("a", 2*time.Minute), 2000 // the oldest
	large.slot[1], large.size[1] = begun("b", time.Minute), 2000
	if leaving := large.leaving(2500, &zero); !slices.Equal(leaving, []int{1}) {
		t.Errorf("%v leave", leaving)
	}
}

func TestRecent_AClockSetBackKeepsNoResultForEver(t *testing.T) {
	var r Recent
	calls := 0
	r.Do(t.Context(), "first", now, counted(&calls))
	r.Do(t.Context(), "second", now.Add(-50*time.Second), counted(&calls))
	r.Do(t.Context(), "second", now.Add(15*time.Second), counted(&calls))
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

func TestRestarts_KeepAsManyAsCount(t *testing.T) {
	many := Restarts{now, now, now, now, now}
	if got := many.Add(now); len(got) != MaxRestarts {
		t.Errorf("%d are kept", len(got))
	}
	if got := RestartsCookie("x", true).Name; got != "__Host-wechat_rounds" {
		t.Errorf("on https they are in %s", got)
	}
	if got := RestartsCookie("x", false).Name; got != "wechat_rounds" {
		t.Errorf("on http they are in %s", got)
	}
}

func TestRestarts_OfAnotherVersionAreNone(t *testing.T) {
	payload, err := Restarts{now}.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got Restarts
	if err := got.UnmarshalBinary(payload); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	other := slices.Clone(payload)
	other[0]++
	for _, payload := range [][]byte{nil, payload[:len(payload)-1], append(slices.Clone(payload), 0), other} {
		if err := got.UnmarshalBinary(payload); err == nil {
			t.Errorf("%x is read as %v", payload, got)
		}
	}
	none, err := Restarts(nil).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := got.UnmarshalBinary(none); err != nil || len(got) != 0 {
		t.Errorf("no restarts became %v, %v", got, err)
	}
}

func TestStateKey_RestartsOfWhatIsNoState(t *testing.T) {
	state := stateKey.NewState(Restarts{now})
	for _, text := range []string{
		"", "x", state[:len(state)-1] + "x", state[:len(state)-2], hex.EncodeToString([]byte(state)),
	} {
		if got := stateKey.Restarts(text); got != nil {
			t.Errorf("%s tells of %v", text, got)
		}
	}
}

func TestUnreturned_AQuietHostIsKeptWhileThereIsRoom(t *testing.T) {
	var u unreturned
	at, tell := loginsAt{"wx", "a.example"}, false
	when := now
	for range maxUnreturned - 1 {
		u.add(at, when)
		when = when.Add(4 * time.Second)
	}
	when = when.Add(2 * forgetAfter)
	u.add(loginsAt{"wx", "b.example"}, when)
	if _, tell = u.add(at, when); !tell {
		t.Error("it is forgotten")
	}
}

func TestExchange_GivesNoSessionWithAnError(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	f := NewFlow(Config{Site: p.Site, Accounts: p.Accounts, Sessions: p.Sessions, Grants: p.Grants})
	long := sitetest.Named("o-emma", identity.Departments, strings.Repeat("1,", 1000))
	p.Account.Exchanges = func(string, bool) (account.Grant, error) { return account.Grant{Identity: long}, nil }
	c := &callback{Request: p.Browser().Request("GET", "/"), account: p.Account}
	if r := f.exchange(t.Context(), c, "x"); !errors.Is(r.Err, session.ErrTooLong) || r.Session.ID != (session.ID{}) {
		t.Errorf("got %+v", r)
	}
}
