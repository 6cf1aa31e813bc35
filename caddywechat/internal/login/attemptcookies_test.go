package login

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestReadAttemptsOpensThisSitesYoungOnes(t *testing.T) {
	s := newSealer(t)
	sealed := mustSeal(t, s, scope, *begun("aa", time.Minute))
	alone := func(name, value string) []visitor.Cookie { return []visitor.Cookie{{Name: name, Value: value}} }
	old := func(age time.Duration) string { return mustSeal(t, s, scope, *begun("aa", age)) }
	for name, tt := range map[string]struct {
		cookies []visitor.Cookie
		secure  bool
		found   bool
	}{
		"on https":          {alone("__Host-wechat_login_3", sealed), true, true},
		"on http":           {alone("wechat_login_3", sealed), false, true},
		"planted by http":   {alone("wechat_login_3", sealed), true, false},
		"of https, on http": {alone("__Host-wechat_login_3", sealed), false, false},
		"no such slot":      {alone("__Host-wechat_login_8", sealed), true, false},
		"another cookie":    {alone("__Host-wechat_session", sealed), true, false},
		"altered":           {alone("__Host-wechat_login_3", "A"+sealed[1:]), true, false},
		"of another site": {
			alone("__Host-wechat_login_3", mustSeal(t, s, "other", *begun("aa", 0))), true, false,
		},
		"too old":        {alone("__Host-wechat_login_3", old(Lifetime)), true, false},
		"almost too old": {alone("__Host-wechat_login_3", old(Lifetime-time.Second)), true, true},
		"beside rubbish": {
			append(alone("__Host-wechat_login_0", "x"), alone("__Host-wechat_login_3", sealed)...), true, true,
		},
		"no cookies": {nil, true, false},
		"double, second true": {
			append(alone("__Host-wechat_login_3", "x"), alone("__Host-wechat_login_3", sealed)...), true, false,
		},
		"all eight and no end": {
			append(eight("__Host-wechat_login_", sealed), eight("__Host-wechat_login_", "x")...), true, true,
		},
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
		"the oldest": {
			full(map[int]*Attempt{3: begun("old", 2*time.Minute), 6: begun("older", 3*time.Minute)}), []int{6},
		},
		"the oldest is first":     {full(map[int]*Attempt{0: begun("old", 2*time.Minute)}), []int{0}},
		"a spent before an older": {full(map[int]*Attempt{3: begun("old", 5*time.Minute), 4: spent("s", 0)}), []int{4}},
		"the oldest of the spent": {
			full(map[int]*Attempt{1: spent("s", time.Minute), 4: spent("t", 2*time.Minute)}), []int{4},
		},
		"a foreign before all": {foreign, []int{1}},
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
	four := [maxAttempts]*Attempt{
		begun("c", time.Minute), begun("a", 3*time.Minute), begun("b", 2*time.Minute), begun("d", 0),
	}
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
	one := func(ago time.Duration) *Attempt { return spent(stateKey.NewState(nil), ago) }
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
		"one session":            {[maxAttempts]*Attempt{3: one(0)}, 1, 0},
		"with those before":      {[maxAttempts]*Attempt{3: spent(two, 0)}, 3, 2},
		"a foreign state":        {[maxAttempts]*Attempt{3: spent("x", 0)}, 1, 0},
		"two tabs are no rounds": {[maxAttempts]*Attempt{1: one(0), 2: one(time.Second)}, 1, 0},
		"a session that is over": {[maxAttempts]*Attempt{3: &over}, 2, 2},
		"the last one counts":    {[maxAttempts]*Attempt{1: one(time.Minute), 5: spent(two, 0)}, 3, 2},
		"at the end of the row":  {[maxAttempts]*Attempt{7: spent(two, 0)}, 3, 2},
		"one session, long ago":  {[maxAttempts]*Attempt{3: one(2 * time.Minute)}, 0, 0},
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
		{Name: "__Host-wechat_login_2", Value: "x"},
		{Name: "wechat_login_4", Value: "x"},
		{Name: "__Host-wechat_login_7", Value: "x"},
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
