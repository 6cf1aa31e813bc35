package placement

import "testing"

func TestHost_MatchesOneLabelPerStar(t *testing.T) {
	for pattern, hosts := range map[string]map[string]Known{
		"a.test":   {"a.test": Yes, "A.TEST": Yes, "b.test": No, "x.a.test": No, "": Maybe},
		"*.test":   {"a.test": Yes, "test": No, "a.b.test": No},
		"*":        {"localhost": Yes, "a.test": No},
		"{a}.test": {"a.test": Maybe},
	} {
		for host, want := range hosts {
			if got := (Host{pattern}).Matches(Request{Host: host}); got != want {
				t.Errorf("%s, %q: got %d, want %d", pattern, host, got, want)
			}
		}
	}
}
