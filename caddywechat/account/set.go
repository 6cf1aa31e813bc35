package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// UserID says what identifies a person to the app.
type UserID string

// What identifies a person.
const (
	ByOpenID  UserID = "openid"    // the person within the account that vouches
	ByUnionID UserID = "unionid"   // the person over all accounts of the company
	Qualified UserID = "qualified" // the account's app id, a colon and the person within it
)

// Set has the accounts of a site. It names them by reference ([Ref]) and never by kind. It owns who a person is to the
// app, and whether somebody is let in. It does not change once it is made, and is safe for concurrent use.
type Set struct {
	accounts []Account
	byName   map[name]Account // nil where there are few
	hosting  *hosting         // nil where every account serves every host
	userID   UserID
}

// name is what sessions call an account: nobody else's session is to be taken for one of its own.
type name struct{ kind, ref string }

// NewSet returns a set of accounts, of each kind one, which serve every host. The error says which of them can't stand
// beside one another.
func NewSet(userID UserID, accounts ...Account) (*Set, error) {
	return NewSetAt(nil, userID, accounts...)
}

// NewSetAt is [NewSet] for accounts that serve hosts of their own, of each kind as many as there are hosts; nil: every
// account serves every host.
func NewSetAt(hosts Hosts, userID UserID, accounts ...Account) (*Set, error) {
	s := &Set{accounts: accounts, userID: userID}
	if len(accounts) > few {
		s.byName = make(map[name]Account, len(accounts))
	}
	if userID == "" {
		s.userID = ByOpenID
	}
	refs := make(map[string]Account, len(accounts))
	for _, a := range accounts {
		if other := refs[Ref(a)]; other != nil {
			return nil, fmt.Errorf("accounts: %s and %s have the same app id %.80q: each account has one of its own",
				other.Kind(), a.Kind(), Ref(a))
		}
		refs[Ref(a)] = a
		if !strings.HasPrefix(Ref(a), a.AppID()) {
			return nil, fmt.Errorf("accounts: %s is called %.80q, which does not begin with its app id",
				a.Kind(), Ref(a))
		}
		if s.byName != nil {
			s.byName[name{a.Kind(), Ref(a)}] = a
		}
	}
	hosting, err := newHosting(hosts, accounts)
	if err != nil {
		return nil, err
	}
	if len(hosts) > 0 {
		s.hosting = hosting
	}
	return s, s.checkUserID(userID)
}

// checkUserID says what is wrong with the choice of what identifies a person, "" for none.
func (s *Set) checkUserID(chosen UserID) error {
	if len(s.accounts) < 2 && s.hosting == nil {
		return nil
	}
	if chosen == "" {
		return errors.New("user_id is not set: where several accounts vouch, a person has several openids; write " +
			"user_id unionid or user_id qualified")
	}
	if chosen == ByOpenID && s.hosting != nil {
		return errors.New("user_id openid: a person has another openid in each account that hosts names; write " +
			"user_id unionid or user_id qualified")
	}
	for _, a := range s.accounts {
		if l, ok := a.(LocalIDs); ok && l.HasLocalIDs() && chosen == ByOpenID {
			return fmt.Errorf("user_id openid: somebody in %s can have a name that is another account's openid; "+
				"write user_id unionid or user_id qualified", a.Kind())
		}
	}
	return nil
}

// All returns the accounts in the order of the configuration.
func (s *Set) All() []Account { return s.accounts }

// At returns the accounts that serve a host, of each kind one at most. Nobody may change them.
func (s *Set) At(host string) []Account {
	if s.hosting == nil {
		return s.accounts
	}
	found := make([]Account, 0, len(s.hosting.kinds))
	for _, kind := range s.hosting.kinds {
		if a := s.hosting.at(kind, host); a != nil {
			found = append(found, a)
		}
	}
	return found
}

// Serves reports whether an account of the set serves a host.
func (s *Set) Serves(a Account, host string) bool {
	if a == nil || s.hosting == nil {
		return a != nil
	}
	serving := s.hosting.at(a.Kind(), host)
	return serving != nil && Ref(serving) == Ref(a)
}

// IsServed reports whether the account that has that reference and vouches for an identity serves a host: a session of
// another account does not count there.
func (s *Set) IsServed(ref string, id identity.Identity, host string) bool {
	return s.Serves(s.Of(ref, id), host)
}

// IsSeveral reports whether the site has several accounts of a kind, which are told apart by their app ids.
func (s *Set) IsSeveral(kind string) bool {
	n := 0
	for _, a := range s.accounts {
		if a.Kind() == kind {
			n++
		}
	}
	return n > 1
}

// NeedsUnionID reports whether people are told apart by what only their unionid, or another name everywhere, tells.
func (s *Set) NeedsUnionID() bool { return s.userID == ByUnionID }

