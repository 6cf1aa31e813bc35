package caddywechat

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
)

// TestRevocation_WithClocksThatDiffer has an instance whose clock is right, and one whose clock is not. A session of
// the second one that is revoked at the first one ends at both and for good. A login after that is not affected.
func TestRevocation_WithClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{
		-14 * time.Hour, -time.Minute, 0, 30 * time.Second, 2 * time.Minute,
		time.Hour, 14 * time.Hour,
	} {
		for name, request := range map[string]revocation.Request{"user": {User: person}, "all": {All: true}} {
			t.Run(ahead.String()+" "+name, func(t *testing.T) {
				w := newWorld(t, sessionWith("lifetime 30d"))
				right := w.handler
				w.provisionAccount("", sessionWith("lifetime 30d"))
				wrong := w.otherInstance(w.handler, ahead)
				b := w.browser(inWeChat)
				b.login("/")
				w.swap(right)
				b.send("GET", "/").wantStatus(t, http.StatusOK)
				w.advance(time.Second)
				if _, err := right.lease.shared.revoked.Revoke(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				wrong.sync(t)
				wantOver := func(cookie string) {
					t.Helper()
					for _, h := range []*Handler{right, wrong} {
						w.swap(h)
						w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+cookie).
							wantStatus(t, http.StatusUnauthorized)
					}
				}
				before := b.cookie("wechat_session")
				wantOver(before)
				var after []*browser
				for _, h := range []*Handler{right, wrong} {
					w.swap(h)
					again := w.browser(inWeChat)
					again.login("/")
					after = append(after, again)
				}
				for _, later := range []time.Duration{time.Second, max(ahead, time.Minute), 48 * time.Hour} {
					w.advance(later)
					wantOver(before)
					for _, h := range []*Handler{right, wrong} {
						w.swap(h)
						for _, again := range after {
							again.send("GET", "/").wantStatus(t, http.StatusOK)
						}
					}
				}
				// A revocation at the wrong one reaches the right one, and counts from now, not from the wrong clock.
				w.swap(wrong)
				_, err := wrong.lease.shared.revoked.Revoke(t.Context(), revocation.Request{User: person})
				if err != nil {
					t.Fatal(err)
				}
				right.sync(t)
				for _, again := range after {
					wantOver(again.cookie("wechat_session"))
				}
				w.swap(right)
				b.login("/")
				for _, h := range []*Handler{right, wrong} {
					w.swap(h)
					b.send("GET", "/").wantStatus(t, http.StatusOK)
				}
			})
		}
	}
}

// A new process syncs revocations before the first login, since that session would end with the next sync otherwise.
func TestRevocation_IsKnownToANewInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	publish(t, w.handler, operatorJournal, revocation.OfAll(w.now(), w.now().Add(time.Hour)))
	w.provisionAccount("", "")
	w.handler = w.otherInstance(w.handler, 0)
	b := w.browser(inWeChat)
	b.login("/")
	if n := w.exchanges(); n != 1 {
		t.Errorf("it took %d logins", n)
	}
	w.handler.sync(t)
	b.send("GET", "/").wantStatus(t, http.StatusOK)
}

// An instance that has not synced a revocation yet issues a session in place of a revoked one. It ends with the sync,
// however often that was requested.
func TestRevocation_EndsASessionIssuedInPlaceOfARevokedOne(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 30} {
		t.Run(strconv.Itoa(times), func(t *testing.T) {
			w := newWorld(t, "")
			here := w.handler
			w.provisionAccount("", "")
			elsewhere := w.otherInstance(w.handler, 0)
			w.swap(here)
			b := w.browser(inWeChat)
			b.login("/")
			w.advance(time.Minute)
			_, err := elsewhere.lease.shared.revoked.Revoke(t.Context(), revocation.Request{User: person})
			if err != nil {
				t.Fatal(err)
			}
			w.advance(time.Second)
			refused := false
			for range times {
				a := b.send("POST", "/_wechat/logout?others=1", fromThisSite)
				refused = refused || a.StatusCode == http.StatusTooManyRequests && a.Header.Get("Retry-After") != ""
			}
			if refused != (times > 1) {
				t.Errorf("asked %d times: refused is %t", times, refused)
			}
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			here.sync(t)
			elsewhere.sync(t)
			for _, h := range []*Handler{here, elsewhere} {
				w.swap(h)
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
			}
		})
	}
}
