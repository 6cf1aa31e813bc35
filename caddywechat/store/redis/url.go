package redis

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The errors of a URL hold nothing of it: with one character that is not escaped its password could be anywhere.
var (
	errURL = errors.New("it is no URL of a Redis: write redis://host:6379, or rediss:// for TLS, " +
		"with user:password@ before the host where they are needed and /1 behind it for another database; " +
		"in a password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25")
	errQuery = errors.New("what stands behind the question mark is not known: " +
		"write addr=host:port, once or several times, for the nodes of a Cluster; " +
		"for Sentinel master_name=name and, where they are needed, addr=host:port, username=name, " +
		"password=secret; a question mark in a password is written %3F")
	errSkipVerify = errors.New("skip_verify would trust anybody who says to be the Redis: remove it, " +
		"and make the system trust the authority that signed its certificate, " +
		"or name that's file in the environment variable SSL_CERT_FILE")
	errDatabase = errors.New("a Redis Cluster has one database only: remove what stands behind the host")
)

const (
	// timeout bounds a call, and each step of one.
	timeout = 2 * time.Second
	// poolSize bounds the connections to each server.
	poolSize = 32
)

// checkURL judges a URL.
func checkURL(text string) error {
	_, err := parse(text)
	return err
}

// parse reads a URL. It knows fewer options than Redis' own clients: theirs could make the store read from replicas,
// wait without an end or trust anybody.
func parse(text string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errQuery
	}
	o := &redis.UniversalOptions{
		Protocol:              2,
		ContextTimeoutEnabled: true,
		DialTimeout:           timeout,
		DialerRetries:         1,
		ReadTimeout:           timeout,
		WriteTimeout:          timeout,
		MaxRetries:            1, // a connection may be dead where the server was restarted
		PoolSize:              poolSize,
		MaxActiveConns:        poolSize,
		PoolTimeout:           timeout,
		PipelinePoolSize:      -1,
		DisableIdentity:       true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	}
	if o.Username, o.Password, err = credentials(u.User); err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "rediss":
		// Without a name: each server must have a certificate for the address that it is reached by.
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	case "redis":
	default:
		return nil, errURL
	}
	if o.DB, err = database(u.Path); err != nil {
		return nil, err
	}
	if err := applyQuery(o, query); err != nil {
		return nil, err
	}
	o.Addrs, err = addresses(u, query["addr"])
	return o, err
}

// applyQuery reads what stands behind the question mark: whether the addresses are those of one server, a Cluster's or
// Sentinel's.
func applyQuery(o *redis.UniversalOptions, query url.Values) error {
	known := []string{"addr"}
	if query.Has("master_name") {
		known = []string{"addr", "master_name", "username", "password"}
		o.MasterName = query.Get("master_name")
		o.SentinelUsername, o.SentinelPassword = o.Username, o.Password
		o.Username, o.Password = query.Get("username"), query.Get("password")
	}
	for name, values := range query {
		switch {
		case name == "skip_verify":
			return errSkipVerify
		case !slices.Contains(known, name), slices.Contains(values, ""), name != "addr" && len(values) > 1:
			return errQuery
		}
	}
	o.IsClusterMode = query.Has("addr") && o.MasterName == ""
	if o.IsClusterMode && o.DB != 0 {
		return errDatabase
	}
	return nil
}

func credentials(u *url.Userinfo) (name, password string, err error) {
	if u == nil {
		return "", "", nil
	}
	password, _ = u.Password()
	if password == "" {
		return "", "", errURL
	}
	return u.Username(), password, nil
}

// addresses returns the URL's host and those that its query adds, each once.
func addresses(u *url.URL, more []string) ([]string, error) {
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	addrs := []string{net.JoinHostPort(u.Hostname(), port)}
	for _, addr := range more {
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
			return nil, errURL
		}
	}
	return addrs, nil
}

func database(path string) (int, error) {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(path, 10, 15)
	if err != nil {
		return 0, errURL
	}
	return int(n), nil
}
