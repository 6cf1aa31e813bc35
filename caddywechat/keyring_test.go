package caddywechat

import (
	"time"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// bareKeyring is one without configured keys.
func bareKeyring(s store.Store) *keyring {
	return &keyring{site: &Handler{store: s, keepsKeys: true, now: time.Now, logger: zap.NewNop()}}
}
