// Package gate decides: what the rules ask of a request, whether its session is what is asked for, and to whom an
// address of the module itself goes. A decision is a value with its reason. The package writes nothing, neither an
// answer nor a line of the log.
package gate

import (
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/observe"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Ask is what a rule asks of a request.
type Ask string

// What a rule can ask.
const (
	Public   Ask = "public"   // nothing, and no identity is forwarded
	Optional Ask = "optional" // nothing; the identity is forwarded if there is one
	Login    Ask = "login"    // a login
	Userinfo Ask = "userinfo" // a login with the person's profile
)

// Rule says what to ask of the requests that match.
type Rule struct {
	Ask   Ask
	Place string // where it stands, for people: its number, and the line that it was written in
	Match func(*http.Request) (bool, error)
}

// Config is what a [Gate] is made of.
type Config struct {
	// Covers reports whether login is asked for at all; outside it nothing is.
	Covers      func(*http.Request) (bool, error)
	Rules       []Rule // the first one that matches decides; where none does a login is required
	PassOutside bool   // whether visitors whose browser no account serves go on without identity where a login is asked
	// Observer is told of what the rules would stop, which goes on as nobody's; nil: they stop it.
	Observer *observe.Observer
	Accounts *account.Set
	Sessions *session.Manager
	Routes   *Routes
}

// Gate decides what becomes of the requests of one site. It is safe for concurrent use.
type Gate struct{ Config }

// New returns the gate of a site.
func New(c Config) *Gate { return &Gate{c} }

// Rules that stand in no configuration.
var (
	outside   = Rule{Ask: Public, Place: "outside the directive's matcher"}
	fallback  = Rule{Ask: Login, Place: "no rule matches"}
	ambiguous = Rule{Ask: Login, Place: "no rule matches a path on which servers disagree"}
)

// Decide returns what is to become of a request. The error is a matcher's.
func (g *Gate) Decide(r *visitor.Request) (Decision, error) {
	rule, err := g.rule(r.Request)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Rule: rule}
	if rule.Ask == Public {
		return d, nil
	}
	d.Session, d.Err = g.Sessions.Find(r)
	isProgram := len(r.Tokens) > 0
	switch {
	case d.Session != nil && g.Satisfies(d.Session, rule.Ask):
		d.Action = Forward
	case d.Err == nil && isProgram:
		d.Action = Challenge // a token that does not open is no reason to take the program for somebody else
	case rule.Ask == Optional && !isProgram, d.Err == nil && g.passesOutside(r, rule.Ask):
		d.Session = nil
	case d.Err != nil:
		d.Action = Fail
	default:
		d.Action = Challenge
	}
	if g.Observer != nil && (d.Action == Challenge || d.Action == Fail) {
		d.Action = Observe
	}
	return d, nil
}

// Demand returns what is to become of a request after all, whose app answered that it wants a login, or with [Userinfo]
// the person's profile: a challenge, or what was decided before where a login would bring no more.
func (g *Gate) Demand(r *visitor.Request, d Decision, ask Ask) Decision {
	if d.Rule.Ask == Public {
		return d
	}
	if d.Rule.Ask == Userinfo { // which lets nobody through, but where it only observes
		ask = Userinfo
	}
	switch {
	case d.Action == Forward && g.Satisfies(d.Session, ask):
	case ask == Userinfo && (len(r.Tokens) > 0 || !account.CanBringProfile(g.accountsFor(r))):
	case g.passesOutside(r, ask):
	default:
		d.Action, d.Rule = Challenge, &Rule{Ask: ask, Place: "the app's answer, after " + d.Rule.Place}
	}
	return d
}

// rule returns the rule that decides. Where servers may disagree on what the path means, no rule opens it.
func (g *Gate) rule(r *http.Request) (*Rule, error) {
	isAmbiguous := site.IsAmbiguous(r)
	if !isAmbiguous {
		isCovered, err := g.Covers(r)
		if err != nil {
			return nil, err
		}
		if !isCovered {
			return &outside, nil
		}
	}
	for i := range g.Rules {
		rule := &g.Rules[i]
		if isAmbiguous && (rule.Ask == Public || rule.Ask == Optional) {
			continue
		}
		matches, err := rule.Match(r)
		if err != nil {
			return nil, err
		}
		if matches {
			return rule, nil
		}
	}
	if isAmbiguous {
		return &ambiguous, nil
	}
	return &fallback, nil
}

// Satisfies reports whether a live session is what is asked for.
func (g *Gate) Satisfies(s *session.Session, ask Ask) bool {
	return ask != Userinfo || g.Accounts.HasProfile(s.Account, s.Identity)
}

// passesOutside reports whether a visitor whose browser no account serves goes on all the same.
func (g *Gate) passesOutside(r *visitor.Request, ask Ask) bool {
	return g.PassOutside && ask == Login && len(g.accountsFor(r)) == 0
}

func (g *Gate) accountsFor(r *visitor.Request) []account.Redirector {
	return g.Accounts.For(r.Client(), r.Origin.Hostname())
}
