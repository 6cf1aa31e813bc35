package profile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/profile"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// failed is the message of a job that failed.
const failed = "a profile could not be renewed: it stays"

// old returns a world with Emma's session, whose profile is to be refreshed.
func old(t *testing.T) (*world, *session.Session) {
	t.Helper()
	w := newWorld(t, sitetest.Options{})
	s := w.emma(t)
	w.Clock.Pass(maxAge)
	return w, s
}

// another returns another instance of a site.
func (w *world) another(t *testing.T) *world {
	t.Helper()
	return newWorld(t, sitetest.Options{Other: w.Parts, Accounts: []account.Account{w.account()}})
}

// token returns the refresh token that is kept for Emma.
func (w *world) token(t *testing.T) string {
	t.Helper()
	token, err := w.Parts.Grants.RefreshToken(t.Context(), w.account(), "oEmma")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (w *world) brings(id identity.Identity, token string, err error) {
	w.Account.Refreshes = func(string) (account.Grant, error) {
		return account.Grant{Identity: id, RefreshToken: token}, err
	}
}

func TestJob_RestsAfterAFailure(t *testing.T) {
	w, s := old(t)
	w.brings(nil, "", weixin.ErrTimeout)
	w.wantUnchanged(t, s)
	w.Clock.Pass(time.Minute - 1)
	w.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls within a minute", n)
	}
	w.Clock.Pass(time.Second)
	w.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 2 {
		t.Errorf("%d calls after a minute", n)
	}
	if w.Parts.Revoked.Ends(s) || w.token(t) == "" {
		t.Error("a failure ends the session, or forgets the token")
	}
}

func TestJob_TellsOfFailuresOnceASecondWithTheRequest(t *testing.T) {
	w, s := old(t)
	w.brings(nil, "", &weixin.Error{Code: 40164, Message: "invalid ip"})
	b := w.Browser()
	b.Server.ID = "request-7"
	w.Refresh(b.Request("GET", "/"), s)
	w.Idle()
	line := w.WantLines(failed, 1)[0]
	for name, want := range map[string]string{"account": "official", "app_id": "wxa", "request_id": "request-7"} {
		if line[name] != want {
			t.Errorf("%s is %v, want %s", name, line[name], want)
		}
	}
	if line["cure"] == nil || line["error"] == nil {
		t.Errorf("the line says neither why nor what to do: %v", line)
	}
	other := *s
	other.Identity = s.Identity.With(identity.OpenID, "oLi").With(identity.ID, "oLi")
	if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.account(), "oLi", "refresh-1"); err != nil {
		t.Fatal(err)
	}
	w.wantUnchanged(t, &other)
	w.WantLines(failed, 1) // at the same moment
	w.Clock.Pass(2 * time.Minute)
	w.wantUnchanged(t, s)
	w.WantLines(failed, 2)
}

func TestJob_WithoutATokenRestsAndSaysNothing(t *testing.T) {
	w, s := old(t)
	if err := w.Parts.Grants.Forget(t.Context(), "oEmma"); err != nil {
		t.Fatal(err)
	}
	w.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 0 {
		t.Errorf("%d calls", n)
	}
	w.WantLines("a profile", 0)
	if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.account(), "oEmma", "refresh-2"); err != nil {
		t.Fatal(err)
	}
	w.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 0 {
		t.Errorf("%d calls: it does not rest", n)
	}
	w.Clock.Pass(time.Minute)
	w.navigate(s)
	w.wantRefreshed(t, s, "Emma today") // nobody holds a lease
}

