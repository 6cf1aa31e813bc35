package accounttest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// recorder is a test that only remembers that it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (*recorder) Helper()                 {}
func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatal(...any)          { r.failed = true; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }
func (r *recorder) Skip(...any)           { runtime.Goexit() }

// failing returns the names of the checks that a fixture does not pass.
func failing(t *testing.T, open func() Fixture) (names []string) {
	for _, c := range checks {
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.check(r, open())
		}()
		<-done
		if r.failed {
			names = append(names, c.name)
		}
	}
	return names
}

// kind is an account that keeps all contracts until a test changes how it does one thing.
type kind struct {
	Secret config.Secret `json:"secret,omitzero"`

	name, appID, ref string
	person           func(identity.Identity) string
	consent          func(profile bool) account.Consent
	authorizeURL     func(redirectURI, state string) string
	exchange         func(ctx context.Context, code string) (account.Grant, error)
	hasProfile       func(identity.Identity) bool
	refresh          func(token string) (account.Grant, error)
	label, hint      string
	endpoints        []account.Endpoint
	shown            string
}

func init() { caddy.RegisterModule(new(kind)) }

func (*kind) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.accounts.tested", New: func() caddy.Module { return newKind() }}
}

func (k *kind) Kind() string                               { return k.name }
func (k *kind) AppID() string                              { return k.appID }
func (k *kind) Ref() string                                { return k.ref }
func (k *kind) Person(id identity.Identity) string         { return k.person(id) }
func (*kind) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }
func (*kind) Serves(c visitor.Client) bool                 { return c.WeChat }
func (k *kind) Consent(profile bool) account.Consent       { return k.consent(profile) }
func (k *kind) HasProfile(id identity.Identity) bool       { return k.hasProfile(id) }
func (k *kind) Label(string) string                        { return k.label }
func (k *kind) DomainHint() string                         { return k.hint }
func (k *kind) Endpoints() []account.Endpoint              { return k.endpoints }
func (k *kind) Format(w fmt.State, _ rune)                 { fmt.Fprint(w, k.shown) }
func (k *kind) MarshalText() ([]byte, error)               { return []byte(k.shown), nil }
func (*kind) Admits(id identity.Identity) bool             { return id.Get(identity.OpenID) != "stranger" }

func (k *kind) AuthorizeURL(_ visitor.Client, redirectURI, state string, _ bool) string {
	return k.authorizeURL(redirectURI, state)
}

func (k *kind) Exchange(ctx context.Context, code string, _ bool) (account.Grant, error) {
	return k.exchange(ctx, code)
}

func (k *kind) RefreshProfile(_ context.Context, token string) (account.Grant, error) {
	return k.refresh(token)
}

const (
	theSecret   = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	goodCode    = "081UcAFa1s1OAz0o7wGa1wb8vG1UcAFX"
	refused     = "0000000000000000000000000000dead"
	refreshWith = "61_refresh"
)

func granted() account.Grant {
	return account.Grant{
		Identity:     identity.Identity{}.With(identity.OpenID, "oABC").With(identity.Nickname, "Emma"),
		RefreshToken: refreshWith, SessionSecret: "a session key",
	}
}

func newKind() *kind {
	return &kind{
		name: "tested", appID: "wx1", ref: "wx1/2", label: "label", hint: "hint", shown: "an account",
		Secret:  config.NewSecret(theSecret),
		person:  func(id identity.Identity) string { return id.Get(identity.OpenID) },
		consent: func(bool) account.Consent { return account.Direct },
		authorizeURL: func(redirectURI, state string) string {
			return "https://example.com/authorize" +
				"?back=" + url.QueryEscape(redirectURI) + "&state=" + url.QueryEscape(state)
		},
		exchange: func(ctx context.Context, code string) (account.Grant, error) {
			if ctx.Err() != nil {
				return account.Grant{}, ctx.Err()
			}
			if code != goodCode {
				return account.Grant{}, fmt.Errorf("%w: no such code", account.ErrCodeRefused)
			}
			return granted(), nil
		},
		hasProfile: func(id identity.Identity) bool { return id.Get(identity.Nickname) != "" },
		refresh:    func(string) (account.Grant, error) { return granted(), nil },
		endpoints: []account.Endpoint{
			{Name: "phone", Serve: func(context.Context, account.Call) (any, error) { return nil, nil }},
		},
	}
}

func fixtureOf(change func(*kind)) func() Fixture {
	return func() Fixture {
		k := newKind()
		change(k)
		return Fixture{
			Account: k, Secrets: []string{theSecret},
			Code: func(bool) string { return goodCode }, RefusedCode: refused,
		}
	}
}

func TestRun_PassesAKindThatKeepsTheContracts(t *testing.T) {
	Run(t, func(*testing.T) Fixture { return fixtureOf(func(*kind) {})() })
}

