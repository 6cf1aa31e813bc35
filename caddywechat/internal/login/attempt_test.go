package login

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/seal"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
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
	return a.State == b.State && a.Kind == b.Kind && a.Ref == b.Ref && a.Profile == b.Profile && a.Target == b.Target && a.Waits == b.Waits &&
		a.IsSpent() == b.IsSpent() && a.Created.Equal(b.Created) &&
		(!a.IsSpent() || a.Spent.Equal(b.Spent) && a.SessionEnd.Equal(b.SessionEnd))
}

func TestAnAttemptReadsAsItWasWritten(t *testing.T) {
	odd := NewAttempt("s", "wecom", "ww0123456789abcdef/1000002", true, "//a/./b/../%2e?q=%zz&张=\\#/x?y#z", now)
	waiting := *begun("s", 0)
	waiting.Waits = true
	for name, a := range map[string]Attempt{
		"begun": *begun(stateKey.NewState(nil), 0), "spent": *spent(stateKey.NewState(Restarts{now}), 0), "odd target": odd, "empty": {Created: now},
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
			if new(Attempt).UnmarshalBinary(b[:i]) == nil {
				// A spent attempt that is cut where an unspent one would end is one: the seal keeps anybody from doing that.
				if !a.IsSpent() {
					t.Errorf("%s: %d of %d bytes were read", name, i, len(b))
				}
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
	a := NewAttempt(stateKey.NewState(Restarts{now, now, now}), "official_account", "wx0123456789abcdef", false, target, now).Spend(now.Add(24*time.Hour), now)
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
	for _, other := range []string{"", state[:10], state[:len(state)-1], "0" + state, strings.ToUpper(state), stateKey.NewState(nil)} {
		if other != state && a.Matches(other) {
			t.Errorf("%q matches", other)
		}
	}
	if (Attempt{}).Matches("") {
		t.Error("no state matches no attempt's")
	}
}

func TestCookieNames(t *testing.T) {
	for _, name := range []string{"wechat_login_0", "wechat_login_7", "__Host-wechat_login_0", "__Host-wechat_login_7", "wechat_rounds", "__Host-wechat_rounds"} {
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

func TestReadAttemptsOpensThisSitesYoungOnes(t *testing.T) {
	s := newSealer(t)
	sealed := mustSeal(t, s, scope, *begun("aa", time.Minute))
	for name, tt := range map[string]struct {
		cookies []visitor.Cookie
		secure  bool
		found   bool
	}{
		"on https":             {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: sealed}}, true, true},
		"on http":              {[]visitor.Cookie{{Name: "wechat_login_3", Value: sealed}}, false, true},
		"planted by http":      {[]visitor.Cookie{{Name: "wechat_login_3", Value: sealed}}, true, false},
		"of https, on http":    {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: sealed}}, false, false},
		"no such slot":         {[]visitor.Cookie{{Name: "__Host-wechat_login_8", Value: sealed}}, true, false},
		"another cookie":       {[]visitor.Cookie{{Name: "__Host-wechat_session", Value: sealed}}, true, false},
		"altered":              {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: "A" + sealed[1:]}}, true, false},
		"of another site":      {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: mustSeal(t, s, "other", *begun("aa", 0))}}, true, false},
		"too old":              {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: mustSeal(t, s, scope, *begun("aa", Lifetime))}}, true, false},
		"almost too old":       {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: mustSeal(t, s, scope, *begun("aa", Lifetime-time.Second))}}, true, true},
		"beside rubbish":       {[]visitor.Cookie{{Name: "__Host-wechat_login_0", Value: "x"}, {Name: "__Host-wechat_login_3", Value: sealed}}, true, true},
		"no cookies":           {nil, true, false},
		"double, second true":  {[]visitor.Cookie{{Name: "__Host-wechat_login_3", Value: "x"}, {Name: "__Host-wechat_login_3", Value: sealed}}, true, false},
		"all eight and no end": {append(eight("__Host-wechat_login_", sealed), eight("__Host-wechat_login_", "x")...), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			as := ReadAttempts(tt.cookies, s, scope, tt.secure, now)
			a, slot, ok := as.Find("aa")
			if ok != tt.found || ok && (a.State != "aa" || slot != 3 && name != "all eight and no end") {
				t.Errorf("found %+v at %d, %v; want %v", a, slot, ok, tt.found)
			}
			if _, _, ok := as.Find(""); ok {
				t.Error("no state finds an attempt")
			}
		})
	}
}

func eight(name, value string) (cookies []visitor.Cookie) {
	for i := range maxAttempts {
		cookies = append(cookies, visitor.Cookie{Name: name + string(rune('0'+i)), Value: value})
	}
	return cookies
}

