package caddywechat

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// programLogin is what a program gets for its code.
type programLogin struct {
	Token, User, OpenID string
	ExpiresIn           int64 `json:"expires_in"`
}

// loginProgram logs a program in by an account of a kind.
func (b *browser) loginProgram(kind, code string) (login programLogin) {
	b.t.Helper()
	a := b.post("/_wechat/"+kind+"/login", `{"code":"`+code+`"}`).wantStatus(b.t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &login); err != nil {
		b.t.Fatalf("%v in %s", err, a.body)
	}
	if !strings.HasPrefix(login.Token, "wx1.") || login.ExpiresIn != 604800 || login.User == "" {
		b.t.Errorf("got %s", a.body)
	}
	return login
}

// token logs a program in at a kiosk, and returns its token.
func (b *browser) token(code string) string {
	b.t.Helper()
	login := b.loginProgram("kiosk", code)
	if login.User != "mall:"+code {
		b.t.Errorf("got %+v", login)
	}
	return login.Token
}

// miniProgramCode returns the code that wx.login gives a program.
func (w *world) miniProgramCode(personID string) string {
	w.t.Helper()
	code, err := w.sim.MiniProgramLogin(simulator.DemoMiniProgramAppID, personID)
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// atOnce sends n requests at the same time, and returns how many responses had each status.
func atOnce(w *world, n int, send func(b *browser, i int) response) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	got := make(map[int]int)
	for i := range n {
		b := w.browser("a program")
		all.Go(func() {
			a := send(b, i)
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
	w.handler = w.newHandler(miniProgramAccount, options)
	return w, w.browser("a program")
}

// newKioskSite makes a site with kiosks, and a program that posts to it.
func newKioskSite(t *testing.T, options string) (*world, *browser) {
	w := newWorld(t, "kiosk\nuser_id qualified\n"+options)
	return w, w.browser("a program")
}
