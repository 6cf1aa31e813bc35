package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/publicsuffix"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// AppID judges an app id.
func AppID(id string) error {
	if id == "" {
		return errors.New("it is empty: write the app id from the account's settings (wx…)")
	}
	for _, c := range id {
		if !isTokenChar(c) {
			return fmt.Errorf("%.40q is no app id: write the one from the account's settings, wx and 16 hex digits", id)
		}
	}
	return nil
}

// anyAppID is what the ids of WeChat's apps and of WeCom's companies look like.
var anyAppID = regexp.MustCompile(`^w[wx][0-9a-f]{16}$`)

// minAppSecret is how many characters an app secret has at least: WeChat's have 32, those of WeCom's apps 43.
const minAppSecret = 32

// AppSecret judges the secret of an app, WeChat's or WeCom's.
func AppSecret(secret string) error {
	if secret == "" {
		return errors.New("it is empty: write the app secret from the account's settings, best as {env.…}")
	}
	if isExample(secret) {
		return errors.New("it is an example: write the app secret from the account's settings")
	}
	for _, c := range secret {
		if c <= ' ' || c > '~' {
			return errors.New("it holds a blank or a character that is not ASCII: " +
				"copy it again from the account's settings")
		}
	}
	if anyAppID.MatchString(secret) {
		return errors.New("it is an app id: write the app id first, and the app secret behind it")
	}
	if len(secret) < minAppSecret {
		return fmt.Errorf("it has %d characters and needs at least %d: copy it again from the account's settings",
			len(secret), minAppSecret)
	}
	return nil
}

// isExample reports whether an app secret is one that stands in documentation.
func isExample(secret string) bool {
	if len(secret) >= minAppSecret && strings.Trim(secret, "xX*") == "" {
		return true
	}
	folded := strings.ReplaceAll(strings.ToLower(secret), "-", "_")
	if folded == "secret" || folded == "appsecret" || folded == "app_secret" {
		return true
	}
	for _, word := range exampleWords {
		if strings.Contains(folded, word) {
			return true
		}
	}
	return false
}

// exampleWords stand in secrets that anybody can read somewhere, in lower case and with underscores.
var exampleWords = []string{
	"changeme", "change_me", "replaceme", "replace_me", "your_secret", "your_app_secret", "example",
}

// CorpID judges the id of a company in WeCom.
func CorpID(id string) error {
	if AppID(id) != nil {
		return fmt.Errorf("%.40q is no corp id: write the company's id (企业ID), ww and 16 hex digits", id)
	}
	return nil
}

// AgentID judges the number of a WeCom app within its company.
func AgentID(id string) error {
	if n, err := strconv.ParseUint(id, 10, 32); err != nil || n == 0 || id[0] == '0' {
		return fmt.Errorf("%.40q is no agent id: write the app's number (AgentId), such as 1000002", id)
	}
	return nil
}

// minKey is the length in bytes of the shortest session key.
const minKey = 32

// Key judges a session key: whoever knows it can be anybody.
func Key(key string) error {
	const cure = "make one with: openssl rand -base64 32"
	if key == "" {
		return errors.New("it is empty; " + cure)
	}
	if len(key) < minKey {
		return fmt.Errorf("it has %d bytes and needs at least %d; %s", len(key), minKey, cure)
	}
	folded := strings.ReplaceAll(strings.ToLower(key), "-", "_")
	for _, word := range exampleWords {
		if strings.Contains(folded, word) {
			return errors.New("it is an example that anybody can read somewhere; " + cure)
		}
	}
	return nil
}

// Duration judges a positive length of time.
func Duration(text string) error {
	_, err := ParseDuration(text)
	return err
}

// Lifetime judges how long sessions live: sessions count in seconds, and no browser keeps a cookie for years.
func Lifetime(text string) error {
	d, err := ParseDuration(text)
	if err == nil && (d < time.Second || d > maxLifetime) {
		return fmt.Errorf("%s is no time to stay logged in: write between 1s and 400d", text)
	}
	return err
}

// maxLifetime is how long browsers keep a cookie at most (RFC 6265bis, section 5.5).
const maxLifetime = 400 * 24 * time.Hour

