package caddywechat

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// order gives the admin API an order, and returns the status.
func order(t *testing.T, method, body string) (int, string) {
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

// sessionID returns the id in the log's last line about a login.
func (w *world) sessionID() string {
	for _, line := range w.logs.FilterMessage("callback").All() {
		if id, ok := line.ContextMap()["session"].(string); ok {
			return id
		}
	}
	return ""
}

func TestRevoke(t *testing.T) {
	for name, body := range map[string]func(*world) string{
		"user":    func(*world) string { return `{"user":"` + person + `"}` },
		"openid":  func(*world) string { return `{"openid":"` + person + `"}` },
		"session": func(w *world) string { return `{"session":"` + w.sessionID() + `"}` },
		"all":     func(*world) string { return `{"all":true}` },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			b := w.browser(inWeChat)
			b.login("/")
			if err := w.sim.Hold("afang"); err != nil {
				t.Fatal(err)
			}
			other := w.browser(inWeChat)
			other.login("/")
			want := "{\"revoked\":true,\"seen\":1}\n"
			if name == "all" {
				want = "{\"revoked\":true,\"seen\":2}\n"
			}
			if status, text := order(t, "POST", body(w)); status != http.StatusOK || text != want {
				t.Fatalf("status %d: %s", status, text)
			}
			b.send("GET", "/").wantJSON(t, http.StatusUnauthorized, "login_required")
			status := http.StatusOK
			if name == "all" {
				status = http.StatusUnauthorized
			}
			other.send("GET", "/").wantStatus(t, status)
			if err := w.sim.Hold("xiaoming"); err != nil {
				t.Fatal(err)
			}
			b.login("/") // whoever was revoked may come again, at once
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			if status, _ := order(t, "POST", body(w)); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			if name != "session" { // that was another one
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
			}
			w.pass(2 * time.Second)
			b.login("/")
			w.pass(time.Hour)
			b.send("GET", "/").wantStatus(t, http.StatusOK)
		})
	}
}

func TestRevocationsOfOtherInstances(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	tell(t, w.handler, sessionJournal, revocation.OfPerson(w.now(), w.now().Add(time.Hour), revocation.UserSubject(person)))
	for range 2 {
		hear(t, w.handler, sessionJournal, []byte("of a later version"))
	}
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	if n := w.logs.FilterMessageSnippet("not understood").Len(); n != 1 {
		t.Errorf("%d lines about what was not understood", n)
	}
}

func TestALogoutIsTold(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	values, err := w.handler.lease.store.Follow(sessionJournal).Read(t.Context())
	if err != nil || len(values) != 1 {
		t.Errorf("%d revocations in the store, %v", len(values), err)
	}
}

// failingStore fails when it is told to.
type failingStore struct {
	store.Store
	fail *bool
}

func (s failingStore) Append(ctx context.Context, journal string, value []byte, life time.Duration) error {
	if *s.fail {
		return store.ErrStore
	}
	return s.Store.Append(ctx, journal, value, life)
}

func (s failingStore) Get(ctx context.Context, key string) ([]byte, error) {
	if *s.fail {
		return nil, store.ErrStore
	}
	return s.Store.Get(ctx, key)
}

func TestAStoreThatFails(t *testing.T) {
	w := newWorld(t, "")
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b, other := w.browser(inWeChat), w.browser(inWeChat)
	b.login("/")
	other.login("/")

	b.logout("").wantStatus(t, http.StatusOK)
	b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	other.send("GET", "/").wantStatus(t, http.StatusOK)
	if status, text := order(t, "POST", `{"openid":"`+person+`"}`); status != http.StatusServiceUnavailable || !strings.Contains(text, "revoked here") {
		t.Errorf("status %d: %s", status, text)
	}
	other.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	b.open("/_wechat/health").wantStatus(t, http.StatusServiceUnavailable)
	w.pass(2 * time.Second)
	b.login("/page") // a silent login needs no store
	if n := w.logs.FilterMessageSnippet("the store cannot be").Len(); n != 2 {
		t.Errorf("%d lines say so, want one for reading and one for writing", n)
	}

	fail = false
	w.handler.lease.shared.revoked.Exchange(t.Context())
	for _, journal := range []string{sessionJournal, operatorJournal} {
		if values, err := w.handler.lease.store.Follow(journal).Read(t.Context()); err != nil || len(values) != 1 {
			t.Errorf("%d revocations in %s, %v", len(values), journal, err)
		}
	}
	b.open("/_wechat/health").wantStatus(t, http.StatusOK)
	if n := w.logs.FilterMessageSnippet("again").Len(); n != 2 {
		t.Errorf("%d lines say that it works again, want 2", n)
	}
}

func TestBadOrders(t *testing.T) {
	newWorld(t, "")
	for body, want := range map[string]string{
		`{}`:                      "exactly one",
		`{"user":""}`:             "exactly one",
		`{"user":"a","all":true}`: "exactly one",
		`{"session":"x"}`:         "hex digits",
		`{"nickname":"a"}`:        "nickname",
		`{"all":"yes"}`:           "all",
		`not JSON`:                "invalid",
		`{"user":"` + strings.Repeat("a", longestRequest) + `"}`: "too large",
	} {
		if status, text := order(t, "POST", body); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%.40s: status %d: %s", body, status, text)
		}
	}
	if status, _ := order(t, "GET", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", status)
	}
}

func TestNobodyToRevoke(t *testing.T) {
	if status, text := order(t, "POST", `{"all":true}`); status != http.StatusNotFound || !strings.Contains(text, "wechat_auth") {
		t.Errorf("status %d: %s", status, text)
	}
}

func TestTheLastSiteTellsWhatTheStoreDidNotTake(t *testing.T) {
	w := newWorld(t, "")
	fail := true
	bare := w.handler.lease.store.(store.Watched).Store
	w.storeOf(w.handler).failWhen(&fail)
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("")
	fail = false
	if err := w.handler.Cleanup(); err != nil {
		t.Fatal(err)
	}
	wantJournal(t, bare, sessionJournal, 1)
}

// wantJournal waits until a journal has so many records.
func wantJournal(t *testing.T, s store.Store, journal string, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		values, err := s.Follow(journal).Read(t.Context())
		if err == nil && len(values) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d revocations in the store, %v, want %d", len(values), err, want)
		}
	}
}

func TestALogoutFindsTheSessionAmongPlantedCookies(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	kept := b.cookie("wechat_session")
	planted := strings.Repeat("wechat_session=x; ", 6)
	b.send("POST", "/_wechat/logout", "Cookie: "+planted+"wechat_session="+kept)
	w.browser(inWeChat).send("GET", "/", "Cookie: wechat_session="+kept).wantStatus(t, http.StatusUnauthorized)
}

// Who was revoked logs in again at once, and is revoked again, all within a second.
func TestRevokeAgainInTheSameSecond(t *testing.T) {
	orders := map[string]string{
		"user": `{"user":"` + person + `"}`, "openid": `{"openid":"` + person + `"}`, "all": `{"all":true}`,
	}
	for first, one := range orders {
		for second, other := range orders {
			t.Run(first+" then "+second, func(t *testing.T) {
				w := newWorld(t, "")
				b := w.browser(inWeChat)
				b.login("/")
				for _, body := range []string{one, other} {
					if status, text := order(t, "POST", body); status != http.StatusOK {
						t.Fatalf("status %d: %s", status, text)
					}
					b.send("GET", "/").wantJSON(t, http.StatusUnauthorized, "login_required")
					b.login("/")
				}
				w.pass(time.Hour)
				b.send("GET", "/").wantStatus(t, http.StatusOK)
			})
		}
	}
}