func TestJob_TakesOverWhatAnotherInstanceBrought(t *testing.T) {
	w, s := old(t)
	other := w.another(t)
	w.navigate(s)
	other.wantUnchanged(t, s)
	other.wantRefreshed(t, s, "Emma today")
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestJob_AnOlderResultOfAnotherInstanceIsNone(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	other := w.another(t)
	// This instance has a configuration by which results last longer.
	w.Refresher = profile.NewRefresher(w.config(24 * time.Hour))
	s := w.emma(t)
	w.Clock.Pass(24 * time.Hour)
	w.navigate(s)
	later := w.emma(t) // a login as new as the result
	w.Clock.Pass(maxAge)
	other.wantUnchanged(t, later)
	if n := w.Account.Calls("RefreshProfile"); n != 2 {
		t.Errorf("%d calls", n)
	}
	refreshed := other.wantRefreshed(t, later, "Emma today")
	if want := w.Clock.Now().Truncate(time.Second); !refreshed.Renewed.Equal(want) {
		t.Errorf("renewed at %s, want %s", refreshed.Renewed, want)
	}
}

func TestJob_WhatIsNoProfileInTheStoreIsNone(t *testing.T) {
	w, s := old(t)
	key := w.Parts.Grants.ProfileKey(w.account(), "oEmma")
	if err := w.Parts.Vault.Put(t.Context(), key, []byte("of another version"), time.Hour); err != nil {
		t.Fatal(err)
	}
	w.navigate(s)
	w.wantRefreshed(t, s, "Emma today")
}

func TestJob_LeavesItToAnotherInstanceThatIsAtIt(t *testing.T) {
	w, s := old(t)
	other := w.another(t)
	begun, answer := make(chan struct{}), make(chan struct{})
	refreshes := w.Account.Refreshes
	w.Account.Refreshes = func(token string) (account.Grant, error) {
		close(begun)
		<-answer
		return refreshes(token)
	}
	w.Refresh(w.Browser().Request("GET", "/"), s)
	<-begun
	other.wantUnchanged(t, s)
	other.WantLines("a profile", 0)
	close(answer)
	w.Idle()
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls", n)
	}
	other.wantUnchanged(t, s) // it rests
	other.Clock.Pass(time.Minute)
	other.wantUnchanged(t, s)
	other.wantRefreshed(t, s, "Emma today")
}

