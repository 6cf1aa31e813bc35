// Package event owns the words for what happens: how a login, a logout or a revocation ended. Metrics, log lines,
// Caddy's events and hooks share them, and all of them hear of it by one [Sink]. Nobody else writes such a word down.
package event

import (
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Outcome is how something ended. The words are fixed: operators count and search by them.
type Outcome string

// How a callback or a token login ends.
const (
	LoggedIn       Outcome = "logged_in"
	Repeated       Outcome = "repeated"        // a callback that was answered before
	Restarted      Outcome = "restarted"       // the login starts afresh by itself
	Declined       Outcome = "declined"        // the visitor said no
	Snapshot       Outcome = "snapshot"        // the visitor of a snapshot page, who is nobody
	NotAMember     Outcome = "not_a_member"    // the account does not let the person in
	UnionIDMissing Outcome = "unionid_missing" // WeChat does not say who the person is over all accounts
	Failed         Outcome = "failed"
	Loop           Outcome = "loop" // login after login of one browser
)

// How sessions end before their time.
const (
	LoggedOut Outcome = "logged_out"
	Revoked   Outcome = "revoked"
)

// Subject is what an event is about. It is the message of its log line.
type Subject string

// The subjects.
const (
	Callback   Subject = "callback"
	TokenLogin Subject = "token login"
	Login      Subject = "login"
	Logout     Subject = "logout"
	Revocation Subject = "revocation"
)

// Event is something that happened. It holds no secret.
type Event struct {
	Subject Subject
	Outcome Outcome
	Request *visitor.Request // that caused it; nil: an operator, or work in the background

	Account string // the kind of account, "" where none is known
	AppID   string // the account's reference: its app id, in WeCom corp and agent
	UserID  string // the person as the app knows them
	Session string // the session's id, as operators see it
	Reason  string // why it ended so, in words for operators
	Err     error  // what went wrong
	// ByClient says that what went wrong is the client's doing, such as a wrong code: nobody has to act on it.
	ByClient bool
	Cure     string // what an operator can do about it
	Stored   *bool  // of a revocation: whether the store knows of it; nil: does not matter
}

// Sink hears of events. It must not wait for anything.
type Sink interface{ Emit(Event) }
