package caddywechat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A revocation request goes through one site of a store, and applies to all sites of this Caddy, on other instances
// too.
func TestRevokeRequest_ReachesSitesWithOtherKeys(t *testing.T) {
	w := startWorld(t, "http", simulator.Config{})
	site := func(key string) *Handler {
		w.provisionAccount("", sessionKeys(key))
		return w.handler
	}
	elsewhere := w.otherInstance(site(sessionKey), 0)
	site(sessionKey)
	site(otherKey)
	for _, body := range []string{`{"user":"` + person + `"}`, `{"all":true}`} {
		w.swap(elsewhere)
		b := w.browser(inWeChat)
		b.login("/")
		if status, text := requestRevocation(t, "POST", body); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, text)
		}
		elsewhere.sync(t)
		b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
	}
}

func TestRevokeRequest_EndsSessions(t *testing.T) {
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
			w.hold("afang")
			other := w.browser(inWeChat)
			other.login("/")
			want := "{\"revoked\":true,\"seen\":1}\n"
			if name == "all" {
				want = "{\"revoked\":true,\"seen\":2}\n"
			}
			if status, text := requestRevocation(t, "POST", body(w)); status != http.StatusOK || text != want {
				t.Fatalf("status %d: %s", status, text)
			}
			b.send("GET", "/").wantJSON(t, http.StatusUnauthorized, "login_required")
			status := http.StatusOK
			if name == "all" {
				status = http.StatusUnauthorized
			}
			other.send("GET", "/").wantStatus(t, status)
			w.hold("xiaoming")
			b.login("/") // a new login is allowed at once
			b.send("GET", "/").wantStatus(t, http.StatusOK)
			if status, _ := requestRevocation(t, "POST", body(w)); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			if name != "session" { // that names the first session
				b.send("GET", "/").wantStatus(t, http.StatusUnauthorized)
			}
			w.advance(2 * time.Second)
			b.login("/")
			w.advance(time.Hour)
			b.send("GET", "/").wantStatus(t, http.StatusOK)
		})
	}
}

func TestRevokeRequest_Invalid(t *testing.T) {
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
		if status, text := requestRevocation(t, "POST", body); status != http.StatusBadRequest ||
			!strings.Contains(text, want) {
			t.Errorf("%.40s: status %d: %s", body, status, text)
		}
	}
	if status, _ := requestRevocation(t, "GET", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", status)
	}
}

func TestRevokeRequest_WithoutASite(t *testing.T) {
	if status, text := requestRevocation(t, "POST", `{"all":true}`); status != http.StatusNotFound ||
		!strings.Contains(text, "wechat_auth") {
		t.Errorf("status %d: %s", status, text)
	}
}

// A person is revoked, logs in again, and is revoked again, all within a second.
func TestRevokeRequest_TwiceInTheSameSecond(t *testing.T) {
	requests := map[string]string{
		"user": `{"user":"` + person + `"}`, "openid": `{"openid":"` + person + `"}`, "all": `{"all":true}`,
	}
	for first, one := range requests {
		for second, other := range requests {
			t.Run(first+" then "+second, func(t *testing.T) {
				w := newWorld(t, "")
				b := w.browser(inWeChat)
				b.login("/")
				for _, body := range []string{one, other} {
					if status, text := requestRevocation(t, "POST", body); status != http.StatusOK {
						t.Fatalf("status %d: %s", status, text)
					}
					b.send("GET", "/").wantJSON(t, http.StatusUnauthorized, "login_required")
					b.login("/")
				}
				w.advance(time.Hour)
				b.send("GET", "/").wantStatus(t, http.StatusOK)
			})
		}
	}
}
