package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// tell lets a site hear what another instance with the same keys revoked.
func tell(t *testing.T, h *Handler, journal string, revocations ...revocation.Revocation) {
	t.Helper()
	for _, record := range revocation.Records(keysFor(t, sessionKey), journal, revocations...) {
		hear(t, h, journal, record)
	}
}

// hear lets a site hear a record in a journal of its store.
func hear(t *testing.T, h *Handler, journal string, record []byte) {
	t.Helper()
	if err := h.lease.store.Append(t.Context(), journal, record, time.Hour); err != nil {
		t.Fatal(err)
	}
	h.read(t)
}

// TestOneStoresRevocationsEndNothingOfAnothers: two sites of one process, each with a store of its own.
func TestOneStoresRevocationsEndNothingOfAnothers(t *testing.T) {
	w := newWorld(t, "")
	kept := w.handler
	other := w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nstore memory\nsession {\nkey %s\n}\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL, sessionKey))
	if err := w.sim.Hold("afang"); err != nil { // whom no other test revokes in memory, which outlives this one
		t.Fatal(err)
	}
	b := w.browser(inWeChat)
	user := strings.TrimPrefix(b.login("/").body, "app ")
	tell(t, other, operatorJournal, revocation.OfPerson(w.now(), w.now().Add(time.Hour), revocation.UserSubject(user)))

	b.send("GET", "/").wantStatus(t, http.StatusOK)
	w.swap(other)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	w.swap(kept)
	b.send("GET", "/").wantStatus(t, http.StatusOK)
}

// From the 50th logout of a person on all of their sessions end, and those of a site where they live longer stay ended.
func TestManyLogoutsEndALongerLivedSession(t *testing.T) {
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
	w.pass(61 * time.Minute)
	w.provisionAccount("", options+"30d\n}")
	begun := w.apart(w.handler, 0)
	begun.read(t)
	w.swap(begun)
	lasting.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}
