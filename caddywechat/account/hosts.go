package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Hosts says which hosts of a site its accounts serve: patterns by app id, in WeCom by corp and agent where the corp
// alone does not tell. A pattern is a host name, or one with a * in place of its first label, as in site
// addresses. Of each kind one account may be left out, which takes the hosts that are left.
type Hosts map[string][]string

// hosting has for each host who serves it.
type hosting struct {
	kinds []string           // in the order of the configuration
	names map[kindAt]Account // by host name
	wild  map[kindAt]Account // by what stands behind the * and its dot
	rest  map[string]Account // by kind: who takes what is left
}

// kindAt is a kind of account at a host.
type kindAt struct{ kind, host string }

// newHosting returns who serves which host. The error says what is wrong with the hosts.
func newHosting(hosts Hosts, accounts []Account) (*hosting, error) {
	named := make([][]string, len(accounts))
	for name, patterns := range hosts {
		i, err := namedBy(name, accounts)
		if err != nil {
			return nil, err
		}
		if len(patterns) == 0 {
			return nil, fmt.Errorf("hosts %s names no host: write those that the account serves", name)
		}
		named[i] = append(named[i], patterns...)
	}
	h := &hosting{names: make(map[kindAt]Account), wild: make(map[kindAt]Account), rest: make(map[string]Account)}
	for i, a := range accounts {
		if !slices.Contains(h.kinds, a.Kind()) {
			h.kinds = append(h.kinds, a.Kind())
		}
		if err := h.add(a, named[i]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// namedBy returns which of the accounts has a reference or, where that tells, an app id.
func namedBy(name string, accounts []Account) (found int, err error) {
	found = slices.IndexFunc(accounts, func(a Account) bool { return Ref(a) == name })
	if found >= 0 {
		return found, nil
	}
	for i, a := range accounts {
		if a.AppID() != name {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("hosts %s: %s and %s have that app id: write one of these",
				name, Ref(accounts[found]), Ref(a))
		}
		found = i
	}
	if found < 0 {
		return 0, fmt.Errorf("hosts %.80s: no account of this site has that app id", name)
	}
	return found, nil
}

// add lets an account serve its hosts, those that are left where it has none.
func (h *hosting) add(a Account, patterns []string) error {
	if len(patterns) == 0 {
		if other := h.rest[a.Kind()]; other != nil {
			return errTwice(a.Kind(), Ref(other), Ref(a))
		}
		h.rest[a.Kind()] = a
		return nil
	}
	for _, pattern := range patterns {
		pattern, err := CanonicalHost(pattern)
		if err != nil {
			return fmt.Errorf("hosts %s: %w", Ref(a), err)
		}
		serving, host := h.names, pattern
		if parent, isWild := strings.CutPrefix(pattern, "*."); isWild {
			serving, host = h.wild, parent
		}
		at := kindAt{a.Kind(), host}
		if other := serving[at]; other != nil {
			return fmt.Errorf("hosts: %s is given to %s and to %s, which are both %s: one of them serves it",
				pattern, Ref(other), Ref(a), a.Kind())
		}
		serving[at] = a
	}
	return nil
}

func errTwice(kind, one, other string) error {
	return fmt.Errorf("accounts: %s is given twice, as %.80s and as %.80s, and at most one account of a kind takes "+
		"the hosts that are left: write hosts <app_id> <host>... for the others", kind, one, other)
}

// at returns the account of a kind that serves a host, nil where none does. An exact name goes before *.
func (h *hosting) at(kind, host string) Account {
	if a := h.names[kindAt{kind, host}]; a != nil {
		return a
	}
	if _, parent, ok := strings.Cut(host, "."); ok {
		if a := h.wild[kindAt{kind, parent}]; a != nil {
			return a
		}
	}
	return h.rest[kind]
}

var errHost = errors.New("is no host: write it without scheme, port and path, such as shop.example.com; " +
	"* stands for the first label, as in *.example.com")

// CanonicalHost returns a pattern of hosts as requests have them: in lower case and ASCII. The error says what is wrong
// with it.
func CanonicalHost(pattern string) (string, error) {
	ascii, _ := idna.ToASCII(strings.ToLower(pattern)) // what cannot be said in ASCII stays, and is no label
	name, isWild := strings.CutPrefix(ascii, "*.")
	labels := strings.Split(name, ".")
	if len(ascii) > 253 || slices.ContainsFunc(labels, isNoLabel) || isWild && len(labels) < 2 {
		return "", fmt.Errorf("%.80q %w", pattern, errHost)
	}
	return ascii, nil
}

func isNoLabel(label string) bool {
	return label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
}
