package gate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/observe"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// under matches the paths below a folder.
func under(folder string) func(*http.Request) (bool, error) {
	return func(r *http.Request) (bool, error) { return strings.HasPrefix(r.URL.Path, folder), nil }
}

var errMatcher = errors.New("the matcher failed")

func fails(*http.Request) (bool, error) { return false, errMatcher }

// rules are those of a site: the first that matches counts.
func rules() []gate.Rule {
	return []gate.Rule{
		{Ask: gate.Public, Place: "rule 1", Match: under("/public/")},
		{Ask: gate.Optional, Place: "rule 2", Match: under("/optional/")},
		{Ask: gate.Userinfo, Place: "rule 3", Match: under("/profile/")},
		{Ask: gate.Login, Place: "rule 4", Match: under("/p")},
	}
}

// world is a site with a gate.
type world struct {
	*sitetest.Parts
	*gate.Gate
}

// newWorld makes a site all of which is covered, but for what lies below /outside/.
func newWorld(t *testing.T, o sitetest.Options, passOutside bool) *world {
	t.Helper()
	p := sitetest.New(t, o)
	return &world{p, gate.New(gate.Config{
		Covers: func(r *http.Request) (bool, error) { return !strings.HasPrefix(r.URL.Path, "/outside/"), nil },
		Rules:  rules(), PassOutside: passOutside, Accounts: p.Accounts, Sessions: p.Sessions,
	})}
}

// visitors by what they have.
const (
	nobody = iota
	silent
	profiled
	program     // whose token opens
	lostProgram // whose token does not
	noKey       // there is no way to know
)

// who returns a browser of one of these.
func (w *world) who(what int) *sitetest.Browser {
	b := w.Browser()
	a := w.Parts.Accounts.All()[0]
	switch what {
	case silent:
		b.LogIn(w.Session(a, "o-emma"))
	case profiled:
		b.LogIn(w.Session(a, "o-emma", identity.Nickname, "Emma"))
	case program:
		b.UseToken(w.Session(a, "o-emma"))
	case lostProgram:
		b.Token = "wx1.x"
	case noKey:
		b.LogIn(w.Session(a, "o-emma"))
	}
	return b
}

func TestDecide_EachBranch(t *testing.T) {
	const (
		enough   = "; the session is what is asked for"
		lacking  = "; the session lacks the profile"
		none     = "; there is no session"
		unneeded = "; there is no session, and none is needed"
		unknown  = "; the session key cannot be had from the store"
	)
	for _, tt := range []struct {
		path   string
		who    int
		want   gate.Action
		reason string
	}{
		{"/public/x", nobody, gate.Pass, "public: rule 1"},
		{"/public/x", silent, gate.Pass, "public: rule 1"},
		{"/public/x", lostProgram, gate.Pass, "public: rule 1"},
		{"/outside/x", silent, gate.Pass, "public: outside the directive's matcher"},

		{"/optional/x", nobody, gate.Pass, "optional: rule 2" + unneeded},
		{"/optional/x", silent, gate.Forward, "optional: rule 2" + enough},
		{"/optional/x", program, gate.Forward, "optional: rule 2" + enough},
		{"/optional/x", lostProgram, gate.Challenge, "optional: rule 2" + none},

		{"/profile/x", nobody, gate.Challenge, "userinfo: rule 3" + none},
		{"/profile/x", silent, gate.Challenge, "userinfo: rule 3" + lacking},
		{"/profile/x", profiled, gate.Forward, "userinfo: rule 3" + enough},
		{"/profile/x", program, gate.Challenge, "userinfo: rule 3" + lacking},
		{"/profile/x", lostProgram, gate.Challenge, "userinfo: rule 3" + none},

		{"/page", nobody, gate.Challenge, "login: rule 4" + none},
		{"/page", silent, gate.Forward, "login: rule 4" + enough},
		{"/page", program, gate.Forward, "login: rule 4" + enough},
		{"/page", lostProgram, gate.Challenge, "login: rule 4" + none},

		{"/else", nobody, gate.Challenge, "login: no rule matches" + none},
		{"/else", silent, gate.Forward, "login: no rule matches" + enough},

		// Where servers disagree on a path no rule opens it, and what is not covered is.
		{"/public/%2e%2e/x", nobody, gate.Challenge, "login: rule 4" + none},
		{"/optional/;x", nobody, gate.Challenge, "login: no rule matches a path on which servers disagree" + none},
		{"/outside/%2fx", nobody, gate.Challenge, "login: no rule matches a path on which servers disagree" + none},
		{"/profile/%5cx", silent, gate.Challenge, "userinfo: rule 3" + lacking},

		{"/public/x", noKey, gate.Pass, "public: rule 1"},
		{"/optional/x", noKey, gate.Pass, "optional: rule 2" + unneeded},
		{"/page", noKey, gate.Fail, "login: rule 4" + unknown},
		{"/profile/x", noKey, gate.Fail, "userinfo: rule 3" + unknown},
	} {
		w := newWorld(t, sitetest.Options{MadeKey: tt.who == noKey}, false)
		b := w.who(tt.who)
		if tt.who == noKey {
			w = newWorld(t, sitetest.Options{MadeKey: true}, false)
			w.Store.Fail()
			b = b.At(w.Parts)
		}
		d, err := w.Decide(b.Request("GET", tt.path))
		if err != nil {
			t.Fatal(err)
		}
		if d.Action != tt.want || d.Reason() != tt.reason {
			t.Errorf("%s by %d: %d, %s; want %d, %s", tt.path, tt.who, d.Action, d.Reason(), tt.want, tt.reason)
		}
		wantSession := d.Action == gate.Forward || d.Action == gate.Challenge && (tt.who == silent || tt.who == program)
		if (d.Session != nil) != wantSession || (d.Err != nil) && !errors.Is(d.Err, store.ErrStore) {
			t.Errorf("%s by %d: session %v, %v", tt.path, tt.who, d.Session, d.Err)
		}
	}
}

