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
	Kind         accountKind
	AppID        string
	Secret       string
	Name         string
	Domain       string
	Scopes       []string
	OpenPlatform string
}

// accountKind is what an account is, in English.
type accountKind string

const (
	kindOfficial    accountKind = "official account"
	kindWebsite     accountKind = "website app"
	kindMiniProgram accountKind = "mini-program"
	kindMobileApp   accountKind = "mobile app"
)

// ZH returns what the kind is called in Chinese.
func (k accountKind) ZH() string {
	switch k {
	case kindWebsite:
		return "网站应用"
	case kindMiniProgram:
		return "小程序"
	case kindMobileApp:
		return "移动应用"
	default:
		return "服务号"
	}
}

// hasPages reports whether people log in by pages of WeChat's, which redirect to a callback domain.
func (k accountKind) hasPages() bool { return k == kindOfficial || k == kindWebsite }

// hasServerToken reports whether servers get access tokens of their own.
func (k accountKind) hasServerToken() bool { return k == kindOfficial || k == kindMiniProgram }

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
	if !a.Kind.hasPages() {
		return nil
	}
	for _, scope := range a.Scopes {
		if !slices.Contains(a.knownScopes(), scope) {
			return fmt.Errorf("unknown scope %q: an %s has %s", scope, a.Kind, strings.Join(a.knownScopes(), " and "))
		}
	}
	host, path := a.callback()
	u, err := url.Parse("http://" + bracketed(host) + path)
	if err != nil || host == "" || u.Hostname() != host || u.User != nil || u.Port() != "" || u.RawQuery != "" ||
		u.Fragment != "" {
		return fmt.Errorf("callback domain %q: write the host alone, like h5.example.com, without scheme and port",
			a.Domain)
	}
	if a.Kind == kindWebsite && path != "" {
		return fmt.Errorf("callback domain %q: that of a website app has no path, write %s", a.Domain, host)
	}
	return nil
}

func (a account) knownScopes() []string {
	if a.Kind == kindWebsite {
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

// covers reports whether u may be a redirect_uri.
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

func sameHost(configured, issued string) bool {
	return configured == issued || configured == "localhost" && isThisMachine(issued)
}

// isThisMachine reports whether host is an address of this machine, by which a phone in the same network may reach it.
func isThisMachine(host string) bool {
	ip := net.ParseIP(host)
	if ip == nil || ip.IsLoopback() {
		return ip != nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		ours, ok := a.(*net.IPNet)
		return ok && ours.IP.Equal(ip)
	})
}

// bracketed writes an IPv6 address as a URL needs it.
func bracketed(host string) string {
	if strings.Contains(host, ":") && net.ParseIP(host) != nil {
		return "[" + host + "]"
	}
	return host
}

// grantFor returns the grant of a person to an app of a kind, without scope. Empty: the first such app, and who holds
// the phone.
func (s *Simulator) grantFor(kind accountKind, appID, personID string) (grant, error) {
	i := slices.IndexFunc(s.accounts, func(a account) bool {
		return a.Kind == kind && (appID == "" || a.AppID == appID)
	})
	if i == -1 {
		return grant{}, fmt.Errorf("there is no %s %q: leave it out for the first one", kind, appID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if personID == "" {
		personID = s.holder
	}
	person, ok := s.state.person(personID)
	if !ok {
		return grant{}, fmt.Errorf("there is no person %q: there are %s", personID, ids(s.state.everybody()))
	}
	return grant{account: s.accounts[i], person: person}, nil
}

// account returns the account of an app id, of whatever kind.
func (s *Simulator) account(appID string) (account, bool) {
	i := slices.IndexFunc(s.accounts, func(a account) bool { return a.AppID == appID })
	if i == -1 {
		return account{}, false
	}
	return s.accounts[i], true
}
