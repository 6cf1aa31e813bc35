package login_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/event"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// brings lets the account bring an identity, whatever is asked for.
func (w *world) brings(id identity.Identity) {
	w.Account.Exchanges = func(string, bool) (account.Grant, error) { return account.Grant{Identity: id}, nil }
}

func TestIssue_OnlyToMembers(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Account.Lets = func(id identity.Identity) bool { return id.Get(identity.OpenID) != "o-emma" }
	b := w.Browser()
	b.Open(w.Callback, w.begin(b, "/page", "emma")).Want(t, http.StatusForbidden)
	w.wantEvent(event.NotAMember, "")
	b.Open(w.Callback, w.begin(b, "/page", "li")).WantTo(t, "/page")
}

func TestIssue_ToSnapshotsWhereTheAccountAllowsIt(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.brings(sitetest.Named("o-made-up", identity.Snapshot, "1"))
	b := w.Browser()
	a := b.Open(w.Callback, w.begin(b, "/page", "emma")).Want(t, http.StatusForbidden)
	if strings.Contains(a.Body, "/_wechat/login") {
		t.Error("another try is offered, which brings the same")
	}
	if e := w.wantEvent(event.Snapshot, ""); e.Err != nil {
		t.Errorf("an operator is told: %+v", e)
	}
	w.Account.Snapshot = true
	b.Open(w.Callback, w.begin(b, "/page", "emma")).WantTo(t, "/page")
	if s := b.Session(); s.Expires.Sub(s.Created) != time.Hour {
		t.Errorf("it lives for %s", s.Expires.Sub(s.Created))
	}
	// Who is nobody is not logged in by far: the next callback starts a login, as a person may come back.
	w.Events.Take()
	w.back(b.Open(w.Callback, "/_wechat/callback?to=%2Fpage&code=x&state=unknown"), "emma")
	w.wantEvent(event.Restarted, "")
}

func TestIssue_AsksForConsentWhereTheUnionIDIsMissing(t *testing.T) {
	o := sitetest.Options{UserID: account.ByUnionID}
	t.Run("once", func(t *testing.T) {
		w := newWorld(t, o)
		w.Account.Exchanges = func(_ string, profile bool) (account.Grant, error) {
			id := sitetest.Named("o-emma")
			if profile {
				id = sitetest.Named("o-emma", identity.UnionID, "u-emma", identity.Nickname, "Emma")
			}
			return account.Grant{Identity: id}, nil
		}
		b := w.Browser()
		a := b.Open(w.Callback, w.begin(b, "/page", "silent"))
		if !strings.HasSuffix(a.To(), "&scope=profile") || b.Count("wechat_login_") != 1 {
			t.Fatalf("to %s with %v", a.To(), b.Cookies)
		}
		w.wantEvent(event.Restarted, "consent needed")
		b.Open(w.Callback, w.back(a, "consent")).WantTo(t, "/page")
		// Then it is learned.
		other := w.Browser()
		other.Open(w.Callback, w.begin(other, "/page", "silent")).WantTo(t, "/page")
		if got := other.Session().Identity.Get(identity.UnionID); got != "u-emma" {
			t.Errorf("the unionid is %q", got)
		}
	})
	t.Run("and no more", func(t *testing.T) {
		w := newWorld(t, o)
		w.brings(sitetest.Named("o-emma"))
		b := w.Browser()
		a := b.Open(w.Callback, w.begin(b, "/page", "silent"))
		w.Events.Take()
		a = b.Open(w.Callback, w.back(a, "consent")).Want(t, http.StatusForbidden)
		if e := w.wantEvent(event.UnionIDMissing, ""); e.Cure == "" || !errors.Is(e.Err, problem.ErrNoUnionID) {
			t.Errorf("got %+v", e)
		}
		if strings.Contains(a.Body, "/_wechat/login") {
			t.Error("another try is offered, which brings the same")
		}
	})
	for name, asks := range map[string]func(bool) account.Consent{
		"the account asks in any case": func(bool) account.Consent { return account.Direct },
		"the account never asks": func(profile bool) account.Consent {
			if profile {
				return account.Never
			}
			return account.Silent
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, o)
			w.Account.Asks = asks
			w.brings(sitetest.Named("o-emma"))
			b := w.Browser()
			b.Open(w.Callback, w.begin(b, "/page", "x")).Want(t, http.StatusForbidden)
			w.wantEvent(event.UnionIDMissing, "")
		})
	}
	t.Run("the store does not say", func(t *testing.T) {
		w := newWorld(t, o)
		w.brings(sitetest.Named("o-emma"))
		b := w.Browser()
		callback := w.begin(b, "/page", "x")
		w.Store.Fail("Get")
		b.Open(w.Callback, callback).Want(t, http.StatusServiceUnavailable)
		if e := w.wantEvent(event.Failed, ""); !errors.Is(e.Err, store.ErrStore) {
			t.Errorf("got %+v", e)
		}
	})
}