func TestFindTellsTheStatesOwnAttemptAndItsPlace(t *testing.T) {
	as := Attempts{slot: [maxAttempts]*Attempt{1: begun("aa", 0), 4: begun("bb", 0), 7: spent("cc", 0)}}
	for state, want := range map[string]int{"aa": 1, "bb": 4, "cc": 7} {
		if a, slot, ok := as.Find(state); !ok || slot != want || a.State != state {
			t.Errorf("%s: found %+v at %d, %v", state, a, slot, ok)
		}
	}
	if _, _, ok := as.Find("dd"); ok {
		t.Error("found what nobody began")
	}
}

// carried returns attempts as a browser carries them, whose cookies take that many bytes each.
func carried(size int, slot [maxAttempts]*Attempt) Attempts {
	as := Attempts{slot: slot}
	for i, a := range slot {
		if a != nil {
			as.size[i] = size
		}
	}
	return as
}

func TestAnotherAttemptTakesAFreePlaceElseTheOldest(t *testing.T) {
	full := func(change map[int]*Attempt) Attempts {
		var slot [maxAttempts]*Attempt
		for i := range slot {
			slot[i] = begun("x", time.Minute)
		}
		for i, a := range change {
			slot[i] = a
		}
		return carried(300, slot)
	}
	foreign := full(map[int]*Attempt{1: nil, 6: spent("s", 0)})
	foreign.size[1], foreign.foreign[1] = 300, true
	for name, tt := range map[string]struct {
		as   Attempts
		want []int
	}{
		"all free":                {Attempts{}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		"some free":               {full(map[int]*Attempt{2: nil, 5: nil}), []int{2, 5}},
		"the last one free":       {full(map[int]*Attempt{7: nil}), []int{7}},
		"a free one, not a spent": {full(map[int]*Attempt{2: spent("s", 5*time.Minute), 6: nil}), []int{6}},
		"the oldest":              {full(map[int]*Attempt{3: begun("old", 2*time.Minute), 6: begun("older", 3*time.Minute)}), []int{6}},
		"the oldest is first":     {full(map[int]*Attempt{0: begun("old", 2*time.Minute)}), []int{0}},
		"a spent before an older": {full(map[int]*Attempt{3: begun("old", 5*time.Minute), 4: spent("s", 0)}), []int{4}},
		"the oldest of the spent": {full(map[int]*Attempt{1: spent("s", time.Minute), 4: spent("t", 2*time.Minute)}), []int{4}},
		"a foreign before all":    {foreign, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(map[int]bool)
			for range 400 {
				slot, removals := tt.as.Room(300, nil)
				if seen[slot] = true; len(removals) > 0 {
					t.Fatalf("removes %v", removals)
				}
			}
			var got []int
			for slot := range maxAttempts {
				if seen[slot] {
					got = append(got, slot)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("takes %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAttemptsGiveWayWhereTheyDoNotFit(t *testing.T) {
	at := func(i int) *int { return &i }
	four := [maxAttempts]*Attempt{begun("c", time.Minute), begun("a", 3*time.Minute), begun("b", 2*time.Minute), begun("d", 0)}
	withSpent := four
	withSpent[3] = spent("s", 0)
	withForeign := carried(900, withSpent)
	withForeign.slot[2], withForeign.foreign[2] = nil, true
	withStrays := carried(900, four)
	withStrays.secure, withStrays.strays, withStrays.straysSize = true, []string{"wechat_login_5"}, 250
	for name, tt := range map[string]struct {
		as        Attempts
		size      int
		instead   *int
		slot      int // -1: a free one
		removed   string
		displaces int
	}{
		"there is room":                 {carried(900, four), 300, nil, -1, "", 0},
		"the oldest":                    {carried(900, four), 301, nil, 1, "", 1},
		"the two oldest":                {carried(900, four), 1300, nil, 1, "2", 2},
		"all":                           {carried(900, four), 3300, nil, 1, "2 0 3", 4},
		"the spent first":               {carried(900, withSpent), 1300, nil, 3, "1", 1},
		"the foreign before the spent":  {withForeign, 1300, nil, 2, "3", 0},
		"the one it stands in for":      {carried(900, four), 1200, at(0), 0, "", 0},
		"and more":                      {carried(900, four), 1300, at(0), 0, "1", 1},
		"a free one that it stands for": {carried(900, four), 400, at(7), 7, "1", 1},
		"strays before all":             {withStrays, 300, nil, -1, "wechat_login_5", 0},
		"strays where there is room":    {withStrays, 40, nil, -1, "", 0},
	} {
		slot, removals := tt.as.Room(tt.size, tt.instead)
		if slot != tt.slot && (tt.slot >= 0 || tt.as.size[slot] > 0) {
			t.Errorf("%s: takes %d, want %d", name, slot, tt.slot)
		}
		var removed []string
		for _, c := range removals {
			removed = append(removed, strings.TrimPrefix(strings.TrimPrefix(c.Name, "__Host-"), "wechat_login_"))
		}
		if got := strings.Join(removed, " "); got != strings.TrimPrefix(tt.removed, "wechat_login_") {
			t.Errorf("%s: removes %q, want %q", name, got, tt.removed)
		}
		if got := tt.as.Displaces(tt.size, tt.instead); got != tt.displaces {
			t.Errorf("%s: displaces %d, want %d", name, got, tt.displaces)
		}
	}
}

var (
	anyLost  = func(Attempt) bool { return true }
	noneLost = func(Attempt) bool { return false }
)

func TestRoundsOfAttempts(t *testing.T) {
	two := stateKey.NewState(Restarts{now.Add(-10 * time.Second), now.Add(-20 * time.Second)})
	over := *spent(two, 5*time.Second)
	over.SessionEnd = now
	for name, tt := range map[string]struct {
		slot              [maxAttempts]*Attempt
		lost, andNoneLost int
	}{
		"nothing":                {[maxAttempts]*Attempt{}, 0, 0},
		"only begun":             {[maxAttempts]*Attempt{0: begun(stateKey.NewState(nil), 0), 1: begun("x", 0)}, 0, 0},
		"begun after two":        {[maxAttempts]*Attempt{0: begun(two, 0), 1: begun("x", 0)}, 2, 2},
		"one session":            {[maxAttempts]*Attempt{3: spent(stateKey.NewState(nil), 0)}, 1, 0},
		"with those before":      {[maxAttempts]*Attempt{3: spent(two, 0)}, 3, 2},
		"a foreign state":        {[maxAttempts]*Attempt{3: spent("x", 0)}, 1, 0},
		"two tabs are no rounds": {[maxAttempts]*Attempt{1: spent(stateKey.NewState(nil), 0), 2: spent(stateKey.NewState(nil), time.Second)}, 1, 0},
		"a session that is over": {[maxAttempts]*Attempt{3: &over}, 2, 2},
		"the last one counts":    {[maxAttempts]*Attempt{1: spent(stateKey.NewState(nil), time.Minute), 5: spent(two, 0)}, 3, 2},
		"at the end of the row":  {[maxAttempts]*Attempt{7: spent(two, 0)}, 3, 2},
		"one session, long ago":  {[maxAttempts]*Attempt{3: spent(stateKey.NewState(nil), 2*time.Minute)}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			as := Attempts{slot: tt.slot}
			if got := len(as.Restarts(stateKey, anyLost, now)); got != tt.lost {
				t.Errorf("%d restarts, want %d", got, tt.lost)
			}
			if got := len(as.Restarts(stateKey, noneLost, now)); got != tt.andNoneLost {
				t.Errorf("with the sessions %d restarts, want %d", got, tt.andNoneLost)
			}
		})
	}
}

// A loop without a person in it is fast: its restarts are of one second. Where the attempts stand must not matter.
func TestRoundsWithinASecondAreLostWhereverTheirAttemptsStand(t *testing.T) {
	first := spent(stateKey.NewState(nil), 0)
	second := spent(stateKey.NewState(Restarts{now}), 0)
	third := spent(stateKey.NewState(Restarts{now, now}), 0)
	for _, slots := range [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 7}, {5, 6, 3}} {
		var as Attempts
		as.slot[slots[0]], as.slot[slots[1]] = first, second
		if got := as.Restarts(stateKey, anyLost, now); len(got) != 2 || got.Exceeded(now) {
			t.Errorf("slots %v: two restarts are %v", slots, got)
		}
		as.slot[slots[2]] = third
		if got := as.Restarts(stateKey, anyLost, now); !got.Exceeded(now) {
			t.Errorf("slots %v: three restarts are %v", slots, got)
		}
	}
}

func TestTheAttemptsCookies(t *testing.T) {
	as := ReadAttempts([]visitor.Cookie{
		{Name: "__Host-wechat_login_2", Value: "x"}, {Name: "wechat_login_4", Value: "x"}, {Name: "__Host-wechat_login_7", Value: "x"},
	}, newSealer(t), scope, true, now)

	a := *begun("aa", time.Minute)
	want := "__Host-wechat_login_5=sealed; Path=/; Max-Age=540; HttpOnly; Secure; SameSite=Lax"
	if got := as.Cookie(5, "sealed", a, now).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = "wechat_login_0=sealed; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
	if got := (Attempts{}).Cookie(0, "sealed", *begun("aa", 0), now).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	var got []string
	for _, c := range as.RemoveAll() {
		if c.MaxAge >= 0 || c.Value != "" || !c.Secure || c.Path != "/" {
			t.Errorf("%s does not delete", c)
		}
		got = append(got, c.Name)
	}
	if want := []string{"__Host-wechat_login_2", "__Host-wechat_login_7"}; !slices.Equal(got, want) {
		t.Errorf("removes %q, want %q", got, want)
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
