package caddywechat

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestSessionKeys_Rotate(t *testing.T) {
	const newKey = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210"
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	callback := b.callbackFor("/_wechat/login?account=official_account&return_to=/in-progress")
	directive := func(keys string) string {
		return "wechat_auth {\nofficial_account " + simulator.DemoAppID + " " + simulator.DemoSecret + "\nplatform " + w.simURL +
			"\nsession {\nkey " + keys + "\n}\n}"
	}
	w.handler = w.provision(directive(newKey + " " + sessionKey))
	b.open("/").wantStatus(t, http.StatusOK)
	b.open(callback).wantRedirect(t, "/in-progress") // now sealed with the new key
	w.handler = w.provision(directive(newKey))
	b.open("/").wantStatus(t, http.StatusOK)
	w.handler = w.provision(directive(sessionKey))
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestSessionKeys_RotateUnderLoadWithoutALogout(t *testing.T) {
	w := newWorld(t, "")
	directive := func(keys ...string) string {
		return "wechat_auth {\nofficial_account " + simulator.DemoAppID + " " + simulator.DemoSecret + "\nplatform " + w.simURL +
			"\nsession {\nkey " + strings.Join(keys, " ") + "\nidle 1h\n}\n}"
	}
	const second, third = "second-KHGf4sYb7c8T2Qm9xJ6LpRzW1vN5", "third-aU3eD0iOkPqLwMz8XyCvB7nG2hJ4f"
	steps := [][]string{
		{sessionKey}, {sessionKey, second}, {second, sessionKey}, {second}, {second, third}, {third, second}, {third},
	}
	w.swap(w.provision(directive(steps[0]...)))
	visitors := make([]*browser, 8)
	for i := range visitors {
		visitors[i] = w.browser(inWeChat)
		visitors[i].login("/")
	}
	for _, keys := range steps[1:] {
		h := w.provision(directive(keys...))
		var wait sync.WaitGroup
		for _, v := range visitors {
			wait.Go(func() {
				for range 20 {
					if a := v.open("/"); a.StatusCode != http.StatusOK {
						t.Errorf("keys %.10q: status %d", keys, a.StatusCode)
						return
					}
				}
			})
		}
		w.swap(h)
		wait.Wait()
		// Everyone comes by once before an old key goes.
		w.advance(10 * time.Minute)
		for _, v := range visitors {
			v.open("/").wantStatus(t, http.StatusOK)
		}
	}
}
