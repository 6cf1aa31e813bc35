package caddywechat

import (
	"net/http"
	"testing"
	"time"
)

// From the 50th logout of a person on all of their sessions end, and those of a site where they live longer stay ended.
func TestRevocation_FiftyLogoutsEndALongerSession(t *testing.T) {
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
	begun := w.otherInstance(w.handler, 0)
	begun.sync(t)
	w.swap(begun)
	lasting.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}

// From a person's 50th live entry on, one entry ends all of theirs: here and elsewhere. Nobody else notices.
func TestRevocation_FiftiethLogoutEndsAllSessionsOfAPerson(t *testing.T) {
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
	// When they have ended, each logout is one again.
	w.advance(8 * 24 * time.Hour)
	stays.login("/")
	b.login("/")
	b.send("POST", "/_wechat/logout").wantStatus(t, http.StatusOK)
	stays.send("GET", "/").wantStatus(t, http.StatusOK)
}
