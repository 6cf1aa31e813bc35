package sitetest

import (
	"context"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

// Store is one in memory that does as the test likes. The zero Store is ready to use.
type Store struct {
	storetest.Memory
	mu     sync.Mutex
	before func(method, key string) error
}

// Before has a function called ahead of each call of a method, such as Get: what it returns is the call's error. nil
// ends that.
func (s *Store) Before(f func(method, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Fail lets methods fail from now on, all where none is named.
func (s *Store) Fail(methods ...string) {
	s.Before(func(method, _ string) error {
		for _, m := range methods {
			if m == method {
				return store.ErrStore
			}
		}
		if len(methods) > 0 {
			return nil
		}
		return store.ErrStore
	})
}

func (s *Store) fault(method, key string) error {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(method, key)
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.fault("Get", key); err != nil {
		return nil, err
	}
	return s.Memory.Get(ctx, key)
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.fault("Put", key); err != nil {
		return err
	}
	return s.Memory.Put(ctx, key, value, ttl)
}

// PutIfAbsent implements [store.Store].
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if err := s.fault("PutIfAbsent", key); err != nil {
		return nil, err
	}
	return s.Memory.PutIfAbsent(ctx, key, value, ttl)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.fault("Delete", key); err != nil {
		return err
	}
	return s.Memory.Delete(ctx, key)
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if err := s.fault("Append", journal); err != nil {
		return err
	}
	return s.Memory.Append(ctx, journal, value, ttl)
}
