package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// An attempt is to be had by anybody: with some of their own and made-up codes somebody could keep WeChat's slowness
// for others.
func TestMadeUpCodesStarveNobodyElse(t *testing.T) {
	const token, alone = "/sns/oauth2/access_token", 64
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nmini_program %s %s\nuser_id qualified\nplatform %s\ntimeout 2s\n}",
		simulator.DemoAppID, simulator.DemoSecret, simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret, w.simURL))
	w.server = newServer(t, trustingPrivate)
	const stranger, visitor = "X-Forwarded-For: 203.0.113.5", "X-Forwarded-For: 198.51.100.7"
	w.faultOf(t, simulator.Fault{Path: token, Kind: simulator.FaultHang, Times: alone})
	done := make(chan map[int]int)
	go func() {
		done <- atOnce(w, 270, func(b *browser, i int) answer {
			b.agent = inWeChat
			state := queryOf(b.open("/page", stranger).Header.Get("Location"), "state")
			return b.open(fmt.Sprintf("/_wechat/callback?code=%032d&state=%s", i, state), stranger)
		})
	}()
	for end := time.Now().Add(10 * time.Second); w.sim.Calls(token) < alone; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("WeChat got %d calls", w.sim.Calls(token))
		}
	}

	b := w.browser(inWeChat)
	if a := b.open(b.toCallback("/page"), visitor); a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/page" {
		t.Errorf("a visitor from elsewhere: %d %.200s", a.StatusCode, a.body)
	}
	code, err := w.sim.MiniProgramLogin("", "")
	if err != nil {
		t.Fatal(err)
	}
	b.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`, stranger).wantStatus(t, http.StatusOK) // another account's
	if n := (<-done)[http.StatusServiceUnavailable]; n < 270-alone-1 {
		t.Errorf("%d of the stranger's callbacks had no place", n)
	}
}

func queryOf(address, name string) string {
	_, query, _ := strings.Cut(address, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			value, _, _ = strings.Cut(value, "#")
			return value
		}
	}
	return ""
}
