package accounttest

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Browsers are one of each that accounts tell apart.
var Browsers = []visitor.Client{
	{},
	{Phone: true},
	{WeChat: true},
	{WeChat: true, Phone: true},
	{WeChat: true, Phone: true, MiniProgram: "wx0123456789abcdef"},
	{WeCom: true},
	{WeCom: true, Phone: true},
}

// What a page must send back, with characters that mean something in a URL.
const (
	sentState    = "a1B2-_.~"
	sentRedirect = "https://h5.example.com:8443/_wechat/callback?to=%2Fpage%3Fa%3D1%26b&x=a+b%20c"
)

func authorizeURL(t testing.TB, f Fixture) {
	r, ok := f.Account.(account.Redirector)
	if !ok {
		t.Skip("it redirects nobody")
	}
	serves := false
	for _, browser := range Browsers {
		serves = serves || r.Serves(browser)
		for _, profile := range []bool{false, true} {
			if !f.gives(profile) {
				continue
			}
			text := r.AuthorizeURL(browser, sentRedirect, sentState, profile)
			f.wantNoSecret(t, "the address of the page", text)
			u, err := url.Parse(text)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
				t.Errorf("%+v: %q is no address of a page: %v", browser, text, err)
				continue
			}
			query, err := url.ParseQuery(u.RawQuery)
			if err != nil {
				t.Errorf("%+v: the query of %s: %v", browser, text, err)
			}
			for what, want := range map[string]string{"state": sentState, "redirect URI": sentRedirect} {
				if n := count(query, want); n != 1 {
					t.Errorf("%+v: the %s %q is %d times among the parameters of %s, want once",
						browser, what, want, n, text)
				}
			}
			other := r.AuthorizeURL(browser, sentRedirect, "other", profile)
			if strings.Contains(other, url.QueryEscape(sentState)) {
				t.Errorf("%+v: another login has the state of the first: %s", browser, other)
			}
		}
	}
	if !serves {
		t.Error("it serves no browser at all")
	}
}

func count(query url.Values, want string) (n int) {
	for _, values := range query {
		for _, value := range values {
			if value == want {
				n++
			}
		}
	}
	return n
}

func profile(t testing.TB, f Fixture) {
	r, ok := f.Account.(account.Redirector)
	if !ok {
		t.Skip("it redirects nobody")
	}
	for _, profile := range []bool{false, true} {
		if c := r.Consent(profile); c < account.Silent || c > account.Never {
			t.Errorf("profile %t: there is no consent %d", profile, c)
		}
	}
	if r.HasProfile(nil) && r.Consent(true) == account.Never {
		t.Error("nobody has the profile that no login brings")
	}
	if r.Consent(false) == account.Never {
		t.Error("it can log in nobody without the profile")
	}
	if r.Consent(true) == account.Never {
		if grant := f.mustLogIn(t, false); r.HasProfile(grant.Identity) {
			t.Errorf("an identity has the profile that no login brings: %v", grant.Identity)
		}
		return
	}
	if grant := f.mustLogIn(t, true); !r.HasProfile(grant.Identity) {
		t.Errorf("a login with the profile brings none, so visitors would be asked again and again: %v", grant.Identity)
	}
}

func refresh(t testing.TB, f Fixture) {
	a, ok := f.Account.(account.ProfileRefresher)
	if !ok {
		t.Skip("it refreshes no profile")
	}
	grant := f.mustLogIn(t, true)
	if grant.RefreshToken == "" {
		t.Fatal("a login with the profile brings no refresh token")
	}
	again, err := a.RefreshProfile(t.Context(), grant.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Person(again.Identity), a.Person(grant.Identity); got != want {
		t.Errorf("the profile of %q is refreshed to that of %q", want, got)
	}
	if r, ok := f.Account.(account.Redirector); ok && !r.HasProfile(again.Identity) {
		t.Errorf("what was refreshed is no profile: %v", again.Identity)
	}
	if again.RefreshToken == "" {
		t.Error("there is no refresh token for the next time")
	}
}

func texts(t testing.TB, f Fixture) {
	if l, ok := f.Account.(account.Labeler); ok {
		for _, language := range []string{"zh-CN", "zh-TW", "en"} {
			if l.Label(language) == "" {
				t.Errorf("there is no label in %s", language)
			}
		}
	}
	if h, ok := f.Account.(account.CodeHinter); ok && h.CodeHint() == "" {
		t.Error("the hint how to get a code is empty")
	}
	if h, ok := f.Account.(account.DomainHinter); ok && h.DomainHint() == "" {
		t.Error("the hint where to enter the domain is empty")
	}
}

var endpointForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

func endpoints(t testing.TB, f Fixture) {
	e, ok := f.Account.(account.Endpoints)
	if !ok {
		t.Skip("it has no endpoints")
	}
	seen := map[string]bool{"login": true} // the host's own
	for _, endpoint := range e.Endpoints() {
		if !endpointForm.MatchString(endpoint.Name) || seen[endpoint.Name] || endpoint.Serve == nil {
			t.Errorf("%q is no name of an endpoint, or another one's, or nothing is served there", endpoint.Name)
		}
		seen[endpoint.Name] = true
	}
}
