package simulator

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

const otherAppID = "wx00000000000000aa"

func twoAccounts() []OfficialAccount {
	return []OfficialAccount{demoAccount(), {AppID: otherAppID, Secret: DemoSecret, Domain: "localhost"}}
}

func TestExchange_GivesTokensInWeChatsForm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.get(exchangePath(h.silentCode()))
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/plain" ||
		r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", r.status, r.header)
	}
	shape := `^{"access_token":"61_[0-9A-Za-z]{86}","expires_in":7200,"refresh_token":"61_[0-9A-Za-z]{86}",` +
		`"openid":"o[0-9A-Za-z_-]{27}","scope":"snsapi_base"}$`
	if !regexp.MustCompile(shape).MatchString(r.body) {
		t.Errorf("got %s", r.body)
	}
}

func TestExchange_RefusesBadRequestsAndKeepsTheCode(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Accounts: twoAccounts()})
	code := h.silentCode()
	good := exchangePath(code)
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }

	// None of the failing ones may use up the code, so the order doesn't matter.
	for _, test := range []struct {
		path string
		want int
	}{
		{with("appid="+DemoAppID, ""), 41002},
		{with("secret="+DemoSecret, ""), 41004},
		{with("code="+code, ""), 41008},
		{with("authorization_code", "client_credential"), 40002},
		{with("&grant_type=authorization_code", ""), 40002},
		{with(DemoAppID, "wxffffffffffffffff"), 40013},
		{with(DemoSecret, strings.Repeat("0", 32)), 40125},
		{with(code, "0"+strings.Repeat("x", 31)), 40029},
		{with(DemoAppID, otherAppID), 40029},
	} {
		h.wantErrcode(test.path, test.want)
	}
	if r := h.send("POST", good, ""); !strings.Contains(r.body, "43001") {
		t.Errorf("POST: got %s", r.body)
	}

	if token := h.api(good); token.AccessToken == "" {
		t.Error("a failed exchange used up the code")
	}
	h.wantErrcode(good, 40163)
}

func TestRefresh_RenewsTheAccessToken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Accounts: twoAccounts()})
	first := h.api(exchangePath(h.profileCode()))
	check := authPath + "?access_token=" + first.AccessToken + "&openid=" + first.OpenID

	h.advance(time.Hour)
	renewed := h.api(refreshPath(first.RefreshToken))
	if renewed.AccessToken != first.AccessToken || renewed.RefreshToken != first.RefreshToken ||
		renewed.ExpiresIn != 7200 ||
		renewed.OpenID != first.OpenID || renewed.Scope != ScopeUserinfo || renewed.UnionID != nil {
		t.Errorf("got %+v after %+v", renewed, first)
	}
	h.advance(2*time.Hour - time.Second)
	if got := h.api(check); got.Errcode == nil || *got.Errcode != 0 || got.Errmsg != "ok" {
		t.Errorf("it was not renewed: %+v", got)
	}
	h.advance(time.Second)
	h.wantErrcode(check, 42001)

	if again := h.api(refreshPath(first.RefreshToken)); again.AccessToken == first.AccessToken ||
		again.AccessToken == "" {
		t.Errorf("an expired token was not replaced: %+v", again)
	}

	good := refreshPath(first.RefreshToken)
	h.wantErrcode(strings.Replace(good, "appid="+DemoAppID, "", 1), 41002)
	h.wantErrcode(strings.Replace(good, "=refresh_token", "=", 1), 40002)
	h.wantErrcode(refreshPath(""), 41003)
	h.wantErrcode(strings.Replace(good, DemoAppID, "wxffffffffffffffff", 1), 40013)
	h.wantErrcode(refreshPath("61_unknown"), 40030)
	h.wantErrcode(strings.Replace(good, DemoAppID, otherAppID, 1), 40030)

	h.advance(30 * 24 * time.Hour)
	h.wantErrcode(good, 42002)
}

func TestUnionID_FollowsTheRule(t *testing.T) {
	t.Parallel()
	const absent = "absent"
	bound := UnionID(DemoOpenPlatform, "xiaoming")
	unbound := demoAccount()
	unbound.OpenPlatform = ""

	for name, test := range map[string]struct {
		config                  Config
		silent, granted, inform string
	}{
		"bound":        {Config{}, absent, bound, bound},
		"not bound":    {Config{Accounts: []OfficialAccount{unbound}}, absent, absent, absent},
		"only profile": {Config{Quirks: Quirks{UnionID: UnionIDInProfile}}, absent, absent, bound},
		"always":       {Config{Quirks: Quirks{UnionID: UnionIDAlways}}, bound, bound, bound},
		"empty":        {Config{Quirks: Quirks{UnionID: UnionIDEmpty}}, absent, "", ""},
		"never":        {Config{Quirks: Quirks{UnionID: UnionIDNever}}, absent, absent, absent},
		"never, unbound": {
			Config{Accounts: []OfficialAccount{unbound}, Quirks: Quirks{UnionID: UnionIDAlways}},
			absent, absent,
			absent,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, test.config)
			token := h.api(exchangePath(h.profileCode()))
			for where, got := range map[string]struct {
				reply apiReply
				want  string
			}{
				"silent token":   {h.api(exchangePath(h.silentCode())), test.silent},
				"userinfo token": {token, test.granted},
				"profile": {
					h.api(profilePath(token)), test.inform,
				},
			} {
				unionID := absent
				if got.reply.UnionID != nil {
					unionID = *got.reply.UnionID
				}
				if unionID != got.want {
					t.Errorf("%s: got %q, want %q", where, unionID, got.want)
				}
			}
		})
	}
}
