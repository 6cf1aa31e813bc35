package redis

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/go-redis/v9"
)

// clients has one client for each URL, which the sites of the process share and keep over a reload of the
// configuration.
var clients = caddy.NewUsagePool()

type client struct{ redis.UniversalClient }

// Destruct implements [caddy.Destructor].
func (c *client) Destruct() error { return c.Close() }

func newClient(url string) (*client, error) {
	options, err := parse(url)
	if err != nil {
		return nil, err
	}
	return &client{redis.NewUniversalClient(options)}, nil
}

func acquireClient(url string) (redis.UniversalClient, error) {
	quietly()
	shared, _, err := clients.LoadOrNew(url, func() (caddy.Destructor, error) { return newClient(url) })
	if err != nil {
		return nil, err
	}
	return shared.(*client), nil
}

func releaseClient(url string) error {
	_, err := clients.Delete(url)
	return err
}

// quietly turns what go-redis would print to standard error, each time that it can't connect, into debug lines of
// Caddy's log. Whoever calls the store gets an error anyway, and knows whether it is news.
var quietly = sync.OnceFunc(func() { redis.SetLogger(debugLogger{}) })

type debugLogger struct{}

// Printf implements go-redis' logger.
func (debugLogger) Printf(_ context.Context, format string, args ...any) {
	if entry := caddy.Log().Named("wechat.stores.redis").Check(-1, ""); entry != nil {
		entry.Message = withoutArguments(fmt.Sprintf(format, args...))
		entry.Write()
	}
}