func TestJob_AFailureRestsAllInstances(t *testing.T) {
	w, s := old(t)
	w.brings(nil, "", weixin.ErrTimeout)
	w.navigate(s)
	other := w.another(t)
	other.wantUnchanged(t, s)
	if n := w.Account.Calls("RefreshProfile"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestJob_ASuccessLeavesNoLease(t *testing.T) {
	w, s := old(t)
	w.navigate(s)
	refreshed := w.wantRefreshed(t, s, "Emma today")
	other := w.another(t)
	// At the same moment, for a session of another login that is old by its own account.
	stale := *refreshed
	stale.Renewed = time.Time{}
	if err := w.Parts.Vault.Delete(t.Context(), w.Parts.Grants.ProfileKey(w.account(), "oEmma")); err != nil {
		t.Fatal(err)
	}
	other.wantUnchanged(t, &stale)
	if n := w.Account.Calls("RefreshProfile"); n != 2 {
		t.Errorf("%d calls: the lease is still there", n)
	}
}

func TestJob_ConsentThatEndedEndsTheSessions(t *testing.T) {
	w, s := old(t)
	w.brings(nil, "", errors.Join(account.ErrConsentEnded, &weixin.Error{Code: 42002}))
	w.wantUnchanged(t, s)
	if !w.Parts.Revoked.Ends(s) {
		t.Error("the session goes on")
	}
	if token := w.token(t); token != "" {
		t.Errorf("the token %s is kept", token)
	}
	line := w.WantLines("withdrew the consent", 1)[0]
	if line["user_id"] != "oEmma" || line["request_id"] != "request-1" {
		t.Errorf("got %v", line)
	}
	w.WantLines(failed, 0)
	fresh := w.emma(t)
	if w.Parts.Revoked.Ends(fresh) {
		t.Error("the next login ends as well")
	}
}

func TestJob_AnotherLoginsTokenOutlivesTheOldOnesConsent(t *testing.T) {
	w, s := old(t)
	w.Account.Refreshes = func(string) (account.Grant, error) {
		// Meanwhile the person logs in on another device.
		if err := w.Parts.Grants.PutRefreshToken(t.Context(), w.account(), "oEmma", "refresh-2"); err != nil {
			t.Error(err)
		}
		return account.Grant{}, account.ErrConsentEnded
	}
	w.wantUnchanged(t, s)
	if w.Parts.Revoked.Ends(s) || w.token(t) != "refresh-2" {
		t.Errorf("the session ends, or the token is gone: %q", w.token(t))
	}
	w.WantLines("a profile", 0)
}

func TestJob_WhoseConsentEndedIsNotGuessed(t *testing.T) {
	w, s := old(t)
	w.Account.Refreshes = func(string) (account.Grant, error) {
		w.Store.Fail("Get")
		return account.Grant{}, account.ErrConsentEnded
	}
	w.wantUnchanged(t, s)
	w.Store.Before(nil)
	if w.Parts.Revoked.Ends(s) || w.token(t) != "refresh-1" {
		t.Error("without the store's word the session ends")
	}
}

func TestJob_TheProfileOfSomebodyElseIsNone(t *testing.T) {
	w, s := old(t)
	w.brings(sitetest.Named("oLi", identity.Nickname, "Li"), "refresh-2", nil)
	w.wantUnchanged(t, s)
	w.wantUnchanged(t, s)
	line := w.WantLines(failed, 1)[0]
	if text, _ := line["error"].(string); !strings.Contains(text, "somebody else") {
		t.Errorf("got %v", line)
	}
	if text, err := w.Parts.Vault.Get(t.Context(), w.Parts.Grants.ProfileKey(w.account(), "oEmma")); err != nil ||
		text != nil {
		t.Errorf("it is kept for others: %s, %v", text, err)
	}
	if token := w.token(t); token != "refresh-1" {
		t.Errorf("the token became %s", token)
	}
}

func TestJob_KeepsTheTokenForTheNextTime(t *testing.T) {
	for brought, want := range map[string]string{"refresh-2": "refresh-2", "": "refresh-1", "refresh-1": "refresh-1"} {
		w, s := old(t)
		w.brings(sitetest.Named("oEmma", identity.Nickname, "Emma today"), brought, nil)
		puts := 0
		w.Store.Before(func(method, _ string) error {
			if method == "Put" {
				puts++
			}
			return nil
		})
		w.navigate(s)
		w.Store.Before(nil)
		w.wantRefreshed(t, s, "Emma today")
		if got := w.token(t); got != want {
			t.Errorf("brought %q: the token is %q, want %q", brought, got, want)
		}
		if brought == "refresh-1" && puts != 1 {
			t.Errorf("%d entries are written: the same token is, again", puts)
		}
	}
}

func TestJob_OfWhomIsRevokedMeanwhileForgets(t *testing.T) {
	w, s := old(t)
	w.Account.Refreshes = func(string) (account.Grant, error) {
		if err := w.Parts.Revoked.EndSessions(t.Context(), s); err != nil {
			t.Error(err)
		}
		id := sitetest.Named("oEmma", identity.Nickname, "Emma today")
		return account.Grant{Identity: id, RefreshToken: "refresh-2"}, nil
	}
	w.wantUnchanged(t, s)
	w.wantUnchanged(t, s)
	if token := w.token(t); token != "" {
		t.Errorf("the token %s is kept", token)
	}
	if text, err := w.Parts.Vault.Get(t.Context(), w.Parts.Grants.ProfileKey(w.account(), "oEmma")); err != nil ||
		text != nil {
		t.Errorf("the profile is kept: %s, %v", text, err)
	}
	w.WantLines("a profile", 0)
}

func TestJob_AStoreThatFailsIsAFailure(t *testing.T) {
	for name, tt := range map[string]struct {
		fails func(method, area string) bool
		calls int
	}{
		"no result of others can be had": {func(m, area string) bool { return m == "Get" && area == "profile" }, 0},
		"no token can be had":            {func(m, area string) bool { return m == "Get" && area == "renewal" }, 0},
		"no lease can be had": {func(m, area string) bool {
			return m == "PutIfAbsent" &&
				area == "renewing"
		}, 0},
		"the profile cannot be kept":     {func(m, area string) bool { return m == "Put" && area == "profile" }, 1},
		"the token cannot be kept":       {func(m, area string) bool { return m == "Put" && area == "renewal" }, 1},
		"the lease cannot be given back": {func(m, area string) bool { return m == "Delete" && area == "renewing" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := old(t)
			w.brings(sitetest.Named("oEmma", identity.Nickname, "Emma today"), "refresh-2", nil)
			w.Store.Before(func(method, key string) error {
				area, _, _ := strings.Cut(key, "/")
				if tt.fails(method, area) {
					return store.ErrStore
				}
				return nil
			})
			w.wantUnchanged(t, s)
			w.wantUnchanged(t, s)
			w.WantLines(failed, 1)
			if n := w.Account.Calls("RefreshProfile"); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

// A reload that gives the site another store ends the work: that is nothing to log.
func TestRefresh_EndsSilentlyWithTheWork(t *testing.T) {
	w, s := old(t)
	w.Account.Refreshes = func(string) (account.Grant, error) { return account.Grant{}, context.Canceled }
	w.wantUnchanged(t, s)
	w.WantLines(failed, 0)
}
