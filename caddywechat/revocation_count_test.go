package caddywechat

import (
	"net/http"
	"testing"
	"time"
)

// With the 50th logout of a person all of their sessions end, also those of a site with a longer lifetime.
func TestRevocation_FiftyLogoutsEndALongerSession(t *testing.T) {
	t.Parallel()
	const options = "session {\nkey " + sessionKey + "\nlifetime "
	w := newWorld(t, options+"1h\n}")
	short := w.handler
	w.provisionAccount("", options+"30d\n}")
	long := w.handler
	lasting := w.browser(inWeChat)
	lasting.login("/")
	w.swap(short)
	for range 50 {
		b := w.browser(inWeChat)
		b.login("/")
		b.logout("")
	}
	w.swap(long)
	lasting.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	w.advance(61 * time.Minute)
	w.provisionAccount("", options+"30d\n}")
	restarted := w.otherInstance(w.handler, 0)
	restarted.sync(t)
	w.swap(restarted)
	lasting.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}

// With a person's 50th revocation in force, one entry ends all of their sessions on all instances, and nobody else's.
func TestRevocation_FiftiethLogoutEndsAllSessionsOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	here := w.handler
	w.provisionAccount("", "")
	elsewhere := w.otherInstance(w.handler, 0)
	w.swap(here)
	w.hold("afang")
	other := w.browser(inWeChat)
	other.login("/")
	w.hold("xiaoming")
	stays := w.browser(inWeChat)
	stays.login("/")
	b := w.browser(inWeChat)
	for n := 1; n <= 52; n++ {
		b.login("/")
		kept := b.cookie("wechat_session")
		b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
		elsewhere.sync(t)
		want := http.StatusOK
		if n >= 50 {
			want = http.StatusUnauthorized
		}
		for _, h := range []*Handler{here, elsewhere} {
			w.swap(h)
			if got := stays.send("GET", "/").StatusCode; got != want {
				t.Fatalf("after %d logouts: status %d, want %d", n, got, want)
			}
			w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
			other.send("GET", "/").wantStatus(t, http.StatusOK)
		}
		w.swap(here)
	}
	// When these have expired, a logout ends one session again.
	w.advance(8 * 24 * time.Hour)
	stays.login("/")
	b.login("/")
	b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
	stays.send("GET", "/").wantStatus(t, http.StatusOK)
}
