package simulator

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// account is what every kind of account has, with the defaults filled in.
type account struct {
	Website      bool // a website app; otherwise an official account
	AppID        string
	Secret       string
	Name         string
	Domain       string
	Scopes       []string
	OpenPlatform string
}

func (a account) kind() string {
	if a.Website {
		return "website app"
	}
	return "official account"
}

// The scopes that each kind of account may have.
var (
	officialScopes = []string{ScopeBase, ScopeUserinfo}
	websiteScopes  = []string{ScopeLogin}
)

var (
	appIDShape  = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	secretShape = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func (a account) check() error {
	if !appIDShape.MatchString(a.AppID) {
		return errors.New("an app id is wx and 16 hexadecimal digits in lower case")
	}
	if !secretShape.MatchString(a.Secret) {
		return errors.New("an app secret is 32 hexadecimal digits in lower case")
	}
	for _, scope := range a.Scopes {
		if !slices.Contains(a.knownScopes(), scope) {
			return fmt.Errorf("unknown scope %q: an %s has %s", scope, a.kind(), strings.Join(a.knownScopes(), " and "))
		}
	}
	host, path := a.callback()
	u, err := url.Parse("http://" + bracketed(host) + path)
	if err != nil || host == "" || u.Hostname() != host || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("callback domain %q: write the host alone, like h5.example.com, without scheme and port", a.Domain)
	}
	if a.Website && path != "" {
		return fmt.Errorf("callback domain %q: that of a website app has no path, write %s", a.Domain, host)
	}
	return nil
}

func (a account) knownScopes() []string {
	if a.Website {
		return websiteScopes
	}
	return officialScopes
}

// callback returns the host and the path, if any, that redirect_uri must have.
func (a account) callback() (host, path string) {
	host, path, found := strings.Cut(a.Domain, "/")
	if found {
		path = "/" + path
	}
	return strings.ToLower(host), path
}

// covers reports whether redirect_uri may lead to u.
func (a account) covers(u *url.URL) bool {
	host, path := a.callback()
	if !sameHost(host, strings.ToLower(u.Hostname())) {
		return false
	}
	return path == "" || u.Path == path || strings.HasPrefix(u.Path, path+"/")
}

func (a account) grants(scope string) bool {
	return slices.Contains(a.Scopes, scope)
}

func sameHost(configured, given string) bool {
	return configured == given || configured == "localhost" && isLoopback(given)
}

func isLoopback(host string) bool {
	return net.ParseIP(host).IsLoopback()
}

// bracketed writes an IPv6 address as a URL needs it.
func bracketed(host string) string {
	if strings.Contains(host, ":") && net.ParseIP(host) != nil {
		return "[" + host + "]"
	}
	return host
}

// account returns the account of an app id, of whatever kind.
func (s *Simulator) account(appID string) (account, bool) {
	i := slices.IndexFunc(s.accounts, func(a account) bool { return a.AppID == appID })
	if i == -1 {
		return account{}, false
	}
	return s.accounts[i], true
}
