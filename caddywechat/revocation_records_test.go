package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// Write access to a store is not enough to log anybody out. Records of an older version, which are not sealed, count
// only where the store also has the session key: write access is as good as the key there.
func TestRevocation_ForgedRecordsAreIgnored(t *testing.T) {
	t.Parallel()
	for _, fitForKeys := range []bool{false, true} {
		t.Run(fmt.Sprint("store fit for keys: ", fitForKeys), func(t *testing.T) {
			w := newWorld(t, "")
			w.unfitForKeys = !fitForKeys
			w.provisionAccount("", "")
			b := w.browser(inWeChat)
			b.login("/")
			forged := revocation.Records(keysFor(t, otherKey), operatorJournal,
				revocation.OfAll(w.now(), w.now().Add(time.Hour)))[0]
			publishRecord(t, w.handler, operatorJournal, forged)
			renamed := append([]byte{forged[0], forged[1]}, keysFor(t, sessionKey)[0].ID[:]...)
			publishRecord(t, w.handler, operatorJournal, append(renamed, forged[len(renamed):]...))
			moved := revocation.Records(keysFor(t, sessionKey), sessionJournal,
				revocation.OfAll(w.now(), w.now().Add(time.Hour)))[0]
			publishRecord(t, w.handler, operatorJournal, moved)
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			for message, want := range map[string]int{"forged or damaged": 1, "other session keys": 1} {
				if n := w.logs.FilterMessageSnippet(message).Len(); n != want {
					t.Errorf("%d lines about what is %s", n, message)
				}
			}

			publishRecord(t, w.handler, operatorJournal, oldRecord(4, [16]byte{}, w.now()))
			publishRecord(t, w.handler, operatorJournal, oldRecord(2, revocation.UserSubject(person), w.now()))
			publishRecord(t, w.handler, operatorJournal, oldRecord(3, revocation.OpenIDSubject(person), w.now()))
			status, lines := http.StatusOK, 1
			if fitForKeys {
				status, lines = http.StatusUnauthorized, 0
			}
			b.send("GET", "/").wantStatus(t, status)
			if n := w.logs.FilterMessageSnippet("older version wrote").Len(); n != lines {
				t.Errorf("%d lines about what an older version wrote", n)
			}
		})
	}
}

// A logout before an upgrade holds after it.
func TestRevocation_LogoutRecordsOfAnOlderVersionCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.unfitForKeys = true
	w.provisionAccount("", "")
	b := w.browser(inWeChat)
	b.login("/")
	id, err := session.ParseID(w.sessionID())
	if err != nil {
		t.Fatal(err)
	}
	publishRecord(t, w.handler, sessionJournal, oldRecord(1, id, w.now()))
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}

// While keys are replaced on one instance after the other, both read each other's revocations.
func TestRevocation_WhileKeysAreReplaced(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "http", simulator.Config{})
	site := func(keys string) *Handler {
		w.provisionAccount("", sessionKeys(keys))
		return w.handler
	}
	here, there := site(otherKey+" "+sessionKey), w.otherInstance(site(sessionKey), 0)
	for _, from := range []*Handler{here, there} {
		w.swap(there) // both open its sessions
		b := w.browser(inWeChat)
		b.login("/")
		kept := b.cookie("wechat_session")
		w.swap(from)
		b.logout("").wantStatus(t, http.StatusOK)
		for _, h := range []*Handler{here, there} {
			h.sync(t)
			w.swap(h)
			w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
		}
	}
}

// TestRevocation_IsPerStore has two sites in one process, each with its own store.
func TestRevocation_IsPerStore(t *testing.T) {
	w := newWorld(t, "")
	kept := w.handler
	other := w.newHandler(officialAccount, "store memory", sessionKeys(sessionKey))
	w.hold("afang") // whom no other test revokes in the memory store, which outlives this test
	b := w.browser(inWeChat)
	user := strings.TrimPrefix(b.login("/").body, "app ")
	publish(t, other, operatorJournal, revocation.OfPerson(w.now(), w.now().Add(time.Hour),
		revocation.UserSubject(user)))

	b.send("GET", "/").wantStatus(t, http.StatusOK)
	w.swap(other)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	w.swap(kept)
	b.send("GET", "/").wantStatus(t, http.StatusOK)
}

func TestRevocation_OfAnotherInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	publish(t, w.handler, sessionJournal, revocation.OfPerson(w.now(), w.now().Add(time.Hour),
		revocation.UserSubject(person)))
	for range 2 {
		publishRecord(t, w.handler, sessionJournal, []byte("of a later version"))
	}
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	if n := w.logs.FilterMessageSnippet("not understood").Len(); n != 1 {
		t.Errorf("%d lines about what was not understood", n)
	}
}

func TestRevocation_LogoutIsPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	values, err := w.handler.lease.store.Follow(sessionJournal).Read(t.Context())
	if err != nil || len(values) != 1 {
		t.Errorf("%d revocations in the store, %v", len(values), err)
	}
}
