package session

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestManager_ANewSessionSurvivesWhatWasRevokedBefore(t *testing.T) {
	w := newWorld(t, nil)
	w.revoked.survives = login.Add(time.Minute)
	s := w.New(t.Context(), "wx1/7", silent(), time.Hour)
	if !s.Survives.Equal(w.revoked.survives) || s.Account != "wx1/7" || w.revoked.awaited != 1 {
		t.Errorf("got %+v, waited %d times", s, w.revoked.awaited)
	}
	if want := login.Truncate(time.Second); !s.Created.Equal(want) || !s.Expires.Equal(want.Add(time.Hour)) {
		t.Errorf("from %s to %s", s.Created, s.Expires)
	}
}

func TestManager_ATokenIsOverWithItsLife(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	token, expires, err := w.Token(t.Context(), h5, s)
	if err != nil || !strings.HasPrefix(token, tokenPrefix) || !expires.Equal(s.Created.Add(day)) {
		t.Errorf("%s until %s, %v", token, expires, err)
	}
}

func TestManager_ACookieIsKeptAsLongAsItsSession(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	w.now = s.Created.Add(20 * time.Minute)
	c, err := w.Cookie(t.Context(), h5, s)
	if err != nil || c.MaxAge != 40*60 || c.Name != "__Host-wechat_session" || !c.Secure {
		t.Errorf("%+v, %v", c, err)
	}
	if c := w.Removal(h5); c.MaxAge >= 0 || c.Name != "__Host-wechat_session" || c.Value != "" {
		t.Errorf("removal: %+v", c)
	}
}

func TestManager_TouchesWhereASessionWouldEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		idle      time.Duration
		after     time.Duration
		refreshed bool
		change    func(*visitor.Request)
		want      bool
	}{
		"just now":                  {idle: time.Hour, after: time.Minute},
		"a while ago":               {idle: time.Hour, after: 6 * time.Minute, want: true},
		"nobody is idle":            {after: 6 * time.Hour},
		"nobody is idle, refreshed": {after: time.Second, refreshed: true, want: true},
		"just now, refreshed":       {idle: time.Hour, after: time.Second, refreshed: true, want: true},
		"a script's": {
			idle: time.Hour, after: 30 * time.Minute,
			change: func(r *visitor.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") },
		},
		"a script's, refreshed": {
			idle: time.Hour, after: time.Second, refreshed: true,
			change: func(r *visitor.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") },
		},
		"a post": {
			idle: time.Hour, after: 30 * time.Minute, change: func(r *visitor.Request) { r.Method = http.MethodPost },
		},
		"a program's": {
			idle: time.Hour, after: 30 * time.Minute, refreshed: true,
			change: func(r *visitor.Request) { r.Tokens = []string{tokenPrefix} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.Policy.Idle = tt.idle })
			s := w.login(t)
			r := get(t, h5)
			if tt.change != nil {
				tt.change(r)
			}
			w.now = s.Seen.Add(tt.after)
			c, err := w.Touch(r, &s, tt.refreshed)
			if err != nil || (c != nil) != tt.want {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

func TestManager_ATouchedSessionIsTheSameAndWasSeenNow(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	found, err := w.Find(get(t, h5, w.cookie(t, h5, s)))
	if err != nil || found == nil {
		t.Fatal(found, err)
	}
	w.now = s.Seen.Add(30*time.Minute + time.Millisecond)
	c, err := w.Touch(get(t, h5), found, false)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if !found.Seen.Equal(s.Seen) {
		t.Error("the session that requests share was changed")
	}
	w.now = s.Seen.Add(89 * time.Minute)
	again, err := w.Find(get(t, h5, visitor.Cookie{Name: c.Name, Value: c.Value}))
	if err != nil || again == nil {
		t.Fatal(again, err)
	}
	if again.ID != s.ID || !again.Created.Equal(s.Created) || !again.Seen.Equal(s.Seen.Add(30*time.Minute)) {
		t.Errorf("got %+v, had %+v", again, s)
	}
}

func TestManager_WhatCannotBeTouchedIsAnError(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	w.now = s.Seen.Add(30 * time.Minute)
	w.keys.err = errNoKeys
	if _, err := w.Touch(get(t, h5), &s, false); !errors.Is(err, errNoKeys) {
		t.Error(err)
	}
	w.keys.err = nil
	s.Identity = s.Identity.With(identity.Departments, departments(500))
	if c, err := w.Touch(get(t, h5), &s, false); !errors.Is(err, ErrTooLong) || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestManager_FitsASessionIntoItsCookie(t *testing.T) {
	w := newWorld(t, nil)
	s := w.login(t)
	s.Identity = longest().With(identity.Nickname, strings.Repeat("n", 300)).
		With(identity.Avatar, strings.Repeat("a", 700))
	fitting, err := w.Fit(s, h5)
	if err != nil || fitting.Identity.Get(identity.Avatar) != "" {
		t.Fatalf("got %+v, %v", fitting, err)
	}
	c, err := w.Cookie(t.Context(), h5, fitting)
	if err != nil || len(c.String()) > maxCookie {
		t.Errorf("a cookie of %d bytes, %v", len(c.String()), err)
	}
}

func TestManager_SeesTheLiveSessionsOfItsSite(t *testing.T) {
	before := newWorld(t, nil)
	w := newWorld(t, func(c *Config) { c.Cache = before.Cache })
	after := newWorld(t, func(c *Config) { c.Cache = before.Cache })
	seen := func(w *world) map[ID]int {
		all := make(map[ID]int)
		for s := range w.Seen() {
			all[s.ID]++
		}
		return all
	}
	browser, program, gone := w.login(t), w.login(t), w.login(t)
	for _, s := range []Session{browser, gone} {
		if !w.finds(t, get(t, h5, w.cookie(t, h5, s)), s) {
			t.Fatal("not found")
		}
	}
	if !w.finds(t, withTokens(t, w.token(t, program)), program) {
		t.Fatal("not found")
	}
	w.revoked.ended[gone.ID] = true
	w.now = w.now.Add(2 * time.Hour) // idle, which nobody is for good
	if all := seen(w); len(all) != 2 || all[browser.ID] != 1 || all[program.ID] != 1 {
		t.Errorf("seen: %v", all)
	}
	for _, other := range []*world{before, after} {
		if all := seen(other); len(all) != 0 {
			t.Errorf("another site has seen %v", all)
		}
	}
	for range w.Seen() {
		break // which ends it
	}
}
