package caddywechat

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// newRefreshWorld makes a world whose site refreshes profiles once a day, and a browser with a profile.
func newRefreshWorld(t *testing.T, options string) (*world, *browser) {
	t.Helper()
	w := newProfileWorld(t, directProfile, options+"\nsession {\nkey "+sessionKey+"\nlifetime 30d\nrefresh 1d\n}")
	b := w.browser(inWeChat)
	if a := b.followAllowing("/page"); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	return w, b
}

// nickname returns the nickname that the app gets with a page.
func (w *world) nickname(b *browser) string {
	w.t.Helper()
	b.open("/page").wantStatus(w.t, http.StatusOK)
	return w.received().Header.Get("X-Wechat-Nickname")
}

// awaitRefresh waits until no refresh is running.
func (w *world) awaitRefresh() {
	w.t.Helper()
	select {
	case <-w.handler.lease.shared.work.Idle():
	case <-time.After(10 * time.Second):
		w.t.Fatal("a refresh does not end")
	}
}

func (w *world) rename(nickname string) {
	w.t.Helper()
	if err := errors.Join(
		w.sim.RemovePerson("xiaoming"),
		w.sim.AddPerson(simulator.Person{ID: "xiaoming", Nickname: nickname}),
		w.sim.Hold("xiaoming"),
	); err != nil {
		w.t.Fatal(err)
	}
}

func TestProfileRefresh_RunsInTheBackground(t *testing.T) {
	t.Parallel()
	w, b := newRefreshWorld(t, "")
	w.rename("Ming")
	if got := w.nickname(b); got != "%E5%B0%8F%E6%98%8E" || w.sim.Calls(refreshPath) != 0 {
		t.Errorf("before it is old: %s after %d calls", got, w.sim.Calls(refreshPath))
	}
	w.advance(24 * time.Hour)
	if got := w.nickname(b); got != "%E5%B0%8F%E6%98%8E" {
		t.Errorf("the visitor waited for %s", got)
	}
	w.awaitRefresh()
	before := b.cookie("wechat_session")
	b.send("GET", "/api").wantStatus(t, http.StatusOK)
	if b.cookie("wechat_session") != before {
		t.Error("a fetch brought a cookie")
	}
	if got := w.nickname(b); got != "Ming" || b.cookie("wechat_session") == before {
		t.Errorf("after the refresh: %s", got)
	}
	for range 5 {
		if got := w.nickname(b); got != "Ming" {
			t.Errorf("later: %s", got)
		}
	}
	if got := w.sim.Calls(refreshPath); got != 1 || w.exchanges() != 1 {
		t.Errorf("%d calls for the refresh", got)
	}
	w.advance(24 * time.Hour)
	w.rename("Ming 2")
	w.nickname(b)
	w.awaitRefresh()
	if got := w.nickname(b); got != "Ming%202" {
		t.Errorf("the day after: %s", got)
	}
}

func TestProfileRefresh_OfAnotherInstanceIsUsed(t *testing.T) {
	t.Parallel()
	w, b := newRefreshWorld(t, "")
	elsewhere := w.browser(inWeChat)
	elsewhere.followAllowing("/page")
	w.rename("Ming")
	w.advance(24 * time.Hour)
	w.nickname(b)
	w.awaitRefresh()
	w.handler = w.otherInstance(w.handler, 0) // another instance
	w.nickname(elsewhere)
	w.awaitRefresh()
	if got := w.nickname(elsewhere); got != "Ming" || w.sim.Calls(refreshPath) != 1 {
		t.Errorf("%s after %d calls", got, w.sim.Calls(refreshPath))
	}
}

func TestProfileRefresh_WithdrawnConsentNeedsALogin(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40030, 42002, 42007} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			w, b := newRefreshWorld(t, "")
			elsewhere := w.browser(inWeChat)
			elsewhere.followAllowing("/page")
			w.fault(simulator.Fault{Path: refreshPath, Kind: simulator.FaultErrcode, Errcode: code})
			w.advance(25 * time.Hour)
			w.nickname(b)
			w.awaitRefresh()
			for _, device := range []*browser{b, elsewhere} {
				if a := device.open("/page"); a.StatusCode != http.StatusFound ||
					!strings.Contains(a.location(), "scope=snsapi_userinfo") {
					t.Errorf("status %d to %s", a.StatusCode, a.location())
				}
			}
			w.sim.ClearFaults()
			if a := b.followAllowing("/page"); a.body != "app "+person {
				t.Errorf("status %d", a.StatusCode)
			}
		})
	}
}