func TestIssue_RefusesWhatNoCookieHolds(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.brings(sitetest.Named("o-emma", identity.Departments, strings.Repeat("1,", 1000)))
	b := w.Browser()
	a := b.Open(w.Callback, w.begin(b, "/page", "x")).Want(t, http.StatusInternalServerError)
	if strings.Contains(a.Body, "/_wechat/login") {
		t.Error("another try is offered, which brings the same")
	}
	if e := w.wantEvent(event.Failed, ""); !errors.Is(e.Err, session.ErrTooLong) ||
		!strings.Contains(e.Cure, "departments") {
		t.Errorf("got %+v", e)
	}
}

func TestIssue_KeepsWhatTheLoginBrought(t *testing.T) {
	w := newWorld(t, sitetest.Options{MaxAge: time.Hour})
	w.Account.Exchanges = func(string, bool) (account.Grant, error) {
		return account.Grant{Identity: sitetest.Named("o-emma"), RefreshToken: "refresh", SessionSecret: "secret"}, nil
	}
	b := w.Browser()
	b.Open(w.Callback, w.begin(b, "/page", "x")).WantTo(t, "/page")
	refresh, err := w.Parts.Grants.RefreshToken(t.Context(), w.Account, "o-emma")
	secret, err2 := w.Parts.Grants.Secret(t.Context(), w.Account, "o-emma")
	if refresh != "refresh" || secret != "secret" || err != nil || err2 != nil {
		t.Errorf("got %q, %q, %v, %v", refresh, secret, err, err2)
	}
}

func TestIssue_KeepsWhatASessionOfThePersonKnew(t *testing.T) {
	full := []string{
		identity.Nickname, "Emma", identity.Avatar, "https://p.example.net/1", identity.Scope, "profile",
		identity.UnionID, "u-emma",
	}
	for name, tt := range map[string]struct {
		before  []string // of the session there is, for o-emma
		brought identity.Identity
		prepare func(*world, *session.Session)
		want    map[string]string
	}{
		"a silent login takes no profile away": {
			before: full, brought: sitetest.Named("o-emma", identity.Scope, "base"),
			want: map[string]string{
				identity.Nickname: "Emma", identity.Avatar: "https://p.example.net/1", identity.Scope: "profile",
				identity.UnionID: "u-emma",
			},
		},
		"what the login brings counts": {
			before: full, brought: sitetest.Named("o-emma", identity.Nickname, "E", identity.UnionID, "u-2"),
			want: map[string]string{
				identity.Nickname: "E", identity.Avatar: "", identity.Scope: "", identity.UnionID: "u-2",
			},
		},
		"another person takes nothing over": {
			before: full, brought: sitetest.Named("o-li"),
			want: map[string]string{identity.Nickname: "", identity.UnionID: ""},
		},
		"nobody is the same person as nobody": {
			before: full, brought: sitetest.Named("o-emma", identity.Snapshot, "1"),
			want: map[string]string{identity.Nickname: "", identity.UnionID: ""},
		},
		"another account's session says nothing": {
			before: full, brought: sitetest.Named("o-emma"),
			prepare: func(_ *world, s *session.Session) {
				s.Account = "ww-two"
				s.Identity = s.Identity.With(identity.Account, "two").With(identity.AppID, "ww-two")
			},
			want: map[string]string{identity.Nickname: "", identity.UnionID: ""},
		},
		"a session without a profile gives the unionid": {
			before: []string{identity.UnionID, "u-emma", identity.Scope, "base"}, brought: sitetest.Named("o-emma"),
			want: map[string]string{identity.UnionID: "u-emma", identity.Scope: ""},
		},
		"where more belongs to a profile": {
			before: append([]string{"grade", "5"}, full...), brought: sitetest.Named("o-emma"),
			prepare: func(w *world, _ *session.Session) {
				w.Account.HasAll = func(id identity.Identity) bool { return id.Get("grade") != "" }
			},
			want: map[string]string{identity.Nickname: "", identity.UnionID: "u-emma"},
		},
		"two halves are no profile": {
			before:  []string{identity.Nickname, "Emma"},
			brought: sitetest.Named("o-emma", identity.Avatar, "https://p/2"),
			prepare: func(w *world, _ *session.Session) {
				w.Account.HasAll = func(id identity.Identity) bool {
					return id.Get(identity.Nickname) != "" && id.Get(identity.Avatar) != ""
				}
			},
			want: map[string]string{identity.Nickname: "", identity.Avatar: "https://p/2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := new(sitetest.Account), inWeCom("two")
			w := newWorld(t, sitetest.Options{Accounts: []account.Account{one, two}, UserID: account.Qualified})
			w.Account, one.Snapshot = one, true
			before := w.Session(one, "o-emma", tt.before...)
			if tt.prepare != nil {
				tt.prepare(w, &before)
			}
			w.brings(tt.brought)
			b := w.Browser()
			b.LogIn(before)
			b.Open(w.Callback, w.begin(b, "/page", "x")).WantTo(t, "/page")
			got := b.Session()
			if got == nil || got.ID == before.ID {
				t.Fatalf("got %v", got)
			}
			for field, want := range tt.want {
				if value := got.Identity.Get(field); value != want {
					t.Errorf("%s is %q, want %q", field, value, want)
				}
			}
		})
	}
}

