// Package site knows what belongs to a protected site: its origin, its prefix, the domain of its cookies, which
// addresses a visitor may be sent to, and which paths servers disagree about. It owns the configuration of these and
// judges requests by it; it answers none.
package site

import (
	"net/url"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Config is what a Site is made of.
type Config struct {
	Public   *visitor.Origin // public_url, nil where it is not set
	Prefix   string          // the path below which the module answers itself
	Domain   string          // that shares a session among its subdomains; "": each host has its own
	Platform string          // the URL of WeChat's pages: sessions of a simulator are none of WeChat's
	Logger   *zap.Logger
}

// Site is one protected site. It is safe for concurrent use.
type Site struct {
	config Config

	forwardedProtoHint, silentProxyHint, clientHint sync.Once
}

// New returns the site of a configuration.
func New(c Config) *Site { return &Site{config: c} }

// Prefix returns the path below which the module answers itself.
func (s *Site) Prefix() string { return s.config.Prefix }

// Domain returns the domain that shares a session among its subdomains, "" where each host has its own.
func (s *Site) Domain() string { return s.config.Domain }

// Platform returns the URL of WeChat's pages.
func (s *Site) Platform() string { return s.config.Platform }

// Host returns the host that sessions belong to.
func (s *Site) Host(o visitor.Origin) string {
	if s.config.Domain != "" {
		return s.config.Domain
	}
	return o.Hostname()
}

// Scope returns what sessions and login attempts are sealed for: they open nowhere else.
func (s *Site) Scope(o visitor.Origin) string { return s.Host(o) + "|" + s.config.Platform }

// InDomain reports whether browsers keep the session's cookie for an origin.
func (s *Site) InDomain(o visitor.Origin) bool {
	domain := s.config.Domain
	return domain == "" || o.Hostname() == domain || strings.HasSuffix(o.Hostname(), "."+domain)
}

// OwnPath returns what stands behind the prefix in the path of one of the module's own addresses, without its first
// slash. It reports whether the path is one.
func (s *Site) OwnPath(path string) (rest string, ok bool) {
	if !isUnder(path, s.config.Prefix) {
		return "", false
	}
	return strings.TrimPrefix(strings.TrimPrefix(path, s.config.Prefix), "/"), true
}

// LoginURL returns the path that starts a login by itself, with the person's profile or without.
func (s *Site) LoginURL(target string, profile bool) string {
	u := s.config.Prefix + "/login?return_to=" + url.QueryEscape(target)
	if profile {
		u += "&profile=1"
	}
	return u
}

// IsOtherHost reports whether a request came to another host than public_url's, whose cookies would not be found again
// there. Where public_url is not set, none did.
func (s *Site) IsOtherHost(r *visitor.Request) bool {
	return s.config.Public != nil && s.requestOrigin(r.Request, r.Server).Hostname() != s.config.Public.Hostname()
}
