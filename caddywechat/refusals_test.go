package caddywechat

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const jscode2session = "/sns/jscode2session"

// newMiniProgram makes a site with a mini-program, and a program that posts to it.
func newMiniProgram(t *testing.T, options string) (*world, *browser) {
	t.Helper()
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nmini_program %s %s\nplatform %s\n%s\n}",
		simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret, w.simURL, options))
	return w, w.browser("a program")
}

// atOnce posts n bodies at the same time, and returns how many answers had each status.
func atOnce(w *world, n int, post func(b *browser, i int) answer) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	got := make(map[int]int)
	for i := range n {
		b := w.browser("a program")
		all.Go(func() {
			a := post(b, i)
			mu.Lock()
			defer mu.Unlock()
			got[a.StatusCode]++
		})
	}
	all.Wait()
	return got
}

func TestManyCodesAtOnceAreNoWayRoundTheLimit(t *testing.T) {
	w, b := newMiniProgram(t, "")
	w.faultOf(t, simulator.Fault{Path: jscode2session, Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond})
	got := atOnce(w, 240, func(b *browser, i int) answer {
		return b.post("/_wechat/mini_program/login", fmt.Sprintf(`{"code":"%032d"}`, i))
	})
	if got[http.StatusConflict] != maxRefused || got[http.StatusTooManyRequests] != 240-maxRefused {
		t.Errorf("got %v", got)
	}
	if n := w.sim.Calls(jscode2session); n != maxRefused {
		t.Errorf("WeChat was asked %d times", n)
	}
	a := b.post("/_wechat/mini_program/login", `{"code":"x"}`)
	message := a.wantJSON(t, http.StatusTooManyRequests, "too_many")["message"]
	if strings.Contains(message, "circles") || !strings.Contains(message, "refused") {
		t.Errorf("it says %q", message)
	}
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
		t.Errorf("it says when to come again: %q", a.Header.Get("Retry-After"))
	}
	a = b.post("/_wechat/mini_program/login", `{"code":"x"}`, "Accept: text/html", "Accept-Language: en")
	if a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "from your network") {
		t.Errorf("as a page: %d %.300s", a.StatusCode, a.body)
	}
	w.pass(time.Minute)
	w.sim.ClearFaults()
	code, err := w.sim.MiniProgramLogin("", "")
	if err != nil {
		t.Fatal(err)
	}
	b.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`).wantStatus(t, http.StatusOK)
}

// Whoever leaves before the answer has asked WeChat all the same.
func TestWhoLeavesEarlyIsCounted(t *testing.T) {
	w, b := newMiniProgram(t, "")
	w.faultOf(t, simulator.Fault{Path: jscode2session, Kind: simulator.FaultDelay, Delay: 500 * time.Millisecond})
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range maxRefused {
		program := w.browser("a program").client
		all.Go(func() {
			body := strings.NewReader(fmt.Sprintf(`{"code":"%032d"}`, i))
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.site("/_wechat/mini_program/login"), body)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			if res, err := program.Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	for end := time.Now().Add(10 * time.Second); w.sim.Calls(jscode2session) < maxRefused && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	leave()
	all.Wait()
	b.post("/_wechat/mini_program/login", `{"code":"x"}`).wantJSON(t, http.StatusTooManyRequests, "too_many")
	if n := w.sim.Calls(jscode2session); n != maxRefused {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// Behind the address of a carrier there are many people, whom no limit on refused codes is meant for.
func TestManyGoodCodesAtOnceAllGoThrough(t *testing.T) {
	w, _ := newMiniProgram(t, "")
	w.faultOf(t, simulator.Fault{Path: jscode2session, Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond})
	const people = maxRefused + maxWaiting
	codes := make([]string, people)
	for i := range codes {
		var err error
		if codes[i], err = w.sim.MiniProgramLogin("", ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := atOnce(w, people, func(b *browser, i int) answer {
		return b.post("/_wechat/mini_program/login", `{"code":"`+codes[i]+`"}`)
	}); got[http.StatusOK] != people {
		t.Errorf("got %v", got)
	}
}

// A session key that was replaced costs WeChat one call, and its owner a place among the ten.
func TestAReplacedSessionKeyIsAskedAboutOnce(t *testing.T) {
	const checks = "/wxa/checksession"
	w, b := newMiniProgram(t, "")
	code, err := w.sim.MiniProgramLogin("", "emma")
	if err != nil {
		t.Fatal(err)
	}
	token := tokenOf(t, b.post("/_wechat/mini_program/login", `{"code":"`+code+`"}`))
	info, err := w.sim.MiniProgramUserInfo("", "emma")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"encryptedData":%q,"iv":%q}`, info.EncryptedData, info.IV)
	decrypt := func() answer {
		return b.post("/_wechat/mini_program/decrypt", body, "Authorization: Bearer "+token)
	}
	for range 2 * maxRefused { // what is good is no try
		decrypt().wantStatus(t, http.StatusOK)
	}
	w.pass(10 * time.Minute)
	if _, err := w.sim.MiniProgramLogin("", "emma"); err != nil { // and nobody logs in with the code
		t.Fatal(err)
	}
	for range maxRefused {
		decrypt().wantJSON(t, http.StatusConflict, "session_key_expired")
	}
	decrypt().wantJSON(t, http.StatusTooManyRequests, "too_many")
	if n := w.sim.Calls(checks); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

func tokenOf(t *testing.T, a answer) string {
	t.Helper()
	token, _, _ := strings.Cut(a.wantStatus(t, http.StatusOK).body[len(`{"token":"`):], `"`)
	return token
}
