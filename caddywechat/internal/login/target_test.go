package login

import (
	"errors"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
)

func TestPutTarget_AsksNoStoreInVain(t *testing.T) {
	p := sitetest.New(t, sitetest.Options{})
	f := NewFlow(Config{Site: p.Site, Vault: p.Vault, Status: p.Status, Now: p.Clock.Now})
	r, calls := p.Browser().Request("GET", "/"), 0
	put := func(want error, wantCalls int) {
		t.Helper()
		if err := f.putTarget(r, Attempt{State: "x"}, "/page"); !errors.Is(err, want) || calls != wantCalls {
			t.Errorf("got %v after %d calls, want %v after %d", err, calls, want, wantCalls)
		}
	}
	p.Store.Before(func(method, _ string) error {
		if method == "Put" {
			calls++
		}
		return nil
	})
	put(nil, 1)
	for range maxTargets {
		f.targets.add(p.Clock.Now())
	}
	put(errTooManyTargets, 1)
	p.Clock.Pass(Lifetime + time.Second)
	put(nil, 2)
	p.Store.Fail("Get")
	p.Works(t.Context())
	put(errStoreFails, 2)
}

func TestWaitingTargets_AreBounded(t *testing.T) {
	var waiting waitingTargets
	now := time.Now()
	for range maxTargets {
		if !waiting.add(now) {
			t.Fatal("no room")
		}
	}
	if waiting.add(now.Add(Lifetime - time.Second)) {
		t.Error("there is room for one more")
	}
	if !waiting.add(now.Add(Lifetime + time.Second)) {
		t.Error("those that are over make no room")
	}
	if got := len(waiting.expires); got != 1 {
		t.Errorf("%d are remembered", got)
	}
}
