package caddywechat

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// newGeneratedKeyWorld makes a world whose site has no session key, and a browser that is logged in.
func newGeneratedKeyWorld(t *testing.T) (*world, *browser) {
	t.Helper()
	w := startWorld(t, "http", simulator.Config{})
	w.provisionAccount("", "store caddy")
	b := w.browser(inWeChat)
	b.login("/")
	return w, b
}

func withKeys(keys string) string { return "store caddy\nsession {\nkey " + keys + "\n}" }

// generatedKeyLog returns the fields of the log line about a generated key, of which there is at most one.
func (w *world) generatedKeyLog() map[string]any {
	w.t.Helper()
	lines := w.logs.FilterMessageSnippet("session key that was made before").All()
	if len(lines) > 1 {
		w.t.Errorf("%d lines", len(lines))
	}
	if len(lines) == 0 {
		return nil
	}
	return lines[0].ContextMap()
}

func TestGeneratedKey_IsEnoughToLogIn(t *testing.T) {
	for _, store := range []string{"store caddy", "store memory"} {
		w := newWorld(t, store)
		b := w.browser(inWeChat)
		b.login("/")
		if !slices.Contains(b.cookieNames(), "wechat_session") {
			t.Errorf("%s: no session", store)
		}
	}
}

func TestGeneratedKey_OptionalPagesWorkWithoutTheStore(t *testing.T) {
	t.Parallel()
	t.Run("optional pages are served", func(t *testing.T) {
		w := newWorld(t, "store caddy\noptional /o")
		if err := os.WriteFile(filepath.Join(w.storage, "wechat"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		b.open("/o", "Cookie: wechat_session=x").wantStatus(t, http.StatusOK)
		b.open("/page", "Cookie: wechat_session=x").wantStatus(t, http.StatusServiceUnavailable)
	})
}

// A configured session key that replaces a generated one logs nobody out: the generated one opens sessions for another
// lifetime, and seals none.
func TestGeneratedKey_OpensAfterAKeyIsConfigured(t *testing.T) {
	t.Parallel()
	w, b := newGeneratedKeyWorld(t)
	loggedOut := w.browser(inWeChat)
	loggedOut.login("/")
	kept := loggedOut.cookie("wechat_session")
	loggedOut.logout("")
	entry, err := os.ReadFile(filepath.Join(w.storage, "wechat", "session_key"))
	if err != nil {
		t.Fatal(err)
	}
	made := string(entry[8:])
	id, start := b.identity(), w.now()

	w.advance(time.Hour)
	w.provisionAccount("", withKeys(sessionKey))
	w.handler = w.otherInstance(w.handler, 0) // as after a restart
	b.send("GET", "/").wantStatus(t, http.StatusOK)
	w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
	until, _ := w.generatedKeyLog()["until"].(time.Time)
	if want := start.Add(time.Hour + 7*24*time.Hour); until.Unix() != want.Unix() {
		t.Errorf("the log says until %s, want %s", until, want)
	}

	// The generated key does not open what is sealed now.
	fresh := w.browser(inWeChat)
	fresh.login("/")
	w.provisionAccount("", withKeys(made))
	fresh.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	if fields := w.generatedKeyLog(); fields != nil {
		t.Errorf("the generated key is configured, and the log says %v", fields)
	}

	// Neither a change of the keys nor a restart extends the time.
	w.advance(3 * 24 * time.Hour)
	w.provisionAccount("", withKeys(otherKey+" "+sessionKey))
	b.send("GET", "/").wantStatus(t, http.StatusOK)
	again, _ := w.generatedKeyLog()["until"].(time.Time)
	if again.Unix() != until.Unix() {
		t.Errorf("after the keys were exchanged until %s, before until %s", again, until)
	}
	w.provisionAccount("", withKeys(otherKey))
	b.send("GET", "/").wantStatus(t, http.StatusOK)
	if again, _ = w.generatedKeyLog()["until"].(time.Time); again.Unix() != until.Unix() {
		t.Errorf("with the new key alone until %s, before until %s", again, until)
	}

	// After that time the generated key opens nothing, not even a session that was opened before.
	keys, err := seal.NewKeyset([]byte(made))
	if err != nil {
		t.Fatal(err)
	}
	w.advance(until.Sub(w.now()) - time.Hour)
	h := w.handler
	s := h.sessions.New(t.Context(), simulator.DemoAppID, id, 7*24*time.Hour)
	forged, err := keys.Sealer("session").Seal(h.site.Scope(visitor.Origin{Scheme: "http", Host: host}), s)
	if err != nil {
		t.Fatal(err)
	}
	thief := w.browser(inWeChat)
	thief.send("GET", "/", "Cookie: wechat_session="+forged).wantStatus(t, http.StatusOK)
	w.advance(time.Hour)
	thief.send("GET", "/", "Cookie: wechat_session="+forged).wantStatus(t, http.StatusUnauthorized)
	w.provisionAccount("", withKeys(otherKey))
	thief.send("GET", "/", "Cookie: wechat_session="+forged).wantStatus(t, http.StatusUnauthorized)
	if fields := w.generatedKeyLog(); fields != nil {
		t.Errorf("its time has ended, and the log says %v", fields)
	}
}

// A generated key that is removed from the store opens nothing from then on, as the log says.
func TestGeneratedKey_EndsWhenRemoved(t *testing.T) {
	t.Parallel()
	w, b := newGeneratedKeyWorld(t)
	if err := os.Remove(filepath.Join(w.storage, "wechat", "session_key")); err != nil {
		t.Fatal(err)
	}
	w.provisionAccount("", withKeys(sessionKey))
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	if _, err := os.Stat(filepath.Join(w.storage, "wechat", "session_key")); !os.IsNotExist(err) {
		t.Errorf("a key was made: %v", err)
	}
}

// A generated key counts only in a store that is fit for keys.
func TestGeneratedKey_InAStoreUnfitForKeysOpensNothing(t *testing.T) {
	t.Parallel()
	w, b := newGeneratedKeyWorld(t)
	w.unfitForKeys = true
	w.provisionAccount("", withKeys(sessionKey))
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
}

// A site with a key asks a store that fails for a generated one once and for a short time, and reads it when the store
// works.
func TestGeneratedKey_IsReadOnceTheStoreWorks(t *testing.T) {
	t.Parallel()
	w, b := newGeneratedKeyWorld(t)
	w.provisionAccount("", withKeys(sessionKey))
	w.handler = w.otherInstance(w.handler, 0)
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	fresh := w.browser(inWeChat)
	fresh.login("/")
	if w.handler.lease.shared.revoked.Exchange(t.Context()) {
		t.Error("what is revoked was read without the keys to judge it")
	}
	fail = false
	w.handler.sync(t)
	b.send("GET", "/").wantStatus(t, http.StatusOK)
	fresh.send("GET", "/").wantStatus(t, http.StatusOK)
}

// The log says of a failing store what is true: without the key in it there are no logins.
func TestGeneratedKey_LogsOfAFailingStore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits until the keyring asks a store again")
	}
	const goOn = "sessions and silent logins go on"
	w := startWorld(t, "http", simulator.Config{})
	w.provisionAccount("", "store caddy")
	fail := true
	errorLines := func() (messages []string) {
		for _, line := range w.logs.FilterLevelExact(zap.ErrorLevel).All() {
			if line.Message != "request failed" {
				messages = append(messages, line.Message)
			}
		}
		return messages
	}
	w.storeOf(w.handler).failWhen(&fail)
	b := w.browser(inWeChat)
	for range 3 {
		b.open("/").wantStatus(t, http.StatusServiceUnavailable)
	}
	if lines := errorLines(); len(lines) != 1 || strings.Contains(lines[0], goOn) ||
		!strings.Contains(lines[0], "session { key") {
		t.Errorf("without the key: %q", lines)
	}
	fail = false
	time.Sleep(time.Second) // the keyring asks a store that failed once a second
	b.login("/")
	fail = true
	w.handler.lease.works(t.Context())
	b.send("GET", "/").wantStatus(t, http.StatusOK)
	if lines := errorLines(); len(lines) != 2 || !strings.Contains(lines[1], goOn) {
		t.Errorf("with the key at hand: %q", lines)
	}
	// After a reload the key has to be read again.
	w.provisionAccount("", "store caddy")
	w.storeOf(w.handler).failWhen(&fail)
	for range 3 {
		b.open("/").wantStatus(t, http.StatusServiceUnavailable)
	}
	if lines := errorLines(); len(lines) != 1 || !strings.Contains(lines[0], "session key cannot be had") {
		t.Errorf("after a reload: %q", lines)
	}
}