// ParseDuration reads a positive length of time, such as 5s, 12h or 7d.
func ParseDuration(text string) (time.Duration, error) {
	d, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no duration: write something like 5s, 12h or 7d", text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s is not more than nothing: write something like 5s, 12h or 7d", text)
	}
	return d, nil
}

// Origin judges an URL that has nothing behind its host.
func Origin(text string) error {
	u, err := parseURL(text)
	if err != nil {
		return err
	}
	if u.Path != "" && u.Path != "/" || strings.ContainsAny(text, "?#") {
		return fmt.Errorf("%.80q has something behind the host: write only https://host", text)
	}
	return nil
}

// Platform judges the base URL that stands for WeChat's hosts. It receives the app secret, so it has to be https unless
// it is on this machine or in a private network.
func Platform(text string) error {
	u, err := parseURL(text)
	if err != nil {
		return fmt.Errorf("%w; for a simulator on this machine http://127.0.0.1:9090", err)
	}
	if strings.ContainsAny(text, "?#") {
		return fmt.Errorf("%.80q has a query or fragment: write only https://host", text)
	}
	if strings.HasSuffix(u.Hostname(), ".weixin.qq.com") {
		return errors.New("it is WeChat itself: remove platform")
	}
	if u.Scheme == "http" && !isPrivate(u.Hostname()) {
		return fmt.Errorf("%.80q would send the app secret over plain http: write https://, or an address of this "+
			"machine or of a private network", text)
	}
	return nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" || !isHost(u) {
		return nil, fmt.Errorf("%.80q is no URL of a site: write https://host, "+
			"a name with other than ASCII letters as xn--…", redactUser(text))
	}
	return u, nil
}

// isHost reports whether the host is one that browsers send: ASCII letters, an address, perhaps a port.
func isHost(u *url.URL) bool {
	if port := u.Port(); strings.HasSuffix(u.Host, ":") || port != "" && !isPort(port) {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true
	}
	for _, c := range u.Hostname() {
		if !isTokenChar(c) && c != '.' {
			return false
		}
	}
	return u.Hostname() != ""
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// redactUser cuts what may be a password.
func redactUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

func isPrivate(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate())
}

// Prefix judges the path below which the module answers itself.
func Prefix(prefix string) error {
	ok := strings.HasPrefix(prefix, "/") && prefix != "/" && path.Clean(prefix) == prefix
	for _, c := range prefix {
		ok = ok && (isTokenChar(c) || c == '/' || c == '.')
	}
	if !ok {
		return fmt.Errorf("%.80q is no path to put the module's own addresses under: "+
			"write something like /_wechat", prefix)
	}
	return nil
}

// CookieName judges the name of the session's cookie.
func CookieName(name string) error {
	if session.IsOwnCookie(name) {
		return fmt.Errorf("%s is the name of another cookie of the module's own: "+
			"write another, such as wechat_session", name)
	}
	ok := name != "" && !strings.HasPrefix(name, "__")
	for _, c := range name {
		ok = ok && (isTokenChar(c) || c == '.')
	}
	if !ok {
		return fmt.Errorf("%.40q is no name for the session's cookie: write letters, digits and underscores; "+
			"a prefix __Host- or __Secure- is added where it belongs", name)
	}
	return nil
}

// Domain judges a domain whose subdomains share a session.
func Domain(domain string) error {
	for _, c := range domain {
		if !isTokenChar(c) && c != '.' {
			return fmt.Errorf("%.80q is no domain: write something like example.com", domain)
		}
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return fmt.Errorf("%s is an address, which has no subdomains: remove domain", domain)
	}
	// Also refuses empty names and dots at either end.
	if _, err := publicsuffix.EffectiveTLDPlusOne(domain); err != nil || domain != strings.ToLower(domain) {
		return fmt.Errorf("%.80q is no domain that browsers keep a cookie for: "+
			"write your own in lower case, such as example.com", domain)
	}
	return nil
}

// OneOf returns a check that takes only the given words.
func OneOf(words ...string) Check {
	return func(value string) error {
		for _, w := range words {
			if value == w {
				return nil
			}
		}
		return fmt.Errorf("%.40q is not known: write %s", value, strings.Join(words, " or "))
	}
}

func isTokenChar(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
