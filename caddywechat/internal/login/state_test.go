package login

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)

var stateKey = StateKey("a key for states with 32 bytes..")

func sameTimes(a, b Restarts) bool {
	return slices.EqualFunc(a, b, func(a, b time.Time) bool { return a.Equal(b) })
}

func TestAStateIsWhatWeChatTakes(t *testing.T) {
	for _, restarts := range []Restarts{nil, {now}, {now, now.Add(-time.Second)}, {now, now, now, now}} {
		state := stateKey.NewState(restarts)
		if len(state) < 32 || len(state) > 128 {
			t.Errorf("%q has %d characters", state, len(state))
		}
		if strings.Trim(state, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("%q holds something else than letters and digits", state)
		}
	}
}

func TestNoStateComesTwice(t *testing.T) {
	const random = 32 // characters: 128 bits
	seen := make(map[string]bool)
	for range 10_000 {
		state := stateKey.NewState(nil)
		if seen[state[:random]] {
			t.Fatalf("%s came twice", state[:random])
		}
		seen[state[:random]] = true
	}
}

func TestAStateCarriesTheRounds(t *testing.T) {
	ago := func(seconds ...int) (r Restarts) {
		for _, s := range seconds {
			r = append(r, now.Add(-time.Duration(s)*time.Second))
		}
		return r
	}
	for name, tt := range map[string]struct{ restarts, want Restarts }{
		"none":                       {nil, nil},
		"one":                        {ago(0), ago(0)},
		"two":                        {ago(0, 20), ago(0, 20)},
		"three":                      {ago(0, 20, 40), ago(0, 20, 40)},
		"more than count":            {ago(0, 1, 2, 3, 4), ago(0, 1, 2)},
		"two within a second":        {ago(0, 0), ago(0, 0)},
		"three within a second":      {ago(5, 5, 5), ago(5, 5, 5)},
		"one long ago":               {ago(0, 3600), ago(0, 254)},
		"a clock set back meanwhile": {ago(0, -3600), ago(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := stateKey.Restarts(stateKey.NewState(tt.restarts)); !sameTimes(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRoundsInAStateCannotBeForged(t *testing.T) {
	state := stateKey.NewState(Restarts{now, now})
	if len(stateKey.Restarts(state)) != 2 {
		t.Fatal("the true state carries nothing")
	}
	for i := range state {
		for _, c := range "0123456789abcdef" {
			if byte(c) == state[i] {
				continue
			}
			if got := stateKey.Restarts(state[:i] + string(c) + state[i+1:]); got != nil {
				t.Fatalf("with %q at %d it carries %v", c, i, got)
			}
		}
	}
	for name, forged := range map[string]string{
		"nothing": "", "cut": state[:len(state)-2], "begun otherwise": "00" + state,
		"no hex": strings.Repeat("z", len(state)), "without rounds": state[:32],
		"zeros": strings.Repeat("0", len(state)), "another key's": StateKey("another key").NewState(Restarts{now}),
	} {
		if got := stateKey.Restarts(forged); got != nil {
			t.Errorf("%s: carries %v", name, got)
		}
	}
}

func TestWhatIsAppendedToAStateDoesNotHideItsRounds(t *testing.T) {
	state := stateKey.NewState(Restarts{now, now})
	for _, more := range []string{"0", "00", "&x=1", "#wechat_redirect"} {
		if got := stateKey.Restarts(state + more); len(got) != 2 {
			t.Errorf("with %q behind it it carries %v", more, got)
		}
	}
}

func TestRoundsEndAfterTheirWindow(t *testing.T) {
	var r Restarts
	for i, tt := range []struct {
		after    time.Duration
		exceeded bool
	}{
		{0, false},
		{30 * time.Second, false},
		{59 * time.Second, true},
		{90 * time.Second, false}, // the first two are over
		{118 * time.Second, true},
		{10 * time.Minute, false},
	} {
		at := now.Add(tt.after)
		if r = r.Add(at); r.Exceeded(at) != tt.exceeded {
			t.Errorf("restart %d after %s: exceeded = %v with %v", i+1, tt.after, !tt.exceeded, r)
		}
		if len(r) > MaxRestarts {
			t.Errorf("%d restarts are kept", len(r))
		}
	}
}

func TestThreeRoundsWithinASecondAreALoop(t *testing.T) {
	r := Restarts(nil).Add(now).Add(now).Add(now)
	if !r.Exceeded(now) {
		t.Error("not exceeded")
	}
	if !stateKey.Restarts(stateKey.NewState(r)).Exceeded(now) {
		t.Error("not exceeded behind a state")
	}
}

func TestAClockSetBackNeitherPanicsNorFreesALoop(t *testing.T) {
	r := Restarts(nil).Add(now).Add(now.Add(-time.Hour)).Add(now.Add(-time.Hour + time.Second))
	if !r.Exceeded(now.Add(-time.Hour + time.Second)) {
		t.Error("not exceeded")
	}
	if got := stateKey.Restarts(stateKey.NewState(r)); len(got) != 3 {
		t.Errorf("a state carries %v", got)
	}
}

func TestNoRoundsAreNoLoop(t *testing.T) {
	if Restarts(nil).Exceeded(now) || (Restarts{now, now}).Exceeded(now) {
		t.Error("exceeded")
	}
}

func FuzzStateRounds(f *testing.F) {
	f.Add(stateKey.NewState(nil))
	f.Add(stateKey.NewState(Restarts{now, now}))
	f.Add("")
	f.Add(strings.Repeat("f", 2*stateLength))
	f.Add(strings.Repeat("F", 2*stateLength+1))
	f.Fuzz(func(t *testing.T, state string) {
		r := StateKey("a key that nobody knows").Restarts(state)
		if len(r) != 0 {
			t.Errorf("%q carries %v", state, r)
		}
	})
}
