package caddywechat

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
)

// Journals of a store.
const (
	sessionJournal  = "revoked"
	operatorJournal = "revoked-by-operator"
)

// sync reads the revocations of other instances.
func (h *Handler) sync(t *testing.T) {
	t.Helper()
	if !h.lease.shared.revoked.Exchange(t.Context()) {
		t.Fatal("the journals cannot be read")
	}
}

const otherKey = "Zk3rWmX8dNq7Tb5vYc2hJs9LpGf4RuEa"

// oldRecord is a record of the first version, which did not seal them.
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

// publish writes revocations as another instance with the same keys does, and syncs the site.
func publish(t *testing.T, h *Handler, journal string, revocations ...revocation.Revocation) {
	t.Helper()
	for _, record := range revocation.Records(keysFor(t, sessionKey), journal, revocations...) {
		publishRecord(t, h, journal, record)
	}
}

// publishRecord appends a record to a journal of a site's store, and syncs the site.
func publishRecord(t *testing.T, h *Handler, journal string, record []byte) {
	t.Helper()
	if err := h.lease.store.Append(t.Context(), journal, record, time.Hour); err != nil {
		t.Fatal(err)
	}
	h.sync(t)
}

// requestRevocation sends a request to the admin API, and returns the status and the body.
func requestRevocation(t *testing.T, method, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	route := new(Admin).Routes()[0]
	if route.Pattern != "/wechat/revoke" {
		t.Fatalf("it listens at %s", route.Pattern)
	}
	err := route.Handler.ServeHTTP(w, httptest.NewRequest(method, route.Pattern, strings.NewReader(body)))
	if apiErr, ok := errors.AsType[caddy.APIError](err); ok {
		return apiErr.HTTPStatus, apiErr.Err.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Body.String()
}

// sessionID returns the session id in the first log line of a login.
func (w *world) sessionID() string {
	for _, line := range w.logs.FilterMessage("callback").All() {
		if id, ok := line.ContextMap()["session"].(string); ok {
			return id
		}
	}
	return ""
}
