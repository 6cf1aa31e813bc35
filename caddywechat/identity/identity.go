// Package identity says who someone is, and tells it to the app behind the gate: the fields that an account vouches for,
// the request headers that carry them, and the removal of headers that a client forged.
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

// Names lists the names above. Its order is fixed: sealed sessions refer to a name by its place, so new ones go to the end.
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

// With returns a copy of the identity with the named field set to value. An empty value changes nothing: what an account
// does not know is absent, never empty. A value that is too long for a cookie is cut.
func (id Identity) With(name, value string) Identity {
	value = cut(value, maxLength(name))
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

// Without returns a copy of the identity that lacks the named field.
func (id Identity) Without(name string) Identity {
	return slices.DeleteFunc(slices.Clone(id), func(f Field) bool { return f.Name == name })
}

// maxLength returns the length in bytes of the longest value of a field. All together fit into a sealed cookie.
func maxLength(name string) int {
	switch name {
	case Nickname:
		return 384 // WeChat's own have up to 32 characters
	case Avatar:
		return 768
	default:
		return 192
	}
}

// cut returns the beginning of s that has at most n bytes, without half a character at its end.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
