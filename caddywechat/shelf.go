package caddywechat

import (
	"context"
	"errors"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// shelf is the site's store as package weixin uses it for server tokens and tickets: with every value sealed. What another
// site with another session key put there counts as nothing.
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
	sealers, err := s.site.keyring.sealers(ctx)
	if err != nil {
		return nil, err
	}
	sealed, err := sealers.store.Seal(key, seal.Text(value))
	if err != nil {
		return nil, err
	}
	kept, err := s.site.store.PutIfAbsent(ctx, key, []byte(sealed), life)
	if err != nil {
		return nil, err
	}
	var text seal.Text
	if !sealers.store.Open(key, string(kept), &text) {
		return nil, nil
	}
	return []byte(text), nil
}

// Delete implements [weixin.Shelf].
func (s shelf) Delete(ctx context.Context, key string) error { return s.site.store.Delete(ctx, key) }
