package login

import (
	"context"
	"errors"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/grant"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// snapshotLifetime bounds the session of a person whom WeChat made up.
const snapshotLifetime = time.Hour

// IssueToken returns a new session, for a program, of the person for whom an account vouches by a grant. The error is
// an [account.ErrNotAMember], a [problem.ErrNoUnionID] or the store's.
func (f *Flow) IssueToken(ctx context.Context, a account.Account, g account.Grant) (session.Session, error) {
	id := named(a, g.Identity)
	if !account.Admits(a, id) || id.Get(identity.Snapshot) != "" {
		return session.Session{}, account.ErrNotAMember
	}
	id, err := f.Grants.Complete(ctx, a, id)
	if errors.Is(err, grant.ErrUnionIDUnknown) {
		return session.Session{}, problem.ErrNoUnionID
	}
	if err != nil {
		return session.Session{}, err
	}
	g.RefreshToken = "" // a program keeps its token, and with it the profile of the login
	f.Grants.Keep(ctx, a, id, g)
	return f.Sessions.New(ctx, account.Ref(a), id, f.Sessions.Policy.Lifetime), nil
}

// issue returns a new session of the person for whom the account of a callback vouches by a grant.
func (f *Flow) issue(ctx context.Context, c *callback, g account.Grant) (s session.Session, err error) {
	id := named(c.account, g.Identity)
	if !account.Admits(c.account, id) {
		return s, account.ErrNotAMember
	}
	lifetime := f.Sessions.Policy.Lifetime
	if id.Get(identity.Snapshot) != "" {
		if !account.AllowsSnapshots(c.account) {
			return s, problem.ErrSnapshot
		}
		lifetime = min(lifetime, snapshotLifetime)
	}
	id, err = f.Grants.Complete(ctx, c.account, f.keepKnown(c.account, id, c.live))
	switch {
	case errors.Is(err, grant.ErrUnionIDUnknown) && canAskForMore(c):
		return s, errNeedsConsent
	case errors.Is(err, grant.ErrUnionIDUnknown):
		return s, problem.ErrNoUnionID
	case err != nil:
		return s, err
	}
	s, err = f.Sessions.Fit(f.Sessions.New(ctx, account.Ref(c.account), id, lifetime), c.Origin)
	if err != nil {
		return s, err
	}
	f.Grants.Keep(ctx, c.account, id, g)
	return s, nil
}

// errNeedsConsent is the error of a silent login that leaves open who the person is.
var errNeedsConsent = errors.New("the unionid is not known without consent")

// canAskForMore reports whether a login with consent could bring what a silent one did not.
func canAskForMore(c *callback) bool {
	return !c.attempt.Profile && c.account.Consent(false) == account.Silent && c.account.Consent(true) != account.Never
}

// named returns an identity with the account that vouches for it.
func named(a account.Account, id identity.Identity) identity.Identity {
	return id.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID())
}

// keepKnown adds to an identity what a session of the same person knew: a login for the profile need not bring all that
// a silent one brought, and a silent one in another tab must not take the profile away. Whether it is the same person,
// their account says.
func (f *Flow) keepKnown(a account.Account, id identity.Identity, live *session.Session) identity.Identity {
	if live == nil || f.Accounts.Of(live.Account, live.Identity) != a ||
		id.Get(identity.Snapshot) != live.Identity.Get(identity.Snapshot) {
		return id
	}
	if person := a.Person(id); person == "" || person != a.Person(live.Identity) {
		return id
	}
	known := func(id identity.Identity, name string) identity.Identity {
		if id.Get(name) != "" {
			return id
		}
		return id.With(name, live.Identity.Get(name))
	}
	id = known(id, identity.UnionID)
	if !f.hasProfile(a, live.Identity) || f.hasProfile(a, id) {
		return id
	}
	with := known(known(id, identity.Nickname), identity.Avatar).With(identity.Scope, live.Identity.Get(identity.Scope))
	if !f.hasProfile(a, with) {
		return id // to this account more belongs to a profile than we know of
	}
	return with
}
