package redis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Connection implements [store.Connected]: the URL in one form, with its credentials.
func (s *Store) Connection() string {
	options, err := parse(s.url)
	if err != nil {
		return "redis " + s.url // which Provision has refused
	}
	return connection(options)
}

// connection names whatever of a URL makes another place, or the same for another user.
func connection(o *redis.UniversalOptions) string {
	addrs := make([]string, len(o.Addrs))
	for i, addr := range o.Addrs {
		addrs[i] = strings.ToLower(addr)
	}
	slices.Sort(addrs)
	return fmt.Sprintf("redis tls=%t cluster=%t master=%q sentinel=%q %q user=%q %q database=%d addresses=%q",
		o.TLSConfig != nil, o.IsClusterMode, o.MasterName, o.SentinelUsername, o.SentinelPassword,
		o.Username, o.Password, o.DB, addrs)
}
