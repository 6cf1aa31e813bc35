package caddywechat

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/keyring"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// lease is what a site has of things that outlive it: the process's memory, the store with all that its sites share,
// and its part in these. It is given back once.
type lease struct {
	logger     *zap.Logger
	now        func() time.Time
	memory     *memory
	memoryName string
	shared     *sharedStore // nil where there is none yet
	key        storeKey
	store      store.Store // watched
	keyring    *keyring.Keyring
	revoked    *revocation.Site
	server     *caddyhttp.Server // nil where the site stands in none

	release sync.Once
}

// newLease takes the process's memory.
func newLease(logger *zap.Logger, in environment) *lease {
	return &lease{logger: logger, now: in.now, memory: acquireMemory(in.memory), memoryName: in.memory}
}

// takeStore takes what the sites of a store share.
func (l *lease) takeStore(bare store.Store, key storeKey) {
	l.key = key
	l.shared = acquireStore(key)
	l.store = l.shared.watch(bare, l)
}

// join makes the site one of those that others of the store count on.
func (l *lease) join(sessions *session.Manager) { l.shared.revoked.Join(l.revoked, sessions.Seen) }

// works reports whether the store works.
func (l *lease) works(ctx context.Context) bool { return l.shared.works(ctx, l.store, l.now()) }

// giveBack gives back what was taken. It waits for nothing.
func (l *lease) giveBack() (err error) {
	l.release.Do(func() {
		if l.revoked != nil {
			l.shared.revoked.Leave(l.revoked)
		}
		if l.shared != nil {
			err = releaseStore(l.key)
		}
		err = errors.Join(err, releaseMemory(l.memoryName), leaveServer(l.server))
	})
	return err
}
