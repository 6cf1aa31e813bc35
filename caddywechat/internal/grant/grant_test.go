package grant

import (
	"errors"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestKeeper_KeepsWhatALoginBringsForAWhile(t *testing.T) {
	w := newWorld(t, account.Qualified, day, official, mini)
	w.Keep(t.Context(), mini, of(mini, identity.OpenID, "oA"), account.Grant{SessionSecret: "s", RefreshToken: "r"})
	w.wantSecret(t, mini, "wxb:oA", "s")
	w.wantRefreshToken(t, mini, "wxb:oA", "r")
	for _, other := range []struct {
		account account.Account
		userID  string
	}{{official, "wxb:oA"}, {mini, "wxb:oB"}, {mini, "oA"}} {
		w.wantSecret(t, other.account, other.userID, "")
		w.wantRefreshToken(t, other.account, other.userID, "")
	}
	w.now = begin.Add(7 * day)
	w.wantSecret(t, mini, "wxb:oA", "")
	w.wantRefreshToken(t, mini, "wxb:oA", "r")
	w.now = begin.Add(account.RefreshTokenLifetime)
	w.wantRefreshToken(t, mini, "wxb:oA", "")
}

func TestKeeper_KeepsOnlyWhatIsNeeded(t *testing.T) {
	for name, tt := range map[string]struct {
		refresh time.Duration
		grant   account.Grant
		puts    int
	}{
		"nothing":          {day, account.Grant{}, 0},
		"no refresh":       {0, account.Grant{RefreshToken: "r"}, 0},
		"refresh":          {day, account.Grant{RefreshToken: "r"}, 1},
		"a secret":         {0, account.Grant{SessionSecret: "s"}, 1},
		"a secret and all": {day, account.Grant{SessionSecret: "s", RefreshToken: "r"}, 2},
	} {
		w := newWorld(t, "", tt.refresh, mini)
		w.Keep(t.Context(), mini, of(mini, identity.OpenID, "oA"), tt.grant)
		if n := w.asked("Put "); n != tt.puts || w.log.Len() != 0 {
			t.Errorf("%s: %d put, want %d; %d lines", name, n, tt.puts, w.log.Len())
		}
	}
}

func TestKeeper_SaysWhatItCouldNotKeep(t *testing.T) {
	for _, failing := range []string{"Put secret", "Put renewal"} {
		w := newWorld(t, "", day, mini)
		w.failing = failing
		w.Keep(t.Context(), mini, of(mini, identity.OpenID, "oA"), account.Grant{SessionSecret: "s", RefreshToken: "r"})
		if w.log.Len() != 1 || w.asked("Put ") != 2 {
			t.Errorf("%s fails: %d lines", failing, w.log.Len())
		}
	}
}

func TestKeeper_TellsWhatTheStoreDoesNotSay(t *testing.T) {
	w := newWorld(t, "", day, mini)
	w.failing = "Get"
	if got, err := w.Secret(t.Context(), mini, "oA"); got != "" || !errors.Is(err, store.ErrStore) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := w.RefreshToken(t.Context(), mini, "oA"); got != "" || !errors.Is(err, store.ErrStore) {
		t.Errorf("%q, %v", got, err)
	}
}

// keepAll keeps everything of a person.
func (w *world) keepAll(t *testing.T, a account.Account, openID, userID string) {
	t.Helper()
	w.Keep(t.Context(), a, of(a, identity.OpenID, openID, identity.UnionID, userID), account.Grant{
		SessionSecret: "s", RefreshToken: "r",
	})
	if err := w.Vault.Put(t.Context(), w.ProfileKey(a, userID), []byte("p"), day); err != nil {
		t.Fatal(err)
	}
	w.wantAll(t, a, userID, true)
}

// wantAll fails unless everything of a person is there, or nothing.
func (w *world) wantAll(t *testing.T, a account.Account, userID string, want bool) {
	t.Helper()
	for area, text := range map[string]string{secretArea: "s", refreshArea: "r", profileArea: "p"} {
		got, err := w.Vault.Get(t.Context(), w.Key(area, a, userID))
		if !want {
			text = ""
		}
		if err != nil || string(got) != text {
			t.Errorf("%s of %s at %s: %q, %v, want %q", area, userID, a.Kind(), got, err, text)
		}
	}
}

func TestKeeper_ForgetsAPersonAtAllAccounts(t *testing.T) {
	w := newWorld(t, account.ByUnionID, day, official, mini)
	for _, userID := range []string{"uA", "uB"} {
		w.keepAll(t, official, "o"+userID, userID)
		w.keepAll(t, mini, "m"+userID, userID)
	}
	if err := w.Forget(t.Context(), "uA"); err != nil {
		t.Fatal(err)
	}
	for userID, want := range map[string]bool{"uA": false, "uB": true} {
		w.wantAll(t, official, userID, want)
		w.wantAll(t, mini, userID, want)
	}
}

func TestKeeper_ForgetsWhomAnOpenIDNames(t *testing.T) {
	w := newWorld(t, account.ByUnionID, day, official, mini)
	w.keepAll(t, official, "oA", "uA")
	w.keepAll(t, mini, "oB", "uB")
	w.complete(t, official, of(official, identity.OpenID, "oA", identity.UnionID, "uA"), "uA", nil)
	if err := w.ForgetOpenID(t.Context(), "oA"); err != nil {
		t.Fatal(err)
	}
	w.wantAll(t, official, "uA", false)
	w.wantAll(t, mini, "uB", true)

	w = newWorld(t, account.Qualified, day, official, mini)
	w.Keep(t.Context(), mini, of(mini, identity.OpenID, "oB"), account.Grant{SessionSecret: "s"})
	if err := w.ForgetOpenID(t.Context(), "oB"); err != nil {
		t.Fatal(err)
	}
	w.wantSecret(t, mini, "wxb:oB", "")
}

func TestKeeper_TellsThatItCouldNotForget(t *testing.T) {
	w := newWorld(t, "", day, mini)
	w.failing = "Delete"
	if err := w.Forget(t.Context(), "oA"); !errors.Is(err, store.ErrStore) {
		t.Errorf("by user: %v", err)
	}
	if err := w.ForgetOpenID(t.Context(), "oA"); !errors.Is(err, store.ErrStore) {
		t.Errorf("by openid: %v", err)
	}
}

func TestKeeper_HasNothingToForgetWhereNothingIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		refresh time.Duration
		account account.Account
		want    bool
	}{
		"nothing": {0, official, false}, "refresh": {day, official, true}, "endpoints": {0, mini, true},
	} {
		w := newWorld(t, account.ByUnionID, tt.refresh, tt.account)
		if err := errors.Join(w.Forget(t.Context(), "uA"), w.ForgetOpenID(t.Context(), "oA")); err != nil {
			t.Fatal(err)
		}
		if n := w.asked(""); (n > 0) != tt.want {
			t.Errorf("%s: the store was asked %d times", name, n)
		}
		if !tt.want {
			w.ForgetSoon("uA") // and starts no work, for which there is nothing to run it here
		}
	}
}

func TestKeeper_ForgetsSoon(t *testing.T) {
	w := newWorld(t, "", 0, mini)
	w.ForgetSoon() // nobody: it starts no work, for which there is nothing to run it yet
	w.work(t)
	w.Keep(t.Context(), mini, of(mini, identity.OpenID, "oA"), account.Grant{SessionSecret: "s"})
	w.ForgetSoon("oA", "oB")
	<-w.Work.Idle()
	w.wantSecret(t, mini, "oA", "")
}
