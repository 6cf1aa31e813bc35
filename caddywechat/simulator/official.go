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

// The account that a zero Config has.
const (
	DemoAppID        = "wxd3a7c05e19f84b62"
	DemoSecret       = "7c1e94d0b85f3a264ed17b902fc6583a"
	DemoDomain       = "localhost"
	DemoOpenPlatform = "demo"
)

// The scopes of an official account's web login. Source: "Web Authorization" of the service-account documentation
// (/doc/service/api/webdev/access/).
const (
	ScopeBase     = "snsapi_base"     // silent, only the openid
	ScopeUserinfo = "snsapi_userinfo" // asks for consent, nickname and avatar too
)

// OfficialAccount is a service account (服务号) with the web login turned on.
type OfficialAccount struct {
	// AppID is wx and 16 hexadecimal digits.
	AppID string

	// Secret is 32 hexadecimal digits. The page /simulator/ shows it: make one up.
	Secret string

	// Name is shown on the consent page. Empty: 演示服务号.
	Name string

	// Domain is the callback domain (网页授权域名): the exact host of redirect_uri, without scheme and port; it covers no
	// subdomain. It may end in a path, then redirect_uri must be below it.
	//
	// Two things are easier than at WeChat, since this is for development: the port of redirect_uri is ignored, and
	// Domain may be an IP address or "localhost", which covers every name of this machine (localhost, 127.0.0.1, ::1).
	Domain string

	// Scopes are those that the account may ask for. Nil: both. An account that lacks one gets page error 10005, as
	// subscription accounts do.
	Scopes []string

	// OpenPlatform names the Open Platform account (微信开放平台) that this account is bound to. Accounts with the same
	// name share their unionids. Empty: not bound, there is no unionid.
	OpenPlatform string
}

func demoAccount() OfficialAccount {
	return OfficialAccount{AppID: DemoAppID, Secret: DemoSecret, Domain: DemoDomain, OpenPlatform: DemoOpenPlatform}
}

func (a OfficialAccount) withDefaults() OfficialAccount {
	if a.Name == "" {
		a.Name = "演示服务号"
	}
	if a.Scopes == nil {
		a.Scopes = []string{ScopeBase, ScopeUserinfo}
	}
	a.Domain = strings.TrimSuffix(a.Domain, "/")
	return a
}

var (
	appIDShape  = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	secretShape = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func (a OfficialAccount) check() error {
	if !appIDShape.MatchString(a.AppID) {
		return errors.New("an app id is wx and 16 hexadecimal digits in lower case")
	}
	if !secretShape.MatchString(a.Secret) {
		return errors.New("an app secret is 32 hexadecimal digits in lower case")
	}
	for _, scope := range a.Scopes {
		if !knownScope(scope) {
			return fmt.Errorf("unknown scope %q: an official account has %s and %s", scope, ScopeBase, ScopeUserinfo)
		}
	}
	host, path := a.callback()
	u, err := url.Parse("http://" + bracketed(host) + path)
	if err != nil || host == "" || u.Hostname() != host || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("callback domain %q: write the host alone, like h5.example.com or h5.example.com/app, without scheme and port", a.Domain)
	}
	return nil
}

// callback returns the host and the path, if any, that redirect_uri must have.
func (a OfficialAccount) callback() (host, path string) {
	host, path, found := strings.Cut(a.Domain, "/")
	if found {
		path = "/" + path
	}
	return strings.ToLower(host), path
}

// covers reports whether redirect_uri may lead to u.
func (a OfficialAccount) covers(u *url.URL) bool {
	host, path := a.callback()
	if !sameHost(host, strings.ToLower(u.Hostname())) {
		return false
	}
	return path == "" || u.Path == path || strings.HasPrefix(u.Path, path+"/")
}

func (a OfficialAccount) grants(scope string) bool {
	return slices.Contains(a.Scopes, scope)
}

func knownScope(scope string) bool {
	return scope == ScopeBase || scope == ScopeUserinfo
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
