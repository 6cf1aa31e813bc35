package caddywechat

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestCallsInFlight_AreBounded(t *testing.T) {
	w := newWorld(t, "timeout 20s")
	w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultHang})
	const callbacks = 300
	var mu sync.Mutex
	busy := 0
	var wait sync.WaitGroup
	for range callbacks {
		b := w.browser(inWeChat)
		callback := b.callbackFor("/page")
		wait.Go(func() {
			a := b.send("GET", callback)
			if a.StatusCode == http.StatusServiceUnavailable && a.json(t)["error"] == "wechat_busy" &&
				a.Header.Get("Retry-After") != "" {
				mu.Lock()
				busy++
				mu.Unlock()
			}
		})
	}
	turnedAway := func() int {
		mu.Lock()
		defer mu.Unlock()
		return busy
	}
	waitFor(t, "every callback is under way or turned away",
		func() bool { return w.exchanges()+turnedAway() >= callbacks })
	w.sim.ClearFaults()
	w.sim.Close() // ends the calls that hang
	wait.Wait()
	if busy == 0 || w.exchanges() > 256 {
		t.Errorf("%d turned away, %d calls", busy, w.exchanges())
	}
}

// Anybody can start logins and send callbacks with invalid codes. Where WeChat is slow, these must not take the place
// of everybody else's calls.
func TestCallsInFlight_OfOneClientAreBounded(t *testing.T) {
	const alone = 64
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.newHandler(officialAccount, miniProgramAccount, "user_id qualified", "timeout 20s")
	w.server = newServer(t, trustingPrivate)
	const stranger, visitor = "X-Forwarded-For: 203.0.113.5", "X-Forwarded-For: 198.51.100.7"
	w.fault(simulator.Fault{Path: exchangePath, Kind: simulator.FaultHang, Times: alone})
	done := make(chan map[int]int)
	go func() {
		done <- atOnce(w, 270, func(b *browser, i int) response {
			b.agent = inWeChat
			state := queryOf(b.open("/page", stranger).location(), "state")
			return b.open(fmt.Sprintf("/_wechat/callback?code=%032d&state=%s", i, state), stranger)
		})
	}()
	waitFor(t, "WeChat gets as many calls as one client may make",
		func() bool { return w.sim.Calls(exchangePath) >= alone })

	b := w.browser(inWeChat)
	if a := b.open(b.callbackFor("/page"), visitor); a.StatusCode != http.StatusFound || a.location() != "/page" {
		t.Errorf("a visitor from elsewhere: %d %.200s", a.StatusCode, a.body)
	}
	code := w.miniProgramCode("")
	// of another account
	b.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`, stranger).wantStatus(t, http.StatusOK)
	w.sim.Close() // ends the calls that hang
	if n := (<-done)[http.StatusServiceUnavailable]; n < 270-alone-1 {
		t.Errorf("%d callbacks of the stranger were turned away", n)
	}
}
