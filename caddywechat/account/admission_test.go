package account_test

import (
	"fmt"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestSet_FindsAnAccountAmongMany(t *testing.T) {
	for _, n := range []int{8, 9, 20} {
		var all []account.Account
		for i := range n {
			all = append(all, newPlain(fmt.Sprint("kind", i), fmt.Sprint("wx", i)))
		}
		s := newSet(t, account.Qualified, all...)
		for _, a := range all {
			if got := s.Find(a.Kind(), account.Ref(a)); got != a {
				t.Errorf("%d: %s is %v", n, a.Kind(), got)
			}
			if got := s.Find(a.Kind(), "wx"); got != nil {
				t.Errorf("%d: %v is found by another reference", n, got)
			}
			if got := s.Find("kind", account.Ref(a)); got != nil {
				t.Errorf("%d: %v is found by another kind", n, got)
			}
		}
		if len(s.All()) != n {
			t.Errorf("%d accounts of %d", len(s.All()), n)
		}
	}
}

func TestSet_AdmitsSnapshotsWhereTheAccountDoes(t *testing.T) {
	a := &sitetest.Account{Snapshot: true}
	s := newSet(t, "", a)
	made := of(a, identity.OpenID, "oA", identity.Snapshot, "1")
	if !s.Admits("wxa", made) {
		t.Error("who is allowed in is not admitted")
	}
	a.Snapshot = false
	if s.Admits("wxa", made) || account.AllowsSnapshots(a) || account.AllowsSnapshots(newPlain("one", "wxa")) {
		t.Error("who is nobody is admitted")
	}
	a.Lets = func(identity.Identity) bool { return false }
	if s.Admits("wxa", of(a, identity.OpenID, "oA")) {
		t.Error("who is not let in is admitted")
	}
	var plainOne account.Account = struct{ account.Account }{a} // which lets everybody in
	if !account.Admits(plainOne, of(a, identity.OpenID, "oA")) {
		t.Error("an account that refuses nobody does")
	}
}

// The field id was filled in when the session was opened, by the account of then.
func TestSet_AdmitsWhomTheSessionNames(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	s := newSet(t, account.ByUnionID, a, b)
	if s.Admits("wxa", of(a, identity.OpenID, "oA")) {
		t.Error("who has no name everywhere is admitted")
	}
	if !s.Admits("wxa", of(a, identity.OpenID, "oA", identity.ID, "uA")) {
		t.Error("who has a name already is not admitted")
	}
	if !s.Admits("wxa", of(a, identity.OpenID, "oA", identity.UnionID, "uA")) {
		t.Error("who has a unionid is not admitted")
	}
}

func TestSet_HasProfileIsTheAccountsWordForPeople(t *testing.T) {
	a, b := new(sitetest.Account), newPlain("plain", "wxb")
	s := newSet(t, account.Qualified, a, b)
	for name, tt := range map[string]struct {
		ref  string
		id   identity.Identity
		want bool
	}{
		"with it":             {"wxa", of(a, identity.OpenID, "oA", identity.Nickname, "Emma"), true},
		"without":             {"wxa", of(a, identity.OpenID, "oA"), false},
		"nobody's":            {"wxa", of(a, identity.Nickname, "x", identity.Snapshot, "1"), false},
		"another account's":   {"wxc", of(a, identity.OpenID, "oA", identity.Nickname, "Emma"), false},
		"one for programs'":   {"wxb", of(b, identity.OpenID, "oB", identity.Nickname, "Emma"), false},
		"of another one kind": {"wxa", of(b, identity.OpenID, "oB", identity.Nickname, "Emma"), false},
	} {
		if got := s.HasProfile(tt.ref, tt.id); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestSet_NamesPeopleAsTheSiteChose(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	made := of(a, identity.OpenID, "oA", identity.UnionID, "u", identity.Snapshot, "1")
	for userID, want := range map[account.UserID]struct {
		made         string
		needsUnionID bool
	}{
		account.ByUnionID: {"snapshot:oA", true}, account.Qualified: {"wxa:oA", false}, account.ByOpenID: {"oA", false},
	} {
		s := newSet(t, userID, a, b)
		if got := s.UserID("wxa", made); got != want.made || s.NeedsUnionID() != want.needsUnionID {
			t.Errorf("%s: %q, needs the unionid %t", userID, got, s.NeedsUnionID())
		}
		if got := s.UserID("wxb", made); got != "" {
			t.Errorf("%s: another account's is %q", userID, got)
		}
	}
}

func TestSet_SendsIntoBrowsersThatAnAccountWants(t *testing.T) {
	inWeChat, outside := visitor.Client{WeChat: true}, visitor.Client{}
	a := new(sitetest.Account)
	s := newSet(t, "", a)
	if !s.SendsInto(inWeChat, "") || s.SendsInto(outside, "") {
		t.Error("an account that serves WeChat sends elsewhere")
	}
	a.Recommends = func(visitor.Client) bool { return false }
	if s.SendsInto(inWeChat, "") {
		t.Error("an account sends where it does not recommend to go")
	}
	if !newSet(t, "", struct{ account.Redirector }{a}).SendsInto(inWeChat, "") {
		t.Error("an account that says nothing of it recommends nothing")
	}
}

func TestSet_ForLeavesAFallbackOut(t *testing.T) {
	all := func(visitor.Client) bool { return true }
	first, second := new(sitetest.Account), &sitetest.Account{Name: "two", ID: "wxb", ServesClient: all}
	s := newSet(t, account.Qualified, first, second)
	if got := s.For(visitor.Client{WeChat: true}, ""); len(got) != 2 {
		t.Errorf("of two there are %v", got)
	}
	second.Fallback = func(c visitor.Client) bool { return c.WeChat }
	if got := s.For(visitor.Client{WeChat: true}, ""); len(got) != 1 || got[0] != account.Redirector(first) {
		t.Errorf("beside the fallback there are %v", got)
	}
	if got := s.For(visitor.Client{}, ""); len(got) != 1 || got[0] != account.Redirector(second) {
		t.Errorf("alone there are %v", got)
	}
}

func TestSet_CallsAccountsByKindAppIDAndReference(t *testing.T) {
	company := &sitetest.Account{Name: "wecom", ID: "ww1", Reference: "ww1/2"}
	for word, want := range map[string]bool{"wecom": true, "ww1": true, "ww1/2": true, "ww1/3": false, "": false} {
		if got := account.IsCalled(company, word); got != want {
			t.Errorf("%q: %t", word, got)
		}
	}
	if account.Ref(company) != "ww1/2" || account.Ref(struct{ account.Account }{company}) != "ww1" {
		t.Error("its reference is another one")
	}
}

func TestSet_SendsNobodyToAnAccountForPrograms(t *testing.T) {
	program := plain{"program", "ww1", "ww1/1"}
	company := &sitetest.Account{Name: "wecom", ID: "ww1", Reference: "ww1/2"}
	s := newSet(t, account.Qualified, program, company)
	for word, want := range map[string]account.Redirector{
		"ww1": company, "ww1/1": nil, "program": nil, "wecom": company,
	} {
		if got := s.Redirector(word, ""); got != want {
			t.Errorf("%s: %v", word, got)
		}
	}
}

func TestNewSet_TakesWhatCanStandTogether(t *testing.T) {
	a, b := newPlain("one", "wxa"), newPlain("two", "wxb")
	for name, tt := range map[string]struct {
		userID account.UserID
		all    []account.Account
	}{
		"names of its own, qualified": {account.Qualified, []account.Account{a, named{b}}},
		"names of its own, alone":     {account.ByOpenID, []account.Account{named{b}}},
		"openids of two":              {account.ByOpenID, []account.Account{a, b}},
		"names of its own, not today": {account.ByOpenID, []account.Account{a, unnamed{b}}},
		"two apps of a company": {
			account.Qualified, []account.Account{plain{"one", "ww1", "ww1/1"}, plain{"two", "ww1", "ww1/2"}},
		},
	} {
		if _, err := account.NewSet(tt.userID, tt.all...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unnamed is an account that could have names of its own, and has none.
type unnamed struct{ plain }

func (unnamed) HasLocalIDs() bool { return false }
