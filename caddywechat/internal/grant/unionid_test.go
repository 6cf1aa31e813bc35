package grant

import (
	"context"
	"errors"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// complete fails unless a login of a person ends with that unionid, or with an error.
func (w *world) complete(t *testing.T, a account.Account, id identity.Identity, want string, wantErr error) {
	t.Helper()
	got, err := w.Complete(t.Context(), a, id)
	if !errors.Is(err, wantErr) || err == nil && got.Get(identity.UnionID) != want {
		t.Errorf("unionid %q, %v, want %q, %v", got.Get(identity.UnionID), err, want, wantErr)
	}
}

func TestKeeper_CompletesASilentLoginByAnEarlierOne(t *testing.T) {
	w := newWorld(t, account.ByUnionID, 0, official, mini)
	silent, loud := of(official, identity.OpenID, "oA"), of(official, identity.OpenID, "oA", identity.UnionID, "uA")
	w.complete(t, official, silent, "", ErrUnionIDUnknown)
	w.complete(t, official, loud, "uA", nil)
	w.complete(t, official, silent, "uA", nil)
	w.complete(t, official, of(official, identity.OpenID, "oB"), "", ErrUnionIDUnknown)
	w.complete(t, mini, of(mini, identity.OpenID, "oA"), "", ErrUnionIDUnknown)

	w.now = begin.Add(learnedFor - day)
	w.complete(t, official, silent, "uA", nil)
	w.now = w.now.Add(learnedFor - day) // counted from the last login
	w.complete(t, official, silent, "uA", nil)
	w.now = w.now.Add(learnedFor)
	w.complete(t, official, silent, "", ErrUnionIDUnknown)
}

func TestKeeper_LearnsNothingWhereNothingIsToBeLearned(t *testing.T) {
	for name, tt := range map[string]struct {
		userID account.UserID
		id     identity.Identity
	}{
		"by openid":         {account.ByOpenID, of(official, identity.OpenID, "oA", identity.UnionID, "uA")},
		"by openid, silent": {account.ByOpenID, of(official, identity.OpenID, "oA")},
		"a snapshot": {
			account.ByUnionID, of(official, identity.OpenID, "oA", identity.UnionID, "uA", identity.Snapshot, "1"),
		},
		"a snapshot, silent":     {account.ByUnionID, of(official, identity.OpenID, "oA", identity.Snapshot, "1")},
		"without an openid":      {account.ByUnionID, of(official)},
		"another name":           {account.ByUnionID, of(official, identity.OpenID, "oA", identity.UserID, "afang")},
		"no openid, but a union": {account.ByUnionID, of(official, identity.UnionID, "uA")},
	} {
		w := newWorld(t, tt.userID, 0, official)
		w.complete(t, official, tt.id, tt.id.Get(identity.UnionID), nil)
		if n := w.asked(""); n != 0 {
			t.Errorf("%s: the store was asked %d times", name, n)
		}
	}
}

func TestKeeper_ALoginNeedsNotToBeRemembered(t *testing.T) {
	w := newWorld(t, account.ByUnionID, 0, official)
	w.failing = "Put"
	w.complete(t, official, of(official, identity.OpenID, "oA", identity.UnionID, "uA"), "uA", nil)
	if w.log.Len() != 1 {
		t.Errorf("%d lines", w.log.Len())
	}
	w.failing = ""
	w.complete(t, official, of(official, identity.OpenID, "oA", identity.UnionID, "uA"), "uA", nil)
	if w.log.Len() != 1 {
		t.Error("what was remembered is complained of")
	}
	w.failing = "Get"
	w.complete(t, official, of(official, identity.OpenID, "oA"), "", store.ErrStore)
}

// knowing is an account that knows the unionids of its followers.
type knowing struct {
	plain
	unionID string
	err     error
	asked   int
}

func (k *knowing) FindUnionID(context.Context, string) (string, error) {
	k.asked++
	return k.unionID, k.err
}

func TestKeeper_AsksWeChatForAFollowersUnionID(t *testing.T) {
	a := &knowing{plain: official, unionID: "uA"}
	w := newWorld(t, account.ByUnionID, 0, a)
	silent := of(a, identity.OpenID, "oA")
	w.complete(t, a, silent, "uA", nil)
	w.complete(t, a, silent, "uA", nil)
	w.complete(t, a, of(a, identity.OpenID, "oB", identity.UnionID, "uB"), "uB", nil)
	if a.asked != 1 {
		t.Errorf("asked %d times", a.asked)
	}
}

func TestKeeper_AsksWeChatOnceADay(t *testing.T) {
	for _, err := range []error{nil, errors.New("WeChat failed")} { // who is no follower has none
		a := &knowing{plain: official, err: err}
		w := newWorld(t, account.ByUnionID, 0, a)
		silent := of(a, identity.OpenID, "oA")
		for range 3 {
			w.complete(t, a, silent, "", ErrUnionIDUnknown)
		}
		w.complete(t, a, of(a, identity.OpenID, "oB"), "", ErrUnionIDUnknown)
		if a.asked != 2 {
			t.Errorf("asked %d times for two people", a.asked)
		}
		w.now = begin.Add(day)
		a.unionID, a.err = "uA", nil
		w.complete(t, a, silent, "uA", nil)
		want := 0
		if err != nil {
			want = 1 // for all that fails within a second
		}
		if n := w.log.FilterMessageSnippet("could not ask WeChat for the unionids").Len(); n != want {
			t.Errorf("%d lines, want %d", n, want)
		}
	}
}

func TestKeeper_AsksNobodyWhereTheStoreFails(t *testing.T) {
	a := &knowing{plain: official, unionID: "uA"}
	w := newWorld(t, account.ByUnionID, 0, a)
	w.failing = "PutIfAbsent"
	w.complete(t, a, of(a, identity.OpenID, "oA"), "", ErrUnionIDUnknown)
	if a.asked != 0 {
		t.Error("WeChat was asked, and nobody would know")
	}
}