// Of returns the account that vouches for an identity and has that reference, nil where the site names it no more.
// Others of the same kind or app id are none of the person's: whom one app of a company lets in is a stranger to the
// next.
func (s *Set) Of(ref string, id identity.Identity) Account {
	return s.Find(id.Get(identity.Account), ref)
}

// Find returns the account of that kind and reference, nil where there is none.
func (s *Set) Find(kind, ref string) Account {
	if s.byName != nil { // mutants: equivalent, without a map they are looked through
		return s.byName[name{kind, ref}]
	}
	for _, a := range s.accounts {
		if a.Kind() == kind && Ref(a) == ref {
			return a
		}
	}
	return nil
}

// few is how many accounts are looked through faster than found in a map.
const few = 8

// UserID returns what identifies a person to the app, "" for an identity that lacks it or for which no account of that
// reference vouches. It never changes for a person while the configuration stays.
func (s *Set) UserID(ref string, id identity.Identity) string {
	a := s.Of(ref, id)
	if a == nil {
		return ""
	}
	return s.UserIDOf(a, id)
}

// UserIDOf is UserID for an identity that an account of the set made.
func (s *Set) UserIDOf(a Account, id identity.Identity) string {
	switch s.userID {
	case ByUnionID:
		return Everywhere(a, id)
	case Qualified:
		return a.AppID() + ":" + a.Person(id)
	default:
		return a.Person(id)
	}
}

// snapshotPerson starts what identifies a person whom WeChat made up.
const snapshotPerson = "snapshot:"

// Everywhere returns what identifies somebody over all accounts of the company, "" where the identity does not say.
// WeChat gives several made-up people of snapshot pages the same unionid, so each is one of the account only.
func Everywhere(a Account, id identity.Identity) string {
	if id.Get(identity.Snapshot) != "" {
		return snapshotPerson + a.Person(id)
	}
	return a.PersonEverywhere(id)
}

// Admits reports whether the site lets somebody in by the configuration of today.
func (s *Set) Admits(ref string, id identity.Identity) bool {
	a := s.Of(ref, id)
	return a != nil && Admits(a, id) &&
		(id.Get(identity.Snapshot) == "" || AllowsSnapshots(a)) &&
		(id.Get(identity.ID) != "" || s.UserIDOf(a, id) != "")
}

// Admits reports whether an account lets a person in for whom it vouches.
func Admits(a Account, id identity.Identity) bool {
	admitter, ok := a.(Admitter)
	return !ok || admitter.Admits(id)
}

// AllowsSnapshots reports whether an account lets visitors of snapshot pages in.
func AllowsSnapshots(a Account) bool {
	s, ok := a.(Snapshots)
	return ok && s.AllowsSnapshots()
}

// HasProfile reports whether an identity holds the person's profile, which made-up people of snapshot pages never have.
func (s *Set) HasProfile(ref string, id identity.Identity) bool {
	a, ok := s.Of(ref, id).(Redirector)
	return ok && id.Get(identity.Snapshot) == "" && a.HasProfile(id)
}

// For returns the accounts by which a browser can log in at a host. Those that are a fallback are no choice beside
// these.
func (s *Set) For(c visitor.Client, host string) []Redirector {
	var first, second []Redirector
	for _, a := range s.At(host) {
		r, ok := a.(Redirector)
		if !ok || !r.Serves(c) {
			continue
		}
		if y, ok := a.(Fallback); ok && y.IsFallback(c) {
			second = append(second, r)
		} else {
			first = append(first, r)
		}
	}
	if len(first) == 0 {
		return second
	}
	return first
}

// CanBringProfile reports whether one of the accounts that serve a browser ever brings the person's profile. Where none
// serves it, another browser may.
func CanBringProfile(found []Redirector) bool {
	brings := func(a Redirector) bool { return a.Consent(true) != Never }
	return len(found) == 0 || slices.ContainsFunc(found, brings)
}

// SendsInto reports whether one of a host's accounts wants its visitors in such a browser.
func (s *Set) SendsInto(c visitor.Client, host string) bool {
	return slices.ContainsFunc(s.For(c, host), func(a Redirector) bool {
		recommender, ok := a.(BrowserRecommender)
		return !ok || recommender.RecommendsBrowser(c)
	})
}

// Redirector returns the account of a host that somebody names by kind, app id or reference, nil where there is none
// that visitors can be sent to.
func (s *Set) Redirector(word, host string) Redirector {
	for _, a := range s.At(host) {
		if r, ok := a.(Redirector); ok && IsCalled(a, word) {
			return r
		}
	}
	return nil
}

// IsCalled reports whether somebody means an account by a word: its kind, its app id, or its reference.
func IsCalled(a Account, word string) bool {
	return word == a.Kind() || word == a.AppID() || word == Ref(a)
}
