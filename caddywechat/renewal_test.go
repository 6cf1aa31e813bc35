package caddywechat

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// newRenewingWorld makes a world whose site renews profiles once a day, and a browser that is logged in with one.
func newRenewingWorld(t *testing.T, options string) (*world, *browser) {
	t.Helper()
	w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", options+"\nsession {\nkey "+sessionKey+"\nlifetime 30d\nrefresh 1d\n}")
	b := w.browser(inWeChat)
	if a := b.walk("/page"); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	return w, b
}

// nickname returns the one that the app gets with a navigation.
func (w *world) nickname(b *browser) string {
	w.t.Helper()
	b.open("/page").wantStatus(w.t, http.StatusOK)
	return w.received().Header.Get("X-Wechat-Nickname")
}

// settled waits for the renewals that are going on.
func (w *world) settled() {
	w.t.Helper()
	for range 2000 {
		r := &w.handler.memory.renewals
		r.mu.Lock()
		active := r.active
		r.mu.Unlock()
		if active == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	w.t.Fatal("a renewal does not end")
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

const refreshToken = "/sns/oauth2/refresh_token"

func TestProfilesAreRenewedInTheBackground(t *testing.T) {
	w, b := newRenewingWorld(t, "")
	w.rename("Ming")
	if got := w.nickname(b); got != "%E5%B0%8F%E6%98%8E" || w.sim.Calls(refreshToken) != 0 {
		t.Errorf("before it is old: %s after %d calls", got, w.sim.Calls(refreshToken))
	}
	w.pass(24 * time.Hour)
	if got := w.nickname(b); got != "%E5%B0%8F%E6%98%8E" {
		t.Errorf("the visitor waited for %s", got)
	}
	w.settled()
	before := b.cookie("wechat_session")
	b.send("GET", "/api").wantStatus(t, http.StatusOK)
	if b.cookie("wechat_session") != before {
		t.Error("a fetch brought a cookie")
	}
	if got := w.nickname(b); got != "Ming" || b.cookie("wechat_session") == before {
		t.Errorf("after the renewal: %s", got)
	}
	for range 5 {
		if got := w.nickname(b); got != "Ming" {
			t.Errorf("later: %s", got)
		}
	}
	if got := w.sim.Calls(refreshToken); got != 1 || w.exchanges() != 1 {
		t.Errorf("%d calls for the renewal", got)
	}
	w.pass(24 * time.Hour)
	w.rename("Ming 2")
	w.nickname(b)
	w.settled()
	if got := w.nickname(b); got != "Ming%202" {
		t.Errorf("the day after: %s", got)
	}
}

func TestARenewalOfAnotherInstanceIsTakenOver(t *testing.T) {
	w, b := newRenewingWorld(t, "")
	elsewhere := w.browser(inWeChat)
	elsewhere.walk("/page")
	w.rename("Ming")
	w.pass(24 * time.Hour)
	w.nickname(b)
	w.settled()
	// Another instance has a memory of its own.
	w.handler.memory.renewals.mu.Lock()
	w.handler.memory.renewals.of = nil
	w.handler.memory.renewals.mu.Unlock()
	w.nickname(elsewhere)
	w.settled()
	if got := w.nickname(elsewhere); got != "Ming" || w.sim.Calls(refreshToken) != 1 {
		t.Errorf("%s after %d calls", got, w.sim.Calls(refreshToken))
	}
}

func TestWhoWithdrewTheConsentLogsInAgain(t *testing.T) {
	for _, code := range []int{40030, 42002, 42007} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			w, b := newRenewingWorld(t, "")
			elsewhere := w.browser(inWeChat)
			elsewhere.walk("/page")
			w.faultOf(t, simulator.Fault{Path: refreshToken, Kind: simulator.FaultErrcode, Errcode: code})
			w.pass(25 * time.Hour)
			w.nickname(b)
			w.settled()
			for _, device := range []*browser{b, elsewhere} {
				if a := device.open("/page"); a.StatusCode != http.StatusFound || !strings.Contains(a.Header.Get("Location"), "scope=snsapi_userinfo") {
					t.Errorf("status %d to %s", a.StatusCode, a.Header.Get("Location"))
				}
			}
			w.sim.ClearFaults()
			if a := b.walk("/page"); a.body != "app "+person {
				t.Errorf("status %d", a.StatusCode)
			}
		})
	}
}

