package caddywechat

import (
	"context"
	"errors"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// shelf is the site's store as package weixin uses it for server tokens and tickets: with every value sealed.
type shelf struct{ site *Handler }

// Get implements [weixin.Shelf].
func (s shelf) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.site.secret(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []byte(value), nil
}

// Put implements [weixin.Shelf].
func (s shelf) Put(ctx context.Context, key string, value []byte, life time.Duration) error {
	return s.site.keepSecret(ctx, key, string(value), life)
}

// PutIfAbsent implements [weixin.Shelf].
func (s shelf) PutIfAbsent(ctx context.Context, key string, value []byte, life time.Duration) ([]byte, error) {
	kept, err := s.site.keepSecretIfAbsent(ctx, key, string(value), life)
	if kept == "" {
		return nil, err
	}
	return []byte(kept), err
}

// Delete implements [weixin.Shelf].
func (s shelf) Delete(ctx context.Context, key string) error { return s.site.forgetSecret(ctx, key) }
