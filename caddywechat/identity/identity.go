// Package identity says who someone is, and tells it to the app behind the gate: the fields that an account vouches
// for, the request headers that carry them, and the removal of headers that a client forged.
//
// It owns the names of fields and headers. What is made from a field elsewhere (placeholders, JSON) follows from the
// field's name, so that a kind of account may bring fields that this package does not know.
package identity

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Names of the fields that the built-in kinds of account bring. Another kind may bring others: a name is lower case
// letters, digits and underscores, and everything that is made from it (headers, placeholders, JSON) follows from it.
const (
	ID             = "id"      // the person, in the form that the site chose
	Account        = "account" // the kind of account that vouches
	AppID          = "app_id"
	OpenID         = "openid"
	UnionID        = "unionid"
	UserID         = "userid"          // WeCom
	ExternalUserID = "external_userid" // WeCom
	Departments    = "departments"     // WeCom: ids, comma separated
	Scope          = "scope"           // what the visitor granted
	Nickname       = "nickname"
	Avatar         = "avatar"
	Snapshot       = "snapshot" // "1" for a visitor of a snapshot page, else absent
)

// Names lists the names above. Its order is fixed: sealed sessions refer to a name by its place, so new ones go to the
// end.
var Names = []string{
	ID, Account, AppID, OpenID, UnionID, UserID, ExternalUserID, Departments, Scope, Nickname, Avatar, Snapshot,
}

// Field is one named fact about a person.
type Field struct{ Name, Value string }

// Identity is what is known about a person: fields in the order in which they were set, each name once, none empty.
// The zero Identity is nobody. An Identity is not changed once it is made: requests share those of their sessions.
type Identity []Field

// Get returns the value of the named field, "" where there is none.
func (id Identity) Get(name string) string {
	for _, f := range id {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// With returns a copy of the identity with the named field set to value. An empty value changes nothing: what an
// account does not know is absent, never empty. A nickname that is longer than any of WeChat's is cut, and an avatar
// that is too long for a cookie is none; other values stay whole, for half an id is another's.
func (id Identity) With(name, value string) Identity {
	value = strings.ToValidUTF8(value, "\ufffd")
	switch {
	case name == Nickname:
		value = cut(value, maxNickname)
	case name == Avatar && len(value) > maxAvatar:
		value = ""
	}
	if value == "" {
		return id
	}
	with := make(Identity, len(id), len(id)+1)
	copy(with, id)
	for i := range with {
		if with[i].Name == name {
			with[i].Value = value
			return with
		}
	}
	return append(with, Field{name, value})
}

const (
	maxNickname = 384 // bytes; WeChat's own have up to 32 characters
	maxAvatar   = 768
)

// Without returns a copy of the identity that lacks the named field.
func (id Identity) Without(name string) Identity {
	return slices.DeleteFunc(slices.Clone(id), func(f Field) bool { return f.Name == name })
}

// CutNickname returns a copy of the identity with at most n bytes of the nickname, without half a character at its end;
// none where nothing is left.
func (id Identity) CutNickname(n int) Identity {
	short := cut(id.Get(Nickname), n)
	if short == "" {
		return id.Without(Nickname)
	}
	return id.With(Nickname, short)
}

// cut returns the beginning of s that has at most n bytes, without half a character at its end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:max(n, 0)]
}