func TestSitesWithOtherKeysDoNotGetInOneAnothersWay(t *testing.T) {
	w, _ := newRenewingWorld(t, "")
	first := w.handler
	a := first.accounts[0]
	key := first.personKey(renewalArea, a, person)
	w.replace("", strings.ToUpper(sessionKey)) // another site, with the same account and store
	if err := w.handler.keepSecret(t.Context(), key, "of the other site", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := w.handler.secret(t.Context(), key); err != nil || got != "of the other site" {
		t.Errorf("the other site has %q, %v", got, err)
	}
	if err := w.handler.forgetSecret(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if got, err := first.secret(t.Context(), key); err != nil || got == "" || got == "of the other site" {
		t.Errorf("the first site has %q, %v", got, err)
	}
	// And a key that was exchanged still opens what its predecessor sealed.
	w.swap(w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nsession {\nkey %s %s\n}\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL, strings.Repeat("n", 40), sessionKey)))
	if got, err := w.handler.secret(t.Context(), key); err != nil || got == "" {
		t.Errorf("after the exchange: %q, %v", got, err)
	}
}

func TestARenewalThatFailsTroublesNobody(t *testing.T) {
	w, b := newRenewingWorld(t, "timeout 100ms")
	for _, fault := range []simulator.Fault{
		{Kind: simulator.FaultErrcode, Errcode: -1}, {Kind: simulator.FaultErrcode, Errcode: 45009}, {Kind: simulator.FaultHTML}, {Kind: simulator.FaultHang},
	} {
		fault.Path = refreshToken
		w.sim.ClearFaults()
		w.faultOf(t, fault)
		w.pass(25 * time.Hour)
		for range 5 {
			w.nickname(b)
			w.settled()
		}
		if n := w.logs.FilterMessageSnippet("could not be renewed").Len(); n != 1 {
			t.Errorf("%+v: %d lines", fault, n)
		}
		w.logs.TakeAll()
	}
	if got := w.sim.Calls(refreshToken); got != 4 {
		t.Errorf("%d calls", got)
	}
}

func TestLogoutAndRevocationForgetWhatWeChatGave(t *testing.T) {
	for name, forget := range map[string]func(w *world, b *browser){
		"logout": func(_ *world, b *browser) { b.logout("") },
		"user":   func(*world, *browser) { order(t, "POST", `{"user":"`+simulator.UnionID("x", "xiaoming")+`"}`) },
		"openid": func(*world, *browser) { order(t, "POST", `{"openid":"`+person+`"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			w, b := newRenewingWorld(t, "user_id unionid")
			a := w.handler.accounts[0]
			key := w.handler.personKey(renewalArea, a, simulator.UnionID("x", "xiaoming"))
			secret, err := w.handler.secret(t.Context(), key)
			if err != nil || secret == "" {
				t.Fatalf("nothing to forget: %v", err)
			}
			if found := w.inStorage(secret); found != "" {
				t.Errorf("the refresh token lies open in %s", found)
			}
			forget(w, b)
			for range 2000 {
				if _, err = w.handler.secret(t.Context(), key); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
}

// inStorage returns the file of Caddy's storage that holds a text or a name, "" for none.
func (w *world) inStorage(text string) (found string) {
	w.t.Helper()
	err := filepath.WalkDir(w.storage, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if strings.Contains(string(content), text) || strings.Contains(name, text) {
			found = name
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestWithoutRefreshNoTokenIsKept(t *testing.T) {
	w := newProfileWorld(t, "scope snsapi_userinfo\nconsent direct", "")
	w.browser(inWeChat).walk("/page")
	if found := w.inStorage(renewalArea); found != "" {
		t.Errorf("kept %s", found)
	}
	if _, err := os.Stat(filepath.Join(w.storage, "wechat", renewalArea)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a folder: %v", err)
	}
}
