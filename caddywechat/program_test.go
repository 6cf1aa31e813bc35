package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// programToken logs a program in, and returns its token and as whom.
func (b *browser) programToken(kind, code string) (token, user string) {
	b.t.Helper()
	var got struct{ Token, User, OpenID string }
	a := b.post("/_wechat/"+kind+"/login", `{"code":"`+code+`"}`).wantStatus(b.t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		b.t.Fatal(err)
	}
	if got.User == "" || got.OpenID == "" {
		b.t.Errorf("got %s", a.body)
	}
	return got.Token, got.User
}

// token logs a program in.
func (b *browser) token(code string) string {
	b.t.Helper()
	a := b.post("/_wechat/kiosk/login", `{"code":"`+code+`"}`).wantStatus(b.t, http.StatusOK)
	var got struct {
		Token     string
		User      string
		ExpiresIn int64 `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		b.t.Fatal(err)
	}
	if !strings.HasPrefix(got.Token, "wx1.") || got.ExpiresIn != 604800 || got.User != "mall:"+code {
		b.t.Errorf("got %+v", got)
	}
	return got.Token
}

// atOnce posts n bodies at the same time, and returns how many answers had each status.
func atOnce(w *world, n int, post func(b *browser, i int) response) map[int]int {
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

// newMiniProgramSite makes a site with a mini-program, and a program that posts to it.
func newMiniProgramSite(t *testing.T, options string) (*world, *browser) {
	t.Helper()
	w := newWorldWith(t, simulator.Config{})
	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nmini_program %s %s\nplatform %s\n%s\n}",
		simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret, w.simURL, options))
	return w, w.browser("a program")
}

func tokenOf(t *testing.T, a response) string {
	t.Helper()
	token, _, _ := strings.Cut(a.wantStatus(t, http.StatusOK).body[len(`{"token":"`):], `"`)
	return token
}

func newKioskSite(t *testing.T, options string) (*world, *browser) {
	w := newWorld(t, "kiosk\nuser_id qualified\n"+options)
	return w, w.browser("a program")
}
