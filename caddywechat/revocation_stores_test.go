package caddywechat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// TestOneStoresRevocationsEndNothingOfAnothers: two sites of one process, each with a store of its own.
func TestOneStoresRevocationsEndNothingOfAnothers(t *testing.T) {
	w := newWorld(t, "")
	kept := w.handler
	other := w.provision(fmt.Sprintf("wechat_auth {\nofficial_account %s %s\nplatform %s\nstore memory\nsession {\nkey %s\n}\n}",
		simulator.DemoAppID, simulator.DemoSecret, w.simURL, sessionKey))
	b := w.browser(inWeChat)
	b.login("/")
	text, err := session.RevokeAll(w.now()).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.store.Append(t.Context(), operatorJournal, text, time.Hour); err != nil {
		t.Fatal(err)
	}
	other.readRevocations(t.Context(), []store.Reader{other.store.Follow(operatorJournal)})

	b.send("GET", "/").wantStatus(t, http.StatusOK)
	w.swap(other)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	w.swap(kept)
	b.send("GET", "/").wantStatus(t, http.StatusOK)
}