func TestIssue_SameNobodyIsNobody(t *testing.T) {
	w := newWorld(t, sitetest.Options{UserID: account.ByUnionID})
	w.Account.Everywhere = func(id identity.Identity) string { return "e-" + id.Get("name") }
	before := w.Session(w.Account, "", "name", "emma", identity.Nickname, "Emma")
	w.brings(identity.Identity{}.With("name", "li"))
	b := w.Browser()
	b.LogIn(before)
	b.Open(w.Callback, w.begin(b, "/page", "x")).WantTo(t, "/page")
	if got := b.Session().Identity.Get(identity.Nickname); got != "" {
		t.Errorf("whom the account does not name gets the nickname %s", got)
	}
}

func TestIssueToken_OnlyToWhomTheAccountNames(t *testing.T) {
	program := &sitetest.Program{Lets: func(id identity.Identity) bool { return id.Get(identity.OpenID) != "o-li" }}
	for name, tt := range map[string]struct {
		userID account.UserID
		id     identity.Identity
		want   error
	}{
		"a member":          {"", sitetest.Named("o-emma"), nil},
		"no member":         {"", sitetest.Named("o-li"), account.ErrNotAMember},
		"a snapshot":        {"", sitetest.Named("o-emma", identity.Snapshot, "1"), account.ErrNotAMember},
		"without a unionid": {account.ByUnionID, sitetest.Named("o-emma"), problem.ErrNoUnionID},
		"with one":          {account.ByUnionID, sitetest.Named("o-emma", identity.UnionID, "u"), nil},
	} {
		w := newWorld(t, sitetest.Options{Accounts: []account.Account{program}, UserID: tt.userID, MaxAge: time.Hour})
		g := account.Grant{Identity: tt.id, RefreshToken: "refresh", SessionSecret: "secret"}
		s, err := w.IssueToken(t.Context(), program, g)
		if !errors.Is(err, tt.want) || (err == nil) != w.Parts.Sessions.IsLive(&s, w.Parts.Sessions.Policy) {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
		userID := w.Parts.Accounts.UserIDOf(program, tt.id)
		token, err := w.Parts.Grants.RefreshToken(t.Context(), program, userID)
		secret, err2 := w.Parts.Grants.Secret(t.Context(), program, userID)
		if token != "" || (secret != "") != (tt.want == nil) || err != nil || err2 != nil {
			t.Errorf("%s: kept are %q and %q, %v, %v", name, token, secret, err, err2)
		}
	}
	w := newWorld(t, sitetest.Options{Accounts: []account.Account{program}, UserID: account.ByUnionID})
	w.Store.Fail("Get")
	g := account.Grant{Identity: sitetest.Named("o-emma")}
	if _, err := w.IssueToken(t.Context(), program, g); !errors.Is(err, store.ErrStore) {
		t.Errorf("got %v", err)
	}
}
