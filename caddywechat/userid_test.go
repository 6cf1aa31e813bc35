package caddywechat

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

var personEverywhere = simulator.UnionID("x", "xiaoming")

func TestUserID_Qualified(t *testing.T) {
	t.Parallel()
	b := newProfileWorld(t, "", "user_id qualified").browser(inWeChat)
	b.follow("/")
	if got, want := b.userAt("/"), simulator.DemoAppID+":"+person; got != want {
		t.Errorf("user %s, want %s", got, want)
	}
}

func TestUserID_UnionID(t *testing.T) {
	t.Parallel()
	t.Run("a silent login that brings none asks for consent, once", func(t *testing.T) {
		w := newProfileWorld(t, "", "user_id unionid")
		b := w.browser(inWeChat)
		authorize := consentPage(t, b.open(b.callbackFor("/page")))
		b.open(b.consent(authorize, "allow")).wantRedirect(t, "/page")
		if got := b.userAt("/page"); got != personEverywhere {
			t.Errorf("user %s, want %s", got, personEverywhere)
		}

		// From now on silent logins get it from the store, in every browser.
		other := w.browser(inWeChat)
		other.open(other.callbackFor("/page")).wantRedirect(t, "/page")
		if got := other.userAt("/page"); got != personEverywhere {
			t.Errorf("user %s, want %s", got, personEverywhere)
		}

		// It is stored for 180 days after the last login.
		w.advance(100 * 24 * time.Hour)
		other = w.browser(inWeChat)
		other.open(other.callbackFor("/page")).wantRedirect(t, "/page")
		w.advance(100 * 24 * time.Hour)
		other = w.browser(inWeChat)
		other.open(other.callbackFor("/page")).wantRedirect(t, "/page")
		w.advance(181 * 24 * time.Hour)
		other = w.browser(inWeChat)
		consentPage(t, other.open(other.callbackFor("/page")))
	})
	t.Run("an account without an Open Platform gets a page and a log line", func(t *testing.T) {
		w := newWorldWith(t, simulator.Config{Accounts: []simulator.OfficialAccount{
			{AppID: simulator.DemoAppID, Secret: simulator.DemoSecret, Domain: host},
		}})
		w.provisionAccount("", "user_id unionid")
		b := w.browser(inWeChat)
		callback := b.consent(consentPage(t, b.open(b.callbackFor("/page"))), "allow")
		b.open(callback).wantStatus(t, http.StatusForbidden)
		line := w.logs.All()[len(w.logs.All())-1]
		if cure, _ := line.ContextMap()["cure"].(string); line.Message != "callback" ||
			!strings.Contains(cure, "Open Platform") {
			t.Errorf("log: %v", w.logs.All())
		}
	})
	t.Run("a platform that never gives the profile is no endless loop", func(t *testing.T) {
		w := newProfileWorld(t, "consent direct", "user_id unionid")
		b := w.browser(inWeChat)
		authorize := b.open(b.callbackFor("/page")).location()
		// The code is one of a silent login.
		silent := w.browser(inWeChat).open(strings.Replace(authorize, "snsapi_userinfo", "snsapi_base", 1)).location()
		b.send("GET", silent).wantJSON(t, http.StatusForbidden, "unionid_missing")
	})
	t.Run("people of a snapshot are never one person", func(t *testing.T) {
		w := newProfileWorld(t, "scope snsapi_userinfo\nsnapshot allow\nconsent direct", "user_id unionid")
		b := w.browser(inWeChat)
		b.open(b.consent(b.open("/page").location(), "snapshot")).wantRedirect(t, "/page")
		if got := b.userAt("/page"); !strings.HasPrefix(got, "snapshot:o") {
			t.Errorf("user %s", got)
		}
	})
	t.Run("sessions without a unionid do not open", func(t *testing.T) {
		w := newProfileWorld(t, "", "")
		b := w.browser(inWeChat)
		b.login("/")
		w.provisionAccount("", "user_id unionid")
		b.open("/").wantStatus(t, http.StatusFound)
	})
	t.Run("a store that is down is reported", func(t *testing.T) {
		w := newProfileWorld(t, "", "user_id unionid")
		if err := os.WriteFile(filepath.Join(w.storage, "wechat"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		b.send("GET", b.callbackFor("/page")).wantJSON(t, http.StatusServiceUnavailable, "store_unavailable")
	})
}

func TestUserID_OfWeComIsNotMixedWithOpenIDs(t *testing.T) {
	load := func(userID string) error {
		return provisionError(t, fmt.Sprintf(
			`{"accounts":[{"kind":"official_account","app_id":"wx0123456789abcdef","app_secret":%q},`+
				`{"kind":"wecom","corp_id":"ww0123456789abcdef","secret":%q,"agent_id":"1"}],"user_id":%q}`,
			aSecret, "0123456789abcdef0123456789abcdef0123456789a", userID))
	}
	wantError(t, load("openid"), "user_id unionid or user_id qualified")
	for _, userID := range []string{"unionid", "qualified"} {
		if err := load(userID); err != nil {
			t.Errorf("%s: %v", userID, err)
		}
	}
}

func TestUserID_UnionIDOfAFollowerTakesNoConsent(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "user_id unionid")
	if err := w.sim.Follow("xiaoming", simulator.DemoAppID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b := w.browser(inWeChat)
		b.open(b.callbackFor("/page")).wantRedirect(t, "/page")
		if got := b.userAt("/page"); got != personEverywhere {
			t.Errorf("user %s, want %s", got, personEverywhere)
		}
	}
	if n := w.sim.Calls("/cgi-bin/user/info"); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

func TestUserID_UnionIDOfOthersTakesConsent(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"no follower":        {},
		"an address unknown": {Path: "/cgi-bin/user/info", Kind: simulator.FaultErrcode, Errcode: 40164},
		"WeChat is down":     {Path: "/cgi-bin/user/info", Kind: simulator.FaultStatus, Status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			w := newProfileWorld(t, "", "user_id unionid")
			if fault.Path != "" {
				w.fault(fault)
				if err := w.sim.Follow("xiaoming", simulator.DemoAppID); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				b := w.browser(inWeChat)
				consentPage(t, b.open(b.callbackFor("/page")))
			}
			told := w.logs.FilterMessageSnippet("could not ask WeChat for the unionids").Len() > 0
			if told != (fault.Path != "") {
				t.Errorf("the log tells of it: %t: %v", told, w.logs.All())
			}
		})
	}
}