func TestDecide_ProgramsWithoutKeysAreNobodyElse(t *testing.T) {
	w := newWorld(t, sitetest.Options{MadeKey: true}, true)
	w.Store.Fail()
	b := w.who(lostProgram)
	for _, path := range []string{"/optional/x", "/page", "/profile/x"} {
		if d, err := w.Decide(b.Request("GET", path)); err != nil || d.Action != gate.Fail || d.Err == nil {
			t.Errorf("%s: %+v, %v", path, d, err)
		}
	}
}

func TestDecide_PassesWhomNoAccountServesWhereThatIsAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		passOutside bool
		agent, path string
		who         int
		want        gate.Action
	}{
		"outside":                {true, sitetest.OnDesktop, "/page", nobody, gate.Pass},
		"in WeChat":              {true, sitetest.InWeChat, "/page", nobody, gate.Challenge},
		"not by default":         {false, sitetest.OnDesktop, "/page", nobody, gate.Challenge},
		"not for a profile":      {true, sitetest.OnDesktop, "/profile/x", nobody, gate.Challenge},
		"nor with half a login":  {true, sitetest.OnDesktop, "/profile/x", silent, gate.Challenge},
		"not by a lost token":    {true, sitetest.OnDesktop, "/page", lostProgram, gate.Challenge},
		"who is somebody anyway": {true, sitetest.OnDesktop, "/page", silent, gate.Forward},
	} {
		w := newWorld(t, sitetest.Options{}, tt.passOutside)
		b := w.who(tt.who)
		b.Agent = tt.agent
		d, err := w.Decide(b.Request("GET", tt.path))
		if err != nil || d.Action != tt.want {
			t.Errorf("%s: %d, %v", name, d.Action, err)
		}
		if name == "outside" &&
			d.Reason() != "login: rule 4; no account serves this browser, and outside_wechat is pass" {
			t.Errorf("got %s", d.Reason())
		}
	}
	w := newWorld(t, sitetest.Options{MadeKey: true}, true)
	w.Store.Fail()
	b := w.Browser()
	b.Agent = sitetest.OnDesktop
	b.Cookies["__Host-"+session.DefaultName] = "x"
	if d, err := w.Decide(b.Request("GET", "/page")); err != nil || d.Action != gate.Fail {
		t.Errorf("who may be somebody: %d, %v", d.Action, err)
	}
}

func TestDecide_AMatcherThatFailsOpensNothing(t *testing.T) {
	w := newWorld(t, sitetest.Options{}, false)
	b := w.Browser()
	covers, all := w.Covers, w.Rules
	w.Covers = fails
	if d, err := w.Decide(b.Request("GET", "/public/x")); !errors.Is(err, errMatcher) || d.Rule != nil {
		t.Errorf("got %+v, %v", d, err)
	}
	w.Covers = covers
	w.Rules = append([]gate.Rule{{Ask: gate.Public, Match: fails}}, all...)
	if d, err := w.Decide(b.Request("GET", "/public/x")); !errors.Is(err, errMatcher) || d.Rule != nil {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestSatisfies_AsksForTheProfileWhereARuleDoes(t *testing.T) {
	w := newWorld(t, sitetest.Options{}, false)
	var a account.Account = w.Account
	without, with := w.Session(a, "o-emma"), w.Session(a, "o-emma", identity.Nickname, "Emma")
	for ask, want := range map[gate.Ask]bool{gate.Optional: true, gate.Login: true, gate.Userinfo: false} {
		if got := w.Satisfies(&without, ask); got != want || !w.Satisfies(&with, ask) {
			t.Errorf("%s: %t without the profile", ask, got)
		}
	}
}

func TestDecide_ObserveLetsGoOnWhatARuleWouldStop(t *testing.T) {
	for _, tt := range []struct {
		path   string
		who    int
		want   gate.Action
		reason string
	}{
		{"/public/x", nobody, gate.Pass, "public: rule 1"},
		{"/optional/x", silent, gate.Forward, "optional: rule 2; the session is what is asked for"},
		{"/page", silent, gate.Forward, "login: rule 4; the session is what is asked for"},
		{"/page", nobody, gate.Observe, "login: rule 4; there is no session"},
		{"/page", lostProgram, gate.Observe, "login: rule 4; there is no session"},
		{"/profile/x", silent, gate.Observe, "userinfo: rule 3; the session lacks the profile"},
	} {
		w := newWorld(t, sitetest.Options{}, false)
		w.Observer = observe.New(w.Clock.Now, w.Logger)
		d, err := w.Decide(w.who(tt.who).Request("GET", tt.path))
		if err != nil || d.Action != tt.want || d.Reason() != tt.reason {
			t.Errorf("%s by %d: %d, %s, %v", tt.path, tt.who, d.Action, d.Reason(), err)
		}
	}
	w := newWorld(t, sitetest.Options{MadeKey: true}, false)
	w.Observer = observe.New(w.Clock.Now, w.Logger)
	w.Store.Fail()
	b := w.Browser()
	b.Cookies["__Host-"+session.DefaultName] = "x"
	d, err := w.Decide(b.Request("GET", "/page"))
	if err != nil || d.Action != gate.Observe || !strings.Contains(d.Reason(), "the session key cannot be had") {
		t.Errorf("without a key: %d, %s, %v", d.Action, d.Reason(), err)
	}
}