func TestRefreshToken_IsSeparateForSitesWithDifferentKeys(t *testing.T) {
	t.Parallel()
	w, _ := newRefreshWorld(t, "")
	first := w.handler
	token := func(h *Handler) string {
		t.Helper()
		a := h.login.Accounts.All()[0]
		token, err := h.login.Grants.RefreshToken(t.Context(), a, person)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	w.replaceSite("", strings.ToUpper(sessionKey)) // another site, with the same account and store
	a := w.handler.login.Accounts.All()[0]
	if err := w.handler.login.Grants.PutRefreshToken(t.Context(), a, person, "of the other site"); err != nil {
		t.Fatal(err)
	}
	if got := token(w.handler); got != "of the other site" {
		t.Errorf("the other site has %q", got)
	}
	if err := w.handler.login.Vault.Delete(t.Context(), w.handler.login.Grants.Key("renewal", a, person)); err != nil {
		t.Fatal(err)
	}
	if got := token(first); got == "" || got == "of the other site" {
		t.Errorf("the first site has %q", got)
	}
	// A new key still opens what the one before it sealed.
	w.swap(w.newHandler(officialAccount, sessionKeys(strings.Repeat("n", 40), sessionKey)))
	if got := token(w.handler); got == "" {
		t.Errorf("after the exchange: %q", got)
	}
}

func TestProfileRefresh_FailureIsNotVisible(t *testing.T) {
	t.Parallel()
	w, b := newRefreshWorld(t, "timeout 100ms")
	for _, fault := range []simulator.Fault{
		{Kind: simulator.FaultErrcode, Errcode: -1},
		{Kind: simulator.FaultErrcode, Errcode: 45009},
		{Kind: simulator.FaultHTML},
		{Kind: simulator.FaultHang},
	} {
		fault.Path = refreshPath
		w.sim.ClearFaults()
		w.fault(fault)
		w.advance(25 * time.Hour)
		for range 5 {
			w.nickname(b)
			w.awaitRefresh()
		}
		if n := w.logs.FilterMessageSnippet("could not be renewed").Len(); n != 1 {
			t.Errorf("%+v: %d lines", fault, n)
		}
		w.logs.TakeAll()
	}
	if got := w.sim.Calls(refreshPath); got != 4 {
		t.Errorf("%d calls", got)
	}
}

func TestRefreshToken_IsDeletedByLogoutAndRevocation(t *testing.T) {
	for name, forget := range map[string]func(w *world, b *browser){
		"logout": func(_ *world, b *browser) { b.logout("") },
		"user": func(*world, *browser) {
			requestRevocation(t, "POST", `{"user":"`+simulator.UnionID("x", "xiaoming")+`"}`)
		},
		"openid": func(*world, *browser) { requestRevocation(t, "POST", `{"openid":"`+person+`"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			w, b := newRefreshWorld(t, "user_id unionid")
			grants, a := w.handler.login.Grants, w.handler.login.Accounts.All()[0]
			token, err := grants.RefreshToken(t.Context(), a, simulator.UnionID("x", "xiaoming"))
			if err != nil || token == "" {
				t.Fatalf("nothing to forget: %v", err)
			}
			if found := w.inStorage(token); found != "" {
				t.Errorf("the refresh token is readable in %s", found)
			}
			forget(w, b)
			w.awaitRefresh()
			if token, err = grants.RefreshToken(t.Context(), a, simulator.UnionID("x", "xiaoming")); err != nil ||
				token != "" {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
}

func TestRefreshToken_IsNotStoredWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, directProfile, "")
	w.browser(inWeChat).followAllowing("/page")
	if found := w.inStorage("renewal"); found != "" {
		t.Errorf("stored %s", found)
	}
	if _, err := os.Stat(filepath.Join(w.storage, "wechat", "renewal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a folder: %v", err)
	}
}
