package caddywechat

import (
	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// isRevoked reports whether a session ended before its time.
func (h *Handler) isRevoked(a account.Account, s *session.Session) bool {
	revoked := &h.shared.revoked
	if revoked.Has(s) {
		return true
	}
	if !revoked.NamesPeople() {
		return false
	}
	names := namesOf(a, s.Identity)
	return revoked.HasPerson(s, names[:]...)
}

// namesOf returns all ways in which a revocation can name somebody, whatever user_id was when it was made and is now.
func namesOf(a account.Account, id identity.Identity) [4]session.Name {
	person := a.Person(id)
	return [4]session.Name{
		session.UserName(person),
		session.UserName(everywhere(a, id)),
		session.QualifiedName(a.AppID(), person),
		session.OpenIDName(id.Get(identity.OpenID)),
	}
}

// everywhere returns what identifies somebody over all accounts of the company, "" where the identity does not say.
func everywhere(a account.Account, id identity.Identity) string {
	if id.Get(identity.Snapshot) != "" {
		return snapshotPerson + a.Person(id) // WeChat gives several made-up people the same unionid
	}
	return a.PersonEverywhere(id)
}

// ownNames returns the names by which the sessions of this person end and nobody else's: in this account, and in others
// that know the same person. The first one there always is.
func ownNames(a account.Account, id identity.Identity) []session.Name {
	names := []session.Name{session.QualifiedName(a.AppID(), a.Person(id))}
	if person := everywhere(a, id); person != "" {
		names = append(names, session.UserName(person))
	}
	return names
}
