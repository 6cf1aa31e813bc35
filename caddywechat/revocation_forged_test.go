package caddywechat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

const otherKey = "Zk3rWmX8dNq7Tb5vYc2hJs9LpGf4RuEa"

// oldRecord is what the first version wrote into journals: anybody can.
func oldRecord(subject byte, of [16]byte, at time.Time) []byte {
	b := append([]byte{1, subject}, of[:]...)
	return seal.AppendNumber(seal.AppendNumber(b, uint64(at.Unix())), uint64(at.Add(time.Hour).Unix()))
}

func keysFor(t *testing.T, secrets ...string) []seal.Key {
	t.Helper()
	var all [][]byte
	for _, secret := range secrets {
		all = append(all, []byte(secret))
	}
	keys, err := seal.NewKeys("revocation", all...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Whoever can write to a store logs nobody out. What an older version wrote can be anybody's where the store is not the
// place for the session key; where it is, whoever writes there could be anybody anyway, and it counts.
func TestAForgedRecordEndsNothing(t *testing.T) {
	for _, keepsKeys := range []bool{false, true} {
		t.Run(fmt.Sprint("keeps keys: ", keepsKeys), func(t *testing.T) {
			w := newWorld(t, "")
			w.keepsNoKey = !keepsKeys
			w.provisionAccount("", "")
			b := w.browser(inWeChat)
			b.login("/")
			forged := revocation.Records(keysFor(t, otherKey), operatorJournal, revocation.OfAll(w.now(), w.now().Add(time.Hour)))[0]
			hear(t, w.handler, operatorJournal, forged)
			renamed := append([]byte{forged[0], forged[1]}, keysFor(t, sessionKey)[0].ID[:]...)
			hear(t, w.handler, operatorJournal, append(renamed, forged[len(renamed):]...))
			moved := revocation.Records(keysFor(t, sessionKey), sessionJournal, revocation.OfAll(w.now(), w.now().Add(time.Hour)))[0]
			hear(t, w.handler, operatorJournal, moved)
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			for message, want := range map[string]int{"forged or damaged": 1, "other session keys": 1} {
				if n := w.logs.FilterMessageSnippet(message).Len(); n != want {
					t.Errorf("%d lines about what is %s", n, message)
				}
			}

			hear(t, w.handler, operatorJournal, oldRecord(4, [16]byte{}, w.now()))
			hear(t, w.handler, operatorJournal, oldRecord(2, revocation.UserSubject(person), w.now()))
			hear(t, w.handler, operatorJournal, oldRecord(3, revocation.OpenIDSubject(person), w.now()))
			status, lines := http.StatusOK, 1
			if keepsKeys {
				status, lines = http.StatusUnauthorized, 0
			}
			b.send("GET", "/").wantStatus(t, status)
			if n := w.logs.FilterMessageSnippet("older version wrote").Len(); n != lines {
				t.Errorf("%d lines about what an older version wrote", n)
			}
		})
	}
}

// Nobody who logged out before an upgrade is logged in again by it.
func TestALogoutFromBeforeTheUpgradeCounts(t *testing.T) {
	w := newWorld(t, "")
	w.keepsNoKey = true
	w.provisionAccount("", "")
	b := w.browser(inWeChat)
	b.login("/")
	id, err := session.ParseID(w.sessionID())
	if err != nil {
		t.Fatal(err)
	}
	hear(t, w.handler, sessionJournal, oldRecord(1, id, w.now()))
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}

// Keys are exchanged on one instance after the other: what either revokes the other one hears.
func TestRevocationsWhileKeysAreExchanged(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	site := func(keys string) *Handler {
		w.provisionAccount("", "session {\nkey "+keys+"\n}")
		return w.handler
	}
	here, there := site(otherKey+" "+sessionKey), w.apart(site(sessionKey), 0)
	for _, from := range []*Handler{here, there} {
		w.swap(there) // whose sessions both open
		b := w.browser(inWeChat)
		b.login("/")
		kept := b.cookie("wechat_session")
		w.swap(from)
		b.logout("").wantStatus(t, http.StatusOK)
		for _, h := range []*Handler{here, there} {
			h.read(t)
			w.swap(h)
			w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
		}
	}
}

// An operator's order goes through one site of a store, and is for all that this Caddy has: on other instances, too.
func TestAnOrderReachesSitesWithOtherKeys(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	site := func(key string) *Handler {
		w.provisionAccount("", "session {\nkey "+key+"\n}")
		return w.handler
	}
	elsewhere := w.apart(site(sessionKey), 0)
	site(sessionKey)
	site(otherKey)
	for _, body := range []string{`{"user":"` + person + `"}`, `{"all":true}`} {
		w.swap(elsewhere)
		b := w.browser(inWeChat)
		b.login("/")
		if status, text := order(t, "POST", body); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, text)
		}
		elsewhere.read(t)
		b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	}
}
