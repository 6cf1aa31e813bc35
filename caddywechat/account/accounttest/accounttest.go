// Package accounttest says whether a kind of account is one: whoever implements [account.Account] runs it in a test.
//
// It also has what tests of such kinds need and should not write each for themselves: a WeChat with canned answers
// ([Platform]), WeChat's behaviour with a clock that a test moves ([Simulate]), and the tables of configurations that a
// kind refuses ([RefusesCaddyfiles], [RefusesConfigs]).
//
// The package knows the contracts of package account and no kind. It is for tests only.
package accounttest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// Fixture is an account to test, and the platform behind it.
type Fixture struct {
	// Account is provisioned, from a configuration in which each of Secrets stands literally; if it is an
	// [account.WeChatCaller] it has been given a client.
	Account account.Account

	// Secrets are texts that must not be shown anywhere, such as the app's secret.
	Secrets []string

	// Code returns another code that the platform gives for one and the same person, whom the account admits. profile
	// says that it was asked for the profile, if the account knows that.
	Code func(profile bool) string

	// RefusedCode is one that the platform refuses as wrong.
	RefusedCode string
}

// Run runs every test, each with a fixture of its own that open makes.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, tt := range checks {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t)
			if !f.canLogIn() {
				t.Fatalf("%T is neither a Redirector nor a TokenLogin: nobody can log in by it", f.Account)
			}
			tt.check(t, f)
		})
	}
}

// checks are all that Run runs.
var checks = []struct {
	name  string
	check func(testing.TB, Fixture)
}{
	{"the module is known by its kind", module},
	{"what names the account stays the same", names},
	{"a code tells who came", login},
	{"a refused code is told apart and gives nothing", refusedCode},
	{"a caller who left is no refused code", leftCaller},
	{"the authorization page gets state and redirect URI as they are", authorizeURL},
	{"a login with the profile brings it", profile},
	{"a profile is refreshed for the same person", refresh},
	{"people are told what they need", texts},
	{"endpoints have names of their own", endpoints},
	{"no secret is shown", secrets},
}

func (f Fixture) canLogIn() bool {
	_, redirects := f.Account.(account.Redirector)
	_, givesTokens := f.Account.(account.TokenLogin)
	return redirects || givesTokens
}

// logIn exchanges a code by whatever way the account has.
func (f Fixture) logIn(ctx context.Context, code string, profile bool) (account.Grant, error) {
	if r, ok := f.Account.(account.Redirector); ok {
		return r.Exchange(ctx, code, profile)
	}
	return f.Account.(account.TokenLogin).Login(ctx, code)
}

// mustLogIn logs the person in.
func (f Fixture) mustLogIn(t testing.TB, profile bool) account.Grant {
	t.Helper()
	grant, err := f.logIn(t.Context(), f.Code(profile), profile)
	if err != nil {
		t.Fatalf("the login failed: %v", err)
	}
	return grant
}

// gives reports whether a login can bring the profile.
func (f Fixture) gives(profile bool) bool {
	r, ok := f.Account.(account.Redirector)
	return !ok || r.Consent(profile) != account.Never
}

var kindForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func module(t testing.TB, f Fixture) {
	kind := f.Account.Kind()
	if !kindForm.MatchString(kind) {
		t.Errorf("the kind %q is no word of lower-case letters, digits and underscores", kind)
	}
	info, err := caddy.GetModule("wechat.accounts." + kind)
	if err != nil {
		t.Fatalf("no module is registered by the name of the kind: %v", err)
	}
	fresh, ok := info.New().(account.Account)
	if !ok {
		t.Fatalf("the module makes a %T, which is no account", info.New())
	}
	if fresh.Kind() != kind {
		t.Errorf("the kind of a new module is %q, and %q once it is provisioned", fresh.Kind(), kind)
	}
}

func names(t testing.TB, f Fixture) {
	kind, appID, ref := f.Account.Kind(), f.Account.AppID(), account.Ref(f.Account)
	if appID == "" {
		t.Error("the app id is empty")
	}
	if !strings.HasPrefix(ref, appID) || ref != appID && !strings.HasPrefix(ref, appID+"/") {
		t.Errorf("the reference is %q: it must be the app id %q, or that with a slash and more behind it", ref, appID)
	}
	f.mustLogIn(t, false)
	if k, a, r := f.Account.Kind(), f.Account.AppID(), account.Ref(f.Account); k != kind || a != appID || r != ref {
		t.Errorf("a login changed %q, %q, %q to %q, %q, %q", kind, appID, ref, k, a, r)
	}
}

var fieldForm = regexp.MustCompile(`^[a-z0-9_]+$`)

// hostFields are added by the host.
var hostFields = map[string]bool{
	identity.ID: true, "user": true, identity.Account: true, identity.AppID: true, "appid": true,
}

func login(t testing.TB, f Fixture) {
	grant := f.mustLogIn(t, false)
	person, everywhere := f.Account.Person(grant.Identity), f.Account.PersonEverywhere(grant.Identity)
	if person == "" {
		t.Errorf("nobody is who logged in: %v", grant.Identity)
	}
	seen := make(map[string]bool)
	for _, field := range grant.Identity {
		if !fieldForm.MatchString(field.Name) || hostFields[field.Name] {
			t.Errorf("%q is no name that a field can have", field.Name)
		}
		if seen[field.Name] || field.Value == "" {
			t.Errorf("the field %s comes twice, or is empty: make identities by Identity.With", field.Name)
		}
		seen[field.Name] = true
		if field.Value == grant.RefreshToken || field.Value == grant.SessionSecret {
			t.Errorf("the field %s is a secret that must not leave the server", field.Name)
		}
	}
	if a, ok := f.Account.(account.Admitter); ok && !a.Admits(grant.Identity) {
		t.Error("the account does not admit whom it has just logged in: an exchange returns ErrNotAMember for them")
	}
	for _, profile := range []bool{false, true} {
		if !f.gives(profile) {
			continue
		}
		again := f.mustLogIn(t, profile)
		if p := f.Account.Person(again.Identity); p != person {
			t.Errorf("the same person is %q, and in another login %q", person, p)
		}
		// A login that brings more may say what another one does not.
		if e := f.Account.PersonEverywhere(again.Identity); e != everywhere && e != "" && everywhere != "" {
			t.Errorf("the same person is %q everywhere, and in another login %q", everywhere, e)
		}
	}
}

func refusedCode(t testing.TB, f Fixture) {
	for _, profile := range []bool{false, true} {
		if !f.gives(profile) {
			continue
		}
		grant, err := f.logIn(t.Context(), f.RefusedCode, profile)
		if !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("profile %t: got %v, which does not wrap ErrCodeRefused", profile, err)
		}
		wantNoGrant(t, grant)
		f.wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), f.RefusedCode)
	}
}

func leftCaller(t testing.TB, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	code := f.Code(false)
	cancel()
	grant, err := f.logIn(ctx, code, false)
	if err == nil || errors.Is(err, account.ErrCodeRefused) {
		t.Errorf("got %v", err)
	}
	wantNoGrant(t, grant)
	f.wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), code)
}

func wantNoGrant(t testing.TB, grant account.Grant) {
	t.Helper()
	if len(grant.Identity) > 0 || grant.RefreshToken != "" || grant.SessionSecret != "" {
		t.Error("something was granted beside an error")
	}
}
