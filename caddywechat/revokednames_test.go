package caddywechat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A person stays revoked whatever user_id is made afterwards, and whatever it was when the operator was told who it is.
func TestARevocationOutlivesAChangeOfUserID(t *testing.T) {
	forms := []string{userIDOpenID, userIDUnionID, userIDQualified}
	for _, then := range forms {
		for _, now := range forms {
			t.Run(then+" then "+now, func(t *testing.T) {
				const account = "scope snsapi_userinfo\nconsent direct"
				w := newProfileWorld(t, account, "user_id "+then)
				b := w.browser(inWeChat)
				b.open(b.agree(b.open("/page").Header.Get("Location"), "allow")).wantRedirect(t, "/page")
				user := b.user("/")

				w.provisionAccount(account, "user_id "+now) // a reload
				today := b.user("/")
				if (user == today) != (then == now) {
					t.Fatalf("user %s, then %s", user, today)
				}
				if status, text := order(t, "POST", fmt.Sprintf(`{"user":%q}`, user)); status != http.StatusOK {
					t.Fatalf("status %d: %s", status, text)
				}
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.provisionAccount(account, "user_id "+then) // and back
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
				w.pass(time.Hour)
				b.open(b.agree(b.open("/page").Header.Get("Location"), "allow")).wantRedirect(t, "/page")
				if got := b.user("/"); got != user {
					t.Errorf("afterwards user %s", got)
				}
			})
		}
	}
}

// A member of a company has other names than people of WeChat.
func TestAMemberStaysRevokedWhateverUserIDIs(t *testing.T) {
	for name, form := range map[string]string{"as apps know them": "%s", "qualified": simulator.DemoCorpID + ":%s"} {
		t.Run(name, func(t *testing.T) {
			w := newWeComWorld(t, "")
			if err := w.sim.Hold("afang"); err != nil {
				t.Fatal(err)
			}
			b := w.browser(inWeCom)
			b.follow("/page")
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			body := fmt.Sprintf(`{"user":%q}`, fmt.Sprintf(form, "AFang")) // as WeCom's console writes it
			if status, text := order(t, "POST", body); status != http.StatusOK || text != "{\"revoked\":true,\"seen\":1}\n" {
				t.Fatalf("status %d: %s", status, text)
			}
			b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
		})
	}
}

// WeChat gives several people whom it makes up for snapshot pages the same unionid.
func TestPeopleOfASnapshotAreNotRevokedTogether(t *testing.T) {
	h := newWorld(t, "user_id unionid").handler
	a := h.accounts[0]
	known := func(openID, snapshot string) session.Session {
		id := identity.Identity{}.With(identity.OpenID, openID).With(identity.UnionID, "u").With(identity.Snapshot, snapshot)
		return h.newSession(t.Context(), a, id, time.Hour)
	}
	one, two, real := known("o1", "1"), known("o2", "1"), known("o3", "")
	if err := h.revokePerson(t.Context(), ownNames(a, one.Identity)...); err != nil {
		t.Fatal(err)
	}
	if !h.isRevoked(a, &one) || h.isRevoked(a, &two) || h.isRevoked(a, &real) {
		t.Errorf("one %v, another %v, somebody real %v", h.isRevoked(a, &one), h.isRevoked(a, &two), h.isRevoked(a, &real))
	}
	if err := h.revokePerson(t.Context(), ownNames(a, real.Identity)...); err != nil {
		t.Fatal(err)
	}
	if h.isRevoked(a, &two) || !h.isRevoked(a, &real) {
		t.Error("somebody who is made up goes with somebody real, or nobody goes")
	}
}

// Who is revoked costs nobody an allocation.
func TestAllocationsWherePeopleAreRevoked(t *testing.T) {
	h := newWorld(t, "").handler
	a := h.accounts[0]
	s := h.newSession(t.Context(), a, identity.Identity{}.
		With(identity.Account, a.Kind()).With(identity.AppID, a.AppID()).With(identity.OpenID, person).With(identity.UnionID, "u"), time.Hour)
	if err := h.revokePerson(t.Context(), session.UserName("another")); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if h.isRevoked(a, &s) {
			t.Error("revoked")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
