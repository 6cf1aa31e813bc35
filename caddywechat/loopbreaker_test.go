package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestLoopBreaker_PageSaysWhy(t *testing.T) {
	t.Parallel()
	const noCookies = "Cookie"
	w := newWorld(t, "")
	w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultErrcode, Errcode: 40029})
	refused := w.browser(inWeChat)
	if a := refused.follow("/page"); a.StatusCode != http.StatusTooManyRequests || strings.Contains(a.body, noCookies) {
		t.Errorf("WeChat refuses: status %d, %s", a.StatusCode, a.body)
	}
	w.sim.ClearFaults()
	without := w.browser(inWeChat)
	without.cookies = false
	if a := without.follow("/page"); a.StatusCode != http.StatusTooManyRequests ||
		!strings.Contains(a.body, noCookies) {
		t.Errorf("no cookies: status %d, %s", a.StatusCode, a.body)
	}
}

func TestLoopBreaker_IgnoresRestartsOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	attacker := w.browser(inWeChat)
	attacker.cookies = false
	callback := attacker.callbackFor("/page")
	for range 2 {
		callback = attacker.open(attacker.open(callback).location()).location()
	}
	victim := w.browser(inWeChat)
	theirs := victim.callbackFor("/theirs")
	victim.open(callback).wantStatus(t, http.StatusFound)
	victim.open(theirs).wantRedirect(t, "/theirs")
}

func TestLoopBreaker_StopsManyAttemptsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for n := range 9 {
		cookie := "Cookie: a=1"
		for i := range n {
			cookie += fmt.Sprintf("; wechat_login_%d=junk", i)
		}
		a := w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", cookie)
		want := http.StatusFound // a few may be left from before a change of keys
		if n > 5 {
			want = http.StatusTooManyRequests
		}
		if n != 5 && a.StatusCode != want {
			t.Errorf("%d cookies: status %d, want %d", n, a.StatusCode, want)
		}
	}
}

func TestLoopBreaker_StopsBesideAnOldCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.cookies = false // but for one that never opens
	address := "/page"
	for range 20 {
		a := b.open(address, "Cookie: wechat_login_0=junk")
		if a.StatusCode == http.StatusTooManyRequests {
			return
		}
		address = a.location()
	}
	t.Error("no end")
}

func TestLoopBreaker_StopsAfterThreeCallbacks(t *testing.T) {
	t.Parallel()
	// follow follows redirects, and returns how many callbacks there were, and the last response.
	follow := func(t *testing.T, b *browser, afterReturn func()) (int, response) {
		t.Helper()
		address, callbacks := "/page", 0
		for range 30 {
			a := b.open(address)
			location := a.location()
			if location == "" {
				return callbacks, a
			}
			address = location
			if strings.Contains(location, "/_wechat/callback?") && !strings.Contains(location, "/connect/") {
				callbacks++
			}
			if location == "/page" {
				afterReturn()
			}
		}
		t.Fatal("no end")
		return 0, response{}
	}
	nothing := func() {}

	t.Run("WeChat keeps refusing", func(t *testing.T) {
		w := newWorld(t, "")
		w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultErrcode, Errcode: 40029})
		b := w.browser(inWeChat)
		n, a := follow(t, b, nothing)
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 || w.exchanges() != 3 {
			t.Errorf("%d callbacks, %d exchanges", n, w.exchanges())
		}
		// The page's retry works once WeChat does.
		w.sim.ClearFaults()
		b.login("/_wechat/login?return_to=/page")
	})
	t.Run("the session is not kept", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		n, a := follow(t, b, func() { b.deleteCookie("wechat_session") })
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 {
			t.Errorf("%d callbacks", n)
		}
	})
	t.Run("no cookie is kept", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		b.cookies = false
		n, a := follow(t, b, nothing)
		a.wantStatus(t, http.StatusTooManyRequests)
		if n != 3 {
			t.Errorf("%d callbacks", n)
		}
		a = b.open("/page")
		a.wantStatus(t, http.StatusFound) // nothing is held against the address
	})
	t.Run("restarts count for a minute", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		for range 6 {
			b.login("/page")
			b.deleteCookie("wechat_session")
			w.advance(31 * time.Second)
		}
	})
	t.Run("logins that are only started are no restarts", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		for range 20 {
			b.open("/page").wantStatus(t, http.StatusFound)
		}
		b.login("/page")
	})
	t.Run("logging out and in is no loop", func(t *testing.T) {
		b := newWorld(t, "").browser(inWeChat)
		for range 6 {
			b.login("/page")
			b.logout("")
		}
	})
	t.Run("the count cannot be forged", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.cookies = false
		for _, state := range []string{strings.Repeat("0", 76), strings.Repeat("f", 76)} {
			b.open("/_wechat/callback?code=x&state="+state).wantStatus(t, http.StatusFound)
		}
	})
}

func TestLoopBreaker_StopsWhereTheProfileNeverComes(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "consent direct\nsnapshot allow", "userinfo /profile/*")
	b := w.browser(inWeChat)
	for range 3 {
		a := b.open("/profile/me")
		a.wantStatus(t, http.StatusFound)
		b.open(b.consent(a.location(), "snapshot")).wantRedirect(t, "/profile/me")
	}
	b.open("/profile/me").wantStatus(t, http.StatusTooManyRequests)
}

func TestLoopBreaker_AllowsManyLoginsForTheProfile(t *testing.T) {
	t.Parallel()
	b := newProfileWorld(t, "consent direct", "").browser(inWeChat)
	for range 6 {
		b.open(b.consent(b.open("/_wechat/login?account=official_account&profile=1").location(), "allow")).
			wantRedirect(t, "/")
	}
}