func TestRun_FindsWhatBreaksAContract(t *testing.T) {
	always := func(err error) func(context.Context, string) (account.Grant, error) {
		return func(_ context.Context, code string) (account.Grant, error) {
			if code == goodCode {
				return granted(), nil
			}
			return account.Grant{}, err
		}
	}
	grants := func(change func(*account.Grant)) func(*kind) {
		return func(k *kind) {
			good := k.exchange
			k.exchange = func(ctx context.Context, code string) (account.Grant, error) {
				grant, err := good(ctx, code)
				change(&grant)
				return grant, err
			}
		}
	}
	page := func(format string) func(*kind) {
		return func(k *kind) {
			k.authorizeURL = func(redirectURI, state string) string {
				return fmt.Sprintf(format, url.QueryEscape(redirectURI), url.QueryEscape(state))
			}
		}
	}
	logins := 0
	for name, change := range map[string]func(*kind){
		"another kind than the module's":   func(k *kind) { k.name = "other" },
		"a kind that is no word":           func(k *kind) { k.name = "Tested Kind" },
		"no app id":                        func(k *kind) { k.appID, k.ref = "", "" },
		"a reference without the app id":   func(k *kind) { k.ref = "2" },
		"a reference with more at its end": func(k *kind) { k.ref = "wx12" },
		"nobody logs in":                   func(k *kind) { k.person = func(identity.Identity) string { return "" } },
		"somebody else each time": func(k *kind) {
			k.person = func(identity.Identity) string { logins++; return fmt.Sprint(logins) }
		},
		"a field of the host's": grants(func(g *account.Grant) { g.Identity = g.Identity.With(identity.ID, "oABC") }),
		"a field with blanks":   grants(func(g *account.Grant) { g.Identity = g.Identity.With("a field", "x") }),
		"an empty field": grants(func(g *account.Grant) {
			g.Identity = append(g.Identity, identity.Field{Name: "empty"})
		}),
		"a field twice": grants(func(g *account.Grant) { g.Identity = append(g.Identity, g.Identity...) }),
		"a refresh token in a field": grants(func(g *account.Grant) {
			g.Identity = g.Identity.With("token", refreshWith)
		}),
		"a stranger who logs in": grants(func(g *account.Grant) {
			g.Identity = g.Identity.With(identity.OpenID, "stranger")
		}),
		"a grant beside an error":        grants(func(g *account.Grant) { g.RefreshToken = refreshWith }),
		"a refused code that is no such": func(k *kind) { k.exchange = always(errors.New("some error")) },
		"a code in an error": func(k *kind) {
			k.exchange = always(fmt.Errorf("%w: %s", account.ErrCodeRefused, refused))
		},
		"a secret in an error": func(k *kind) {
			k.exchange = always(fmt.Errorf("%w: %s", account.ErrCodeRefused, theSecret))
		},
		"a login for a caller who left": func(k *kind) { k.exchange = always(account.ErrCodeRefused) },
		"no state":                      page("https://example.com/?back=%[1]s"),
		"no redirect URI":               page("https://example.com/?state=%[2]s"),
		"a redirect URI not escaped": func(k *kind) {
			k.authorizeURL = func(r, s string) string { return "https://example.com/?back=" + r + "&state=" + s }
		},
		"a state twice":               page("https://example.com/?back=%s&state=%s&again=%[2]s"),
		"a relative page":             page("/authorize?back=%s&state=%s"),
		"a secret in the address":     page("https://example.com/?back=%s&state=%s&secret=" + theSecret),
		"a consent that there is not": func(k *kind) { k.consent = func(bool) account.Consent { return 7 } },
		"a profile that never comes": func(k *kind) {
			k.hasProfile = func(identity.Identity) bool { return false }
		},
		"a profile that cannot be":       func(k *kind) { k.consent = never(true) },
		"no login without the profile":   func(k *kind) { k.consent = never(false) },
		"no refresh token":               grants(func(g *account.Grant) { g.RefreshToken = "" }),
		"no refresh token the next time": refreshes(func(g *account.Grant) { g.RefreshToken = "" }),
		"somebody else's profile": refreshes(func(g *account.Grant) {
			g.Identity = g.Identity.With(identity.OpenID, "oX")
		}),
		"no profile when it is refreshed": refreshes(func(g *account.Grant) {
			g.Identity = g.Identity.Without(identity.Nickname)
		}),
		"no label":                 func(k *kind) { k.label = "" },
		"no hint":                  func(k *kind) { k.hint = "" },
		"the host's endpoint":      func(k *kind) { k.endpoints[0].Name = "login" },
		"an endpoint twice":        func(k *kind) { k.endpoints = append(k.endpoints, k.endpoints...) },
		"an endpoint with a slash": func(k *kind) { k.endpoints[0].Name = "a/b" },
		"an endpoint of nothing":   func(k *kind) { k.endpoints[0].Serve = nil },
		"a secret that is printed": func(k *kind) { k.shown = theSecret },
		"a secret that names it":   func(k *kind) { k.ref = "wx1/" + theSecret },
	} {
		if got := failing(t, fixtureOf(change)); len(got) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

func never(profile bool) func(bool) account.Consent {
	return func(p bool) account.Consent {
		if p == profile {
			return account.Never
		}
		return account.Direct
	}
}

func refreshes(change func(*account.Grant)) func(*kind) {
	return func(k *kind) {
		k.refresh = func(string) (account.Grant, error) {
			grant := granted()
			change(&grant)
			return grant, nil
		}
	}
}
