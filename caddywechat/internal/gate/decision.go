package gate

import "github.com/caddywechat/caddy-wechat/caddywechat/internal/session"

// Action is what is to be done with a request.
type Action int

const (
	// Pass passes the request on as nobody's.
	Pass Action = iota
	// Forward passes the request on as the person of the session.
	Forward
	// Challenge sends a person to a login, and tells a program where one starts.
	Challenge
	// Fail tells that nobody can know who is asking, for want of the key.
	Fail
	// Observe passes the request on as nobody's, and takes note that the rule would stop it.
	Observe
)

// Decision is what is to become of a request, and why.
type Decision struct {
	Action Action
	Rule   *Rule // that decided
	// Session is the visitor's: what is forwarded, or what is not enough; nil where there is none that matters.
	Session *session.Session
	Err     error // why nobody knows who is asking; not nil with Fail, and where Observe stands for that
}

// Reason says why, for people.
func (d Decision) Reason() string {
	rule := string(d.Rule.Ask) + ": " + d.Rule.Place
	switch {
	case d.Action == Forward:
		return rule + "; the session is what is asked for"
	case d.Action != Pass && d.Err != nil:
		return rule + "; the session key cannot be had from the store"
	case d.Session != nil: // as never with Pass
		return rule + "; the session lacks the profile"
	case d.Action != Pass:
		return rule + "; there is no session"
	case d.Rule.Ask == Public:
		return rule
	case d.Rule.Ask == Optional:
		return rule + "; there is no session, and none is needed"
	default:
		return rule + "; no account serves this browser, and outside_wechat is pass"
	}
}
