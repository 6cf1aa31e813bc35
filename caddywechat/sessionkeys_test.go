package caddywechat

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSessionKeys_Rotate(t *testing.T) {
	t.Parallel()
	const newKey = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210"
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	callback := b.callbackFor("/_wechat/login?account=official_account&return_to=/in-progress")
	w.handler = w.newHandler(officialAccount, sessionKeys(newKey, sessionKey))
	b.open("/").wantStatus(t, http.StatusOK)
	b.open(callback).wantRedirect(t, "/in-progress") // now sealed with the new key
	w.handler = w.newHandler(officialAccount, sessionKeys(newKey))
	b.open("/").wantStatus(t, http.StatusOK)
	w.handler = w.newHandler(officialAccount, sessionKeys(sessionKey))
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestSessionKeys_RotateUnderLoadWithoutALogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	newHandler := func(keys []string) *Handler {
		return w.newHandler(officialAccount, "session {\nkey "+strings.Join(keys, " ")+"\nidle 1h\n}")
	}
	const second, third = "second-KHGf4sYb7c8T2Qm9xJ6LpRzW1vN5", "third-aU3eD0iOkPqLwMz8XyCvB7nG2hJ4f"
	steps := [][]string{
		{sessionKey}, {sessionKey, second}, {second, sessionKey}, {second}, {second, third}, {third, second}, {third},
	}
	w.swap(newHandler(steps[0]))
	visitors := make([]*browser, 8)
	for i := range visitors {
		visitors[i] = w.browser(inWeChat)
		visitors[i].login("/")
	}
	for _, keys := range steps[1:] {
		h := newHandler(keys)
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
		// Everyone visits once before an old key is removed.
		w.advance(10 * time.Minute)
		for _, v := range visitors {
			v.open("/").wantStatus(t, http.StatusOK)
		}
	}
}
