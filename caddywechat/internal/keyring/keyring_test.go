package keyring

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// brokenStore fails, hangs, or gives what it is told to.
type brokenStore struct {
	store.Store // nil: whatever else is called panics
	value       []byte
	err         error
	hang        chan struct{}
	calls       atomic.Int64
}

func (s *brokenStore) Get(ctx context.Context, _ string) ([]byte, error) {
	s.calls.Add(1)
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.value, s.err
}

func (s *brokenStore) PutIfAbsent(context.Context, string, []byte, time.Duration) ([]byte, error) {
	return nil, s.err
}

func newKeyring(s store.Store, secrets ...string) *Keyring {
	c := Config{Store: s, KeepsKey: true, Lifetime: time.Hour, Now: time.Now, Logger: zap.NewNop()}
	for _, secret := range secrets {
		c.Secrets = append(c.Secrets, []byte(secret))
	}
	return New(c)
}

func TestKeyset_OfAnAlteredKeyIsAnError(t *testing.T) {
	k := newKeyring(&brokenStore{value: []byte("short")})
	if keys, err := k.Keyset(t.Context()); err == nil || keys != nil {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestKeyset_AStoreThatIsDownIsNotAskedOverAndOver(t *testing.T) {
	s := &brokenStore{err: store.ErrStore}
	k := newKeyring(s)
	for range 100 {
		if _, err := k.Keyset(t.Context()); !errors.Is(err, store.ErrStore) {
			t.Fatal(err)
		}
	}
	if n := s.calls.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestKeyset_NobodyWaitsLongerThanTheyWantTo(t *testing.T) {
	s := &brokenStore{hang: make(chan struct{}), err: store.ErrStore}
	defer close(s.hang)
	k := newKeyring(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Keyset(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
