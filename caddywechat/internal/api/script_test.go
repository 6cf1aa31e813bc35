package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestMe_TellsWhoIsThere(t *testing.T) {
	w := newWorld(t, sitetest.Options{Idle: time.Hour})
	b := w.Browser()
	body := b.Open(w.Me, "/_wechat/me", sitetest.Fetch).WantWord(t, http.StatusUnauthorized, "login_required")
	if body["login_url"] == nil {
		t.Errorf("got %v", body)
	}
	s := w.Session(w.program, "o-emma", identity.Nickname, "Emma")
	b.LogIn(s)
	body = b.Open(w.Me, "/_wechat/me").Want(t, http.StatusOK).JSON(t)
	for name, want := range map[string]string{
		"openid": "o-emma", "nickname": "Emma", "id": "o-emma", "account": "program", "app_id": "wxp",
		"expires_at": "2026-11-20T10:00:00Z",
	} {
		if body[name] != want {
			t.Errorf("%s is %v, want %s", name, body[name], want)
		}
	}
	b.UseToken(s) // which is never idle
	if body = b.Open(w.Me, "/_wechat/me").JSON(t); body["expires_at"] != "2026-11-21T09:00:00Z" {
		t.Errorf("got %v", body)
	}
	keys := w.switchKeys()
	keys.off = store.ErrStore
	b.Open(w.Me, "/_wechat/me", sitetest.Fetch).WantWord(t, http.StatusServiceUnavailable, "store_unavailable")
}

func TestHealth_AsksForKeysAndStore(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	a := w.Browser().Open(w.Health, "/_wechat/health").Want(t, http.StatusOK)
	if a.Body != "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v, %s", a.Header, a.Body)
	}
	keys := w.switchKeys()
	keys.off = store.ErrStore
	w.Browser().Open(w.Health, "/_wechat/health").Want(t, http.StatusServiceUnavailable)
	keys.off = nil
	w.config.Works = func(context.Context) bool { return false }
	w.API = api.New(w.config)
	w.Browser().Open(w.Health, "/_wechat/health").Want(t, http.StatusServiceUnavailable)
}
