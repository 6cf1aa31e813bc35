package account_test

import (
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// plain is an account of a kind, whose people have an openid.
type plain struct{ kind, appID, ref string }

func (p plain) Kind() string                               { return p.kind }
func (p plain) AppID() string                              { return p.appID }
func (p plain) Ref() string                                { return p.ref }
func (plain) Person(id identity.Identity) string           { return id.Get(identity.OpenID) }
func (plain) PersonEverywhere(id identity.Identity) string { return id.Get(identity.UnionID) }
func (plain) Admits(id identity.Identity) bool             { return id.Get("barred") == "" }
func newPlain(kind, appID string) plain                    { return plain{kind, appID, appID} }
func newSet(t *testing.T, u account.UserID, all ...account.Account) *account.Set {
	t.Helper()
	s, err := account.NewSet(u, all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// of is an identity that an account made.
func of(a account.Account, fields ...string) identity.Identity {
	id := identity.Identity{}.With(identity.Account, a.Kind()).With(identity.AppID, a.AppID())
	for i := 0; i < len(fields); i += 2 {
		id = id.With(fields[i], fields[i+1])
	}
	return id
}

func TestSet_UserIDIsOfTheFormThatTheSiteChose(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	id := of(a, identity.OpenID, "oA", identity.UnionID, "uA")
	for userID, want := range map[account.UserID]string{account.ByUnionID: "uA", account.Qualified: "wxa:oA"} {
		if got := newSet(t, userID, a, b).UserID("wxa", id); got != want {
			t.Errorf("%s: %q, want %q", userID, got, want)
		}
	}
	if got := newSet(t, "", a).UserID("wxa", id); got != "oA" {
		t.Errorf("by default %q", got)
	}
}

func TestSet_NoOtherAccountVouches(t *testing.T) {
	s := newSet(t, account.Qualified, plain{"one", "wxa", "wxa/1"}, newPlain("two", "wxa"))
	id := of(newPlain("one", "wxa"), identity.OpenID, "oA")
	if s.UserID("wxa/1", id) == "" || !s.Admits("wxa/1", id) {
		t.Error("the account does not vouch for its own")
	}
	for _, ref := range []string{"wxa", "wxa/2", ""} {
		if s.UserID(ref, id) != "" || s.Admits(ref, id) {
			t.Errorf("%q vouches for somebody else's", ref)
		}
	}
}

func TestSet_AdmitsByTheConfigurationOfToday(t *testing.T) {
	a := newPlain("one", "wxa")
	s := newSet(t, "", a)
	for name, tt := range map[string]struct {
		id   identity.Identity
		want bool
	}{
		"somebody":        {of(a, identity.OpenID, "oA"), true},
		"nobody":          {of(a), false},
		"barred":          {of(a, identity.OpenID, "oA", "barred", "1"), false},
		"a snapshot's":    {of(a, identity.OpenID, "oA", identity.Snapshot, "1"), false},
		"of another kind": {of(newPlain("two", "wxa"), identity.OpenID, "oA"), false},
		"of no kind":      {identity.Identity{}.With(identity.OpenID, "oA"), false},
	} {
		if got := s.Admits("wxa", tt.id); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// made-up people of snapshot pages share a unionid, and are none of the people who have it.
func TestSet_SnapshotVisitorsAreNobodyElse(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	s := newSet(t, account.ByUnionID, a, b)
	real := of(a, identity.OpenID, "oA", identity.UnionID, "u")
	made := of(a, identity.OpenID, "oB", identity.UnionID, "u", identity.Snapshot, "1")
	if s.UserID("wxa", real) == s.UserID("wxa", made) {
		t.Error("a snapshot's visitor is somebody")
	}
}

type named struct{ plain }

func (named) HasLocalIDs() bool { return true }

func TestNewSet_RefusesWhatCannotStandTogether(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	for name, tt := range map[string]struct {
		userID account.UserID
		all    []account.Account
		want   string
	}{
		"two, and no choice": {"", []account.Account{a, b}, "user_id is not set"},
		"two of a kind": {
			account.Qualified, []account.Account{a, newPlain("one", "wxc")}, "one is given twice, as wxa and as wxc",
		},
		"two with one app id": {account.Qualified, []account.Account{a, newPlain("two", "wxa")}, "the same app id"},
		"a strange reference": {"", []account.Account{plain{"one", "wxa", "wxb"}}, "does not begin with its app id"},
		"names of its own":    {account.ByOpenID, []account.Account{a, named{b}}, "user_id openid"},
	} {
		if _, err := account.NewSet(tt.userID, tt.all...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// redirecting is an account that serves some browsers.
type redirecting struct {
	plain
	account.Redirector
	serves, fallback func(visitor.Client) bool
}

func (r redirecting) Kind() string                       { return r.plain.Kind() }
func (r redirecting) AppID() string                      { return r.plain.AppID() }
func (r redirecting) Ref() string                        { return r.plain.Ref() }
func (r redirecting) Person(id identity.Identity) string { return r.plain.Person(id) }
func (r redirecting) PersonEverywhere(id identity.Identity) string {
	return r.plain.PersonEverywhere(id)
}
func (r redirecting) Serves(c visitor.Client) bool     { return r.serves(c) }
func (r redirecting) IsFallback(c visitor.Client) bool { return r.fallback != nil && r.fallback(c) }

func TestSet_ForGivesTheAccountsThatServeABrowser(t *testing.T) {
	everywhere := func(visitor.Client) bool { return true }
	inWeChat := func(c visitor.Client) bool { return c.WeChat }
	official := &redirecting{plain: newPlain("official", "wxa"), serves: inWeChat}
	company := &redirecting{plain: newPlain("company", "ww1"), serves: everywhere, fallback: inWeChat}
	s := newSet(t, account.Qualified, company, official, newPlain("program", "wxp"))
	for name, tt := range map[string]struct {
		client visitor.Client
		want   string
	}{
		"in WeChat": {visitor.Client{WeChat: true}, "official"},
		"outside":   {visitor.Client{}, "company"},
	} {
		found := s.For(tt.client, "")
		if len(found) != 1 || found[0].Kind() != tt.want {
			t.Errorf("%s: %v", name, found)
		}
	}
	alone := newSet(t, "", company)
	if found := alone.For(visitor.Client{WeChat: true}, ""); len(found) != 1 {
		t.Errorf("a fallback serves where nobody else does: %v", found)
	}
	for word, want := range map[string]account.Account{
		"official": official, "wxa": official, "ww1": company, "program": nil, "x": nil,
	} {
		if got := s.Redirector(word, ""); (want == nil) != (got == nil) || got != nil && got.AppID() != want.AppID() {
			t.Errorf("%s: %v", word, got)
		}
	}
}
