package caddywechat

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
)

// hostsParser reads which hosts the accounts of a wechat_auth serve. What does not go together is known at the end of
// the block only, so it remembers the lines.
type hostsParser struct {
	accounts []accountLine
	hostings []hostsLine
}

// accountLine is a line with an account.
type accountLine struct {
	at    caddyfile.Dispenser // at the kind
	kind  string
	appID string // what stands behind the kind
}

// hostsLine is a line with the hosts of an account.
type hostsLine struct {
	at       caddyfile.Dispenser // at the app id
	appID    string
	patterns []string
}

// isOf reports whether a line is about the hosts of an account, and whether it may be: what placeholders stand for, and
// which agents a company has, is known later.
func (h hostsLine) isOf(a accountLine) (is, maybe bool) {
	maybe = config.HasPlaceholder(h.appID) || config.HasPlaceholder(a.appID) || strings.HasPrefix(h.appID, a.appID+"/")
	return h.appID == a.appID, maybe
}

// account remembers an account, and leaves it to others to read it.
func (p *hostsParser) account(d *caddyfile.Dispenser) {
	line, ahead := accountLine{at: *d, kind: d.Val()}, *d
	if ahead.NextArg() {
		line.appID = ahead.Val()
	}
	p.accounts = append(p.accounts, line)
}

// hosts reads a line of hosts.
func (p *hostsParser) hosts(d *caddyfile.Dispenser, into *Handler) error {
	words := "hosts takes the app id of an account and the hosts that it serves: hosts <app_id> shop.example.com"
	if !d.NextArg() {
		return config.Missing(d, words)
	}
	line := hostsLine{at: *d, appID: d.Val()}
	for d.NextArg() {
		if err := config.Literal(d, "hosts", d.Val(), isHost); err != nil {
			return err
		}
		if p.isGiven(line.appID, d.Val()) || slices.Contains(line.patterns, d.Val()) {
			return d.Errf("hosts: %s is given to %s twice: remove one", d.Val(), line.appID)
		}
		line.patterns = append(line.patterns, d.Val())
	}
	if len(line.patterns) == 0 {
		return config.Missing(d, words)
	}
	p.hostings = append(p.hostings, line)
	if into.Hosts == nil {
		into.Hosts = make(account.Hosts)
	}
	into.Hosts[line.appID] = append(into.Hosts[line.appID], line.patterns...)
	return nil
}

func (p *hostsParser) isGiven(appID, pattern string) bool {
	return slices.ContainsFunc(p.hostings, func(h hostsLine) bool {
		return h.appID == appID && slices.Contains(h.patterns, pattern)
	})
}

// check judges the lines together, as far as they are written literally.
func (p *hostsParser) check(s *SessionConfig) error {
	if len(p.hostings) > 0 && s != nil && s.Domain != "" {
		return p.hostings[0].at.WrapErr(errHostsAndDomain)
	}
	for _, h := range p.hostings {
		isOf := func(a accountLine) bool {
			is, maybe := h.isOf(a)
			return is || maybe
		}
		if !slices.ContainsFunc(p.accounts, isOf) {
			return h.at.Errf("hosts %.80s: no account of this site has that app id", h.appID)
		}
	}
	served, isLeft := make(map[[2]string]bool), make(map[string]bool)
	for _, a := range p.accounts {
		hasHosts := false
		for _, h := range p.hostings {
			is, maybe := h.isOf(a)
			hasHosts = hasHosts || is || maybe
			if !is {
				continue
			}
			for _, pattern := range h.patterns {
				at := [2]string{a.kind, strings.ToLower(pattern)}
				if served[at] {
					return h.at.Errf("hosts: %s is given to two accounts, which are both %s: one of them serves it",
						pattern, a.kind)
				}
				served[at] = true
			}
		}
		if !hasHosts && isLeft[a.kind] {
			return a.at.Errf("%s is given twice, and at most one account of a kind takes the hosts that are left: "+
				"write hosts <app_id> <host>... for the others, or remove one", a.kind)
		}
		isLeft[a.kind] = isLeft[a.kind] || !hasHosts
	}
	return nil
}
