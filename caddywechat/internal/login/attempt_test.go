package login

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

const scope = "h5.example.com|https://open.weixin.qq.com"

func newSealer(t testing.TB) *seal.Sealer {
	t.Helper()
	s, err := seal.New("login attempt", []byte("a key with at least 32 bytes in it, for tests"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *seal.Sealer, scope string, a Attempt) string {
	t.Helper()
	sealed, err := s.Seal(scope, a)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// begun returns an attempt of a state, begun that long before now.
func begun(state string, ago time.Duration) *Attempt {
	a := NewAttempt(state, "official_account", "wx0123456789abcdef", false, "/page", now.Add(-ago))
	return &a
}

// spent returns an attempt that led, that long before now, to a session of a day.
func spent(state string, ago time.Duration) *Attempt {
	a := begun(state, ago+time.Second).Spend(now.Add(24*time.Hour), now.Add(-ago))
	return &a
}

func sameAttempt(a, b Attempt) bool {
	return a.State == b.State && a.Kind == b.Kind && a.Ref == b.Ref && a.Profile == b.Profile &&
		a.Target == b.Target && a.Waits == b.Waits && a.IsSpent() == b.IsSpent() && a.Created.Equal(b.Created) &&
		(!a.IsSpent() || a.Spent.Equal(b.Spent) && a.SessionEnd.Equal(b.SessionEnd))
}

func TestAnAttemptReadsAsItWasWritten(t *testing.T) {
	odd := NewAttempt("s", "wecom", "ww0123456789abcdef/1000002", true, "//a/./b/../%2e?q=%zz&张=\\#/x?y#z", now)
	waiting := *begun("s", 0)
	waiting.Waits = true
	for name, a := range map[string]Attempt{
		"begun": *begun(stateKey.NewState(nil), 0), "spent": *spent(stateKey.NewState(Restarts{now}), 0),
		"odd target": odd, "empty": {Created: now},
		"waiting": waiting, "waited": waiting.Spend(now.Add(time.Hour), now),
	} {
		b, err := a.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		got := *spent("left", 0)
		if err := got.UnmarshalBinary(b); err != nil || !sameAttempt(got, a) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, a)
		}
		for i := range b {
			// A spent attempt that is cut where an unspent one would end is one: the seal keeps anybody from doing
			// that.
			if new(Attempt).UnmarshalBinary(b[:i]) == nil && !a.IsSpent() {
				t.Errorf("%s: %d of %d bytes were read", name, i, len(b))
			}
		}
		if new(Attempt).UnmarshalBinary(append(slices.Clone(b), 0)) == nil {
			t.Errorf("%s: one byte more was read", name)
		}
		b[0] = attemptVersion + 1
		if new(Attempt).UnmarshalBinary(b) == nil {
			t.Errorf("%s: another version was read", name)
		}
	}
}

// What the version before wrote, whose logins are under way during an upgrade.
func TestAnAttemptOfTheVersionBeforeIsRead(t *testing.T) {
	payload := func(more func([]byte) []byte) []byte {
		b := seal.AppendText([]byte{2}, "state")
		b = seal.AppendText(b, "official_account")
		b = seal.AppendFlag(b, true)
		b = seal.AppendText(b, "/page?x=1")
		return more(seal.AppendNumber(b, uint64(now.Unix())))
	}
	want := NewAttempt("state", "official_account", "", true, "/page?x=1", now)
	var got Attempt
	if err := got.UnmarshalBinary(payload(func(b []byte) []byte { return b })); err != nil || !sameAttempt(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	want.Spent, want.SessionEnd = now.Add(time.Second), now.Add(time.Hour)
	err := got.UnmarshalBinary(payload(func(b []byte) []byte {
		b = seal.AppendNumber(b, uint64(want.Spent.Unix()))
		b = seal.AppendNumber(b, uint64(want.SessionEnd.Unix()))
		return append(b, make([]byte, 16)...)
	}))
	if err != nil || !sameAttempt(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestLongTargets(t *testing.T) {
	long := strings.Repeat("x", MaxTarget)
	for name, tt := range map[string]struct {
		target, want string
		whole        bool
	}{
		"just short enough": {"/" + long[1:], "/" + long[1:], true},
		"long query":        {"/page?" + long, "/page", false},
		"long fragment":     {"/page#/" + long, "/page", false},
		"fragment in front": {"/page#?" + long, "/page", false},
		"query and more":    {"/page?a#" + long, "/page", false},
		"long path":         {"/" + long, "/", false},
		"all long":          {"/" + long + "?" + long + "#" + long, "/", false},
		"double slash":      {"//page?" + long, "//page", false},
		"many characters":   {"/页?" + strings.Repeat("中", MaxTarget/3), "/页", false},
	} {
		if got, whole := Fit(tt.target); got != tt.want || whole != tt.whole {
			t.Errorf("%s: kept as %.60q, whole: %v; want %.60q", name, got, whole, tt.want)
		}
	}
}

func TestASpentAttemptTakesLittleRoom(t *testing.T) {
	target := "/" + strings.Repeat("x", MaxTarget-1)
	state := stateKey.NewState(Restarts{now, now, now})
	a := NewAttempt(state, "official_account", "wx0123456789abcdef", false, target, now)
	a = a.Spend(now.Add(24*time.Hour), now)
	longSite := strings.Repeat("a", 255) + "|https://open.weixin.qq.com"
	c := Attempts{secure: true}.Cookie(7, mustSeal(t, newSealer(t), longSite, a), a, now).String()
	if len(c) > 430 {
		t.Errorf("its Set-Cookie has %d bytes", len(c))
	}
}

func TestOnlyTheVeryStateMatches(t *testing.T) {
	state := stateKey.NewState(nil)
	a := *begun(state, 0)
	if !a.Matches(state) {
		t.Error("its own state does not match")
	}
	if !a.Matches(state+"0") || !a.Matches(state+"&x=1") {
		t.Error("its own state does not match where something was appended to it")
	}
	for _, other := range []string{
		"", state[:10], state[:len(state)-1], "0" + state, strings.ToUpper(state), stateKey.NewState(nil),
	} {
		if other != state && a.Matches(other) {
			t.Errorf("%q matches", other)
		}
	}
	if (Attempt{}).Matches("") {
		t.Error("no state matches no attempt's")
	}
}

func TestCookieNames(t *testing.T) {
	for _, name := range []string{
		"wechat_login_0", "wechat_login_7", "__Host-wechat_login_0", "__Host-wechat_login_7", "wechat_rounds",
		"__Host-wechat_rounds",
	} {
		if !session.IsOwnCookie(name) {
			t.Errorf("%s would go upstream", name)
		}
	}
	for _, name := range []string{
		"", "wechat_login_", "wechat_login_8", "wechat_login_9", "wechat_login_a", "wechat_login_00", "wechat_login_-1",
		"__Host-", "wechat_login", "x_wechat_login_0", "wechat_login_/", "wechat_session", "wechat_rounds2",
	} {
		if session.IsOwnCookie(name) {
			t.Errorf("%q would be kept from the app", name)
		}
	}
}

func FuzzAttempt(f *testing.F) {
	for _, a := range []*Attempt{begun("aa", 0), spent("aa", 0), {Created: now}} {
		b, err := a.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{attemptVersion})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var a Attempt
		if a.UnmarshalBinary(payload) != nil {
			return
		}
		b, err := a.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again Attempt
		if err := again.UnmarshalBinary(b); err != nil || !sameAttempt(again, a) {
			t.Errorf("got %+v, %v, want %+v", again, err, a)
		}
	})
}
