// Package redis keeps what a server must remember in Redis (6.2 or later), for any number of instances.
//
// It owns the keys in Redis that begin with "wechat:", and the connections of the process, of which all sites with the
// same URL share one pool.
package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func init() { caddy.RegisterModule(new(Store)) }

// Store keeps what the server must remember in Redis, 6.2 or later: every instance that names the same one shares it.
// Its keys begin with "wechat:". Each call is one command or script on one key, done at once for everybody; a call
// takes two seconds at most.
//
// Redis must not drop what is not over: leave maxmemory-policy at noeviction. Its replicas follow a moment later, so a
// replica that takes over may have missed the last writes: what was taken then can be there again.
type Store struct {
	// Where Redis is.
	//
	// `redis://[user:password@]host[:port][/database]` is one server, by default at port 6379 and with database 0.
	//
	// `redis://…?addr=host:port[&addr=…]` is a Cluster: a few of its nodes, from which it learns the others. Repeat the
	// first one where there is only one name for all of them.
	//
	// `redis://…?master_name=name[&addr=host:port…][&username=…&password=…]` is the master that Sentinels know by that
	// name: the addresses and the user before the host are theirs, the user in the query is the master's.
	//
	// With `rediss://` in place of `redis://` all connections use TLS, and each server needs a certificate, from an
	// authority that this system trusts, for the address that it is reached by.
	URL string `json:"url,omitempty"`

	url    string // with its placeholders resolved
	client redis.UniversalClient
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wechat.stores.redis",
		New: func() caddy.Module { return new(Store) },
	}
}

// Provision takes the client of that URL; it connects when it is first used.
func (s *Store) Provision(caddy.Context) error {
	resolved, err := config.Resolve("store redis", s.URL, checkURL)
	if err != nil {
		return err
	}
	s.client, err = acquireClient(resolved)
	s.url = resolved
	return err
}

// Cleanup gives the client back. It is also called when Provision failed.
func (s *Store) Cleanup() error {
	if s.client == nil {
		return nil
	}
	return releaseClient(s.url)
}

// UnmarshalCaddyfile reads `redis <url>`.
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's name
	const usage = "store redis takes one URL: store redis redis://localhost:6379"
	if !d.NextArg() {
		return config.Missing(d, usage)
	}
	if s.URL = d.Val(); d.NextArg() || d.NextBlock(0) {
		return d.Err(usage)
	}
	return config.Literal(d, "store redis", s.URL, checkURL)
}

// MarshalLogObject keeps the URL, which may hold a password, out of logs.
func (*Store) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("module", "redis")
	return nil
}

// CheckKeyStorage implements [store.KeyStorage].
func (*Store) CheckKeyStorage() (warning string, err error) {
	return "", errors.New("with store redis one must be given, for whoever reads the Redis could be anybody: write " +
		"session { key … }, the same on every instance; make one with: openssl rand -base64 32")
}

// IsAtomic implements [store.Atomic].
func (*Store) IsAtomic() bool { return true }

// prefix is what all names in Redis begin with. Those of journals have another colon.
const prefix = "wechat:"

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, err := s.client.Get(ctx, prefix+key).Bytes()
	if err != nil {
		return nil, failure("reading", key, err)
	}
	return value, nil
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.client.Set(ctx, prefix+key, value, expiration(ttl)).Err(); err != nil {
		return failure("writing", key, err)
	}
	return nil
}

// PutIfAbsent implements [store.Store].
func (s *Store) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if ttl == 0 {
		ttl = store.Forever
	}
	if err := store.CheckPut(ctx, key, value, ttl); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		put, err := s.client.SetNX(ctx, prefix+key, value, expiration(ttl)).Result()
		if err != nil {
			return nil, failure("writing", key, err)
		}
		if put {
			return value, nil
		}
		kept, err := s.client.Get(ctx, prefix+key).Bytes()
		if errors.Is(err, redis.Nil) {
			continue // it ended meanwhile
		}
		if err != nil {
			return nil, failure("reading", key, err)
		}
		return kept, nil
	}
}

// Take implements [store.Store].
func (s *Store) Take(ctx context.Context, key string) ([]byte, error) {
	if err := store.Check(ctx, key); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, err := s.client.GetDel(ctx, prefix+key).Bytes()
	if err != nil {
		return nil, failure("taking", key, err)
	}
	return value, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := store.Check(ctx, key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.client.Del(ctx, prefix+key).Err(); err != nil {
		return failure("removing", key, err)
	}
	return nil
}

// expiration returns a ttl as Redis counts it: in milliseconds, rounded up; 0 for ever.
func expiration(ttl time.Duration) time.Duration {
	if ttl == store.Forever {
		return 0
	}
	return (ttl + time.Millisecond - 1).Truncate(time.Millisecond)
}

// failure returns the error of a call.
func failure(doing, key string, err error) error {
	if errors.Is(err, redis.Nil) {
		return fmt.Errorf("%w: %s", store.ErrNotFound, key)
	}
	var reply redis.Error
	if errors.As(err, &reply) {
		err = errors.New(withoutArguments(reply.Error()))
	}
	return fmt.Errorf("%w: %s %s in Redis: %w", store.ErrStore, doing, key, err)
}

// withoutArguments cuts from what a server said the arguments of a command that it does not know. There may be secrets
// among them.
func withoutArguments(text string) string {
	text, _, _ = strings.Cut(text, ", with args")
	return text
}

// Interface guards
var (
	_ store.Store             = (*Store)(nil)
	_ store.KeyStorage        = (*Store)(nil)
	_ store.Atomic            = (*Store)(nil)
	_ store.Connected         = (*Store)(nil)
	_ caddy.Provisioner       = (*Store)(nil)
	_ caddy.CleanerUpper      = (*Store)(nil)
	_ caddyfile.Unmarshaler   = (*Store)(nil)
	_ zapcore.ObjectMarshaler = (*Store)(nil)
)
